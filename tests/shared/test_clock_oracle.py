"""Every clock of a case against someone who looks at it every minute (`minute_oracle`): calendars
with make-up workdays, pauses, reopenings, time zones with summer time, policies that change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.flows import CASE_KINDS, Limit, flow_text, parse_flow
from shared.policy import DEFAULTS, Policies, settings_from
from shared.service_clock import CaseClocks, Dial, Step, case_clocks
from shared.workdays import Workdays
from tests.shared.minute_oracle import MINUTE, Days, Happened, lived, used_up

ZONES = ("Asia/Shanghai", "Europe/Berlin", "Africa/Cairo", "Australia/Lord_Howe", "America/Havana")
TURNS = (  # near days on which some of these zones change their clocks, one of them a Friday
    date(2026, 3, 6), date(2026, 3, 27), date(2026, 4, 3), date(2026, 4, 23), date(2026, 9, 29),
    date(2026, 10, 23), date(2026, 10, 29),
)  # fmt: skip
STATES = (
    "assigned", "accepted", "in_progress", "waiting", "waiting", "resolved", "closed", "cancelled",
    "informed",
)  # fmt: skip
LIMITS = ("20 minutes", "3 hours", "30 hours", "1 workdays", "2 workdays", "none")


@dataclass(frozen=True)
class Played:
    """One case with everything that its clocks hang on."""

    kind: str
    opened: datetime
    events: tuple[Happened, ...]
    versions: tuple[tuple[int, datetime, dict[str, object]], ...]
    off: frozenset[date]
    made_up: frozenset[date]
    zone: ZoneInfo
    now: datetime

    def read(self, events: Sequence[Happened] | None = None) -> CaseClocks:
        steps = [Step(*event) for event in (self.events if events is None else events)]
        exceptions = dict.fromkeys(self.off, False) | dict.fromkeys(self.made_up, True)
        dial = Dial(Workdays(date(2027, 1, 1), exceptions), self.zone, self.now)
        return case_clocks(self.kind, self.opened, steps, Policies(self.versions), dial)


@st.composite
def cases(draw: st.DrawFn) -> Played:
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    day = draw(st.sampled_from(TURNS)) + timedelta(days=draw(st.integers(-2, 2)))
    opened = datetime(day.year, day.month, day.day, tzinfo=UTC) + MINUTE * draw(
        st.integers(0, 1439)
    )
    at, events = opened, []
    for _ in range(draw(st.integers(0, 6))):
        at += MINUTE * draw(st.sampled_from((1, 7, 45, 200, 700, 1500)))
        state = draw(st.sampled_from(STATES))
        whom = draw(st.sampled_from(("customer", "parts"))) if state == "waiting" else None
        events.append((at, state, whom))
    kind = draw(st.sampled_from(CASE_KINDS))
    around = [day + timedelta(days=d) for d in range(-1, 9)]
    off = draw(st.frozensets(st.sampled_from(around), max_size=3))
    return Played(
        kind=kind,
        opened=opened,
        events=tuple(events),
        versions=tuple(
            (number, since, {f"flow_{kind}": draw(flows()), "resolution_workdays": 1 + number})
            for number, since in ((1, opened - timedelta(days=9)), (2, opened + 700 * MINUTE))
        ),
        off=off,
        made_up=draw(st.frozensets(st.sampled_from(around), max_size=2)) - off,
        zone=zone,
        now=opened + MINUTE * draw(st.sampled_from((0, 30, 400, 1600, 4000, 6000))),
    )


@st.composite
def flows(draw: st.DrawFn) -> str:
    limit = st.sampled_from(LIMITS)
    lines = []
    for name in ("apply", "review", "process", "feedback"):
        allowed = draw(limit)
        late = f" store_manager {draw(limit)}" if allowed != "none" else ""
        lines.append(f"{name} technician {allowed}{late.replace('none', '0 minutes')}")
    return "\n".join(lines)


@settings(max_examples=15)
@given(cases())
def test_every_clock_says_what_someone_sees_who_looks_every_minute(played: Played) -> None:
    read, days = played.read(), Days(played.zone, set(played.off), set(played.made_up))
    life = lived(played.opened, played.events, played.now)

    def agrees(
        due: datetime | None, since: datetime, limit: Limit | None, still: set[datetime]
    ) -> None:
        if limit is None:
            assert due is None
            return
        end = used_up(since, limit.amount, limit.unit, still, days)
        assert due is not None and end - MINUTE < due <= end

    first = settings_from(played.versions[0][2])
    response, resolution = read.response, read.resolution
    assert response.stopped_at == life.answered and not response.paused
    agrees(response.due_at, played.opened, response.limit, set())
    assert resolution.stopped_at == life.solved
    assert resolution.paused == (life.waits_now and life.solved is None)
    allowed = first.resolution_workdays if played.kind == "complaint" else 3
    assert resolution.limit == Limit(allowed, "workdays")
    agrees(resolution.due_at, played.opened, resolution.limit, before(life.waiting, life.solved))

    assert [(s.node.name, s.clock.started_at, s.clock.stopped_at) for s in read.stays] == [
        (s.node, s.since, s.until) for s in life.stays
    ]
    for stay, seen in zip(read.stays, life.stays, strict=True):
        version = 2 if seen.since >= played.versions[1][1] else 1
        assert stay.clock.policy == version
        flow = parse_flow(str(played.versions[version - 1][2][f"flow_{played.kind}"]))
        node = next(one for one in flow if one.name == seen.node)
        agrees(stay.clock.due_at, seen.since, node.limit, before(life.waiting, seen.until))
        assert (stay.node, stay.clock.paused) == (node, life.waits_now and seen.until is None)
        if node.escalate_after and stay.clock.due_at:
            late = node.escalate_after
            if late.amount:
                agrees(stay.escalates_at, ceil(stay.clock.due_at), late, set())
            gone = seen.until is None and stay.escalates_at <= played.now
            assert stay.escalated_to == (node.escalate_to if gone else None)


@given(cases(), st.randoms(use_true_random=False))
def test_events_that_come_late_and_out_of_order_give_what_timely_ones_give(
    played: Played, chance: Random
) -> None:
    timely = played.read()
    late = list(played.events)
    chance.shuffle(late)
    assert played.read([*late, *late[:2]]) == timely
    assert played.read([e for e in late if e[0] <= played.now]) == timely


def before(minutes: set[datetime], end: datetime | None) -> set[datetime]:
    return {at for at in minutes if end is None or at < end}


def ceil(moment: datetime) -> datetime:
    """The next whole minute: on a day of 23 or 25 hours a share of it ends in between."""
    rest = timedelta(seconds=moment.second, microseconds=moment.microsecond)
    return moment + (MINUTE - rest if rest else timedelta(0))


@given(flows())
def test_a_flow_is_written_as_it_is_read(text: str) -> None:
    assert flow_text(parse_flow(text)) == text


def test_the_defaults_are_flows() -> None:
    for kind in CASE_KINDS:
        assert flow_text(DEFAULTS.flow(kind)) == getattr(DEFAULTS, f"flow_{kind}")
