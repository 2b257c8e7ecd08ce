"""Service clocks: how long a case may take, computed from its events and never from arrival times
(L8).

Minutes and hours run on wall-clock time, working days on the calendar: a working day counts as
one day from one local midnight to the next, however many hours its zone gives it, and every other
day as nothing. Waiting for the customer pauses a resolution and a node, never a response
(requirements, decision on #16/#17). Each clock runs under the policy that held when it began.

Events may come late and in any order: they are a set, sorted by their own time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.entities import CaseEvent
from shared.flows import Limit, Node, node_of
from shared.policy import HeldPolicy, Policies, PolicySettings
from shared.workdays import Workdays

INFORMED = "informed"
"""The state of a step that moved nothing: the customer was told something."""
ANSWERED_STATES = frozenset(
    {"accepted", "en_route", "on_site", "in_progress", "resolved", "closed"}
)
_OVER = frozenset({"resolved", "closed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Step:
    """What a clock needs of a case's event: when it came to which state, waiting for whom. `id`
    tells two of the same instant apart."""

    at: datetime
    state: str
    waiting_for: str | None = None
    id: str = ""


def steps_of(events: Iterable[CaseEvent]) -> list[Step]:
    """What the events of one case say to its clocks; notes say nothing."""
    found = (step_of(e.happened_at, e.kind, e.to_state, e.waiting_for, e.id) for e in events)
    return [step for step in found if step is not None]


def step_of(
    at: datetime, kind: str, to_state: str | None, waiting_for: str | None, event_id: str
) -> Step | None:
    """What one event says to the clocks of its case; None for a note."""
    if not to_state and kind != INFORMED:
        return None
    return Step(at, to_state or INFORMED, waiting_for, event_id)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One clock at one moment. `due_at` has the pauses so far added, and is None where there is no
    limit; `provisional` says that the calendar is a guess; `stopped_at` is when the clock was met,
    None while it runs. `policy` is the version under which it runs, 0 for the defaults."""

    name: str
    started_at: datetime
    due_at: datetime | None
    stopped_at: datetime | None
    paused: bool
    provisional: bool
    now: datetime
    limit: Limit | None = None
    policy: int = 0

    @property
    def remaining(self) -> timedelta | None:
        """Time left (negative: over by so much), measured when it stopped or now; None without a
        limit."""
        return self.due_at - (self.stopped_at or self.now) if self.due_at else None

    @property
    def breached(self) -> bool:
        return self.remaining is not None and self.remaining < timedelta(0)


@dataclass(frozen=True, slots=True)
class NodeReading:
    """One stay in a node of the flow. `escalates_at` is when it goes to the node's next role, None
    where it never does."""

    node: Node
    clock: ClockReading
    escalates_at: datetime | None

    @property
    def escalated_to(self) -> str | None:
        """The role to which it has gone; None before, and once it is over."""
        if self.escalates_at is None or self.clock.stopped_at is not None:
            return None
        return self.node.escalate_to if self.escalates_at <= self.clock.now else None


@dataclass(frozen=True, slots=True)
class CaseClocks:
    """Every clock of one case at one moment. `stays` are in order: a case that was sent back is in
    a node more than once, each time with a clock of its own."""

    response: ClockReading
    resolution: ClockReading
    stays: tuple[NodeReading, ...]
    update: ClockReading | None = None  # until the customer has to hear of it again (S2 #90)

    @property
    def current(self) -> NodeReading | None:
        """The node in which the case is now; None once it is over."""
        last = self.stays[-1] if self.stays else None
        return last if last and last.clock.stopped_at is None else None

    @property
    def escalated_to(self) -> str | None:
        """The role that has to see to it now (S4 #167)."""
        return self.current.escalated_to if self.current else None


@dataclass(frozen=True, slots=True)
class Dial:
    """By what clocks run: the calendar, the zone whose midnights it means, and the time now."""

    calendar: Workdays
    zone: ZoneInfo
    now: datetime


def case_clocks(
    kind: str, opened_at: datetime, steps: Iterable[Step], policies: Policies, dial: Dial
) -> CaseClocks:
    """All clocks of a case of `kind`. Steps after `dial.now` have not happened yet."""
    known = _known(steps, dial.now)
    return CaseClocks(
        response_clock(kind, opened_at, known, policies, dial),
        resolution_clock(kind, opened_at, known, policies, dial),
        tuple(_stays(kind, opened_at, known, policies, dial)),
        update_clock(opened_at, known, policies, dial),
    )


def response_clock(
    kind: str, opened_at: datetime, steps: Iterable[Step], policies: Policies, dial: Dial
) -> ClockReading:
    """From opening to the first sign that someone took it on, or told the customer so: 5 min for an
    enquiry (S0 #14), 24 h for a complaint (S0 #16), else 10 min (S0 #10)."""
    signs = ANSWERED_STATES | {INFORMED}
    met = min((s.at for s in _known(steps, dial.now) if s.state in signs), default=None)
    held = policies.at(opened_at)
    return _read("response", response_limit(held.settings, kind), opened_at, met, (), held, dial)


def resolution_clock(
    kind: str, opened_at: datetime, steps: Iterable[Step], policies: Policies, dial: Dial
) -> ClockReading:
    """From opening to the resolution that stands, in working days (S0 #17, S4 #167).

    A case that was reopened runs on from its opening: only the last resolution counts.
    """
    known = _known(steps, dial.now)
    held = policies.at(opened_at)
    limit = resolution_limit(held.settings, kind)
    return _read("resolution", limit, opened_at, solved_at(known), _waits(known), held, dial)


def update_clock(
    opened_at: datetime, steps: Iterable[Step], policies: Policies, dial: Dial
) -> ClockReading | None:
    """By when the customer is to be told how their case stands: every so many working days since
    they last were, or since it was opened or taken up again; None once it is solved (S2 #90)."""
    since, over = opened_at, False
    for step in _known(steps, dial.now):
        if step.state == INFORMED or (over and step.state not in _OVER):
            since = max(since, step.at)
        if step.state != INFORMED:
            over = step.state in _OVER
    if over:
        return None
    held = policies.at(since)
    return _read("update", Limit(held.settings.update_workdays, "workdays"), since, None, (), held,
                 dial)  # fmt: skip


def solved_at(steps: Iterable[Step]) -> datetime | None:
    """When the case came to the resolution that stands (or was cancelled); None while open."""
    solved: datetime | None = None
    for step in sorted(steps, key=_order):
        if step.state in _OVER:
            solved = solved or step.at
        elif step.state != INFORMED:
            solved = None
    return solved


def promised_clock(
    asked_at: datetime, promised_at: datetime, answered_at: datetime | None, now: datetime
) -> ClockReading:
    """From handing a question to an expert to the answer, by the time that the customer was
    promised (S0 #15, S2 #88)."""
    met = answered_at if answered_at and answered_at <= now else None
    return ClockReading("expert", asked_at, promised_at, met, False, False, now)


def response_limit(policy: PolicySettings, kind: str) -> Limit:
    """How soon someone has to answer a case of `kind`."""
    if kind == "complaint":
        return Limit(policy.complaint_contact_hours, "hours")
    if kind == "enquiry":
        return Limit(policy.general_answer_minutes, "minutes")
    return Limit(policy.response_minutes, "minutes")


def resolution_limit(policy: PolicySettings, kind: str) -> Limit:
    """How soon a case of `kind` has to be solved."""
    complaint = kind == "complaint"
    days = policy.resolution_workdays if complaint else policy.repair_resolution_workdays
    return Limit(days, "workdays")


def _known(steps: Iterable[Step], now: datetime) -> list[Step]:
    return sorted((s for s in steps if s.at <= now), key=_order)


def _order(step: Step) -> tuple[datetime, str, str]:
    return step.at, step.id, step.state


_Span = tuple[datetime, datetime | None]


def _waits(steps: Sequence[Step]) -> tuple[_Span, ...]:
    """When the case waited for the customer; the last may be open."""
    spans: list[_Span] = []
    since: datetime | None = None
    for step in steps:
        if step.state == INFORMED:
            continue
        if since is not None:
            spans.append((since, step.at))
        since = step.at if (step.state, step.waiting_for) == ("waiting", "customer") else None
    return (*spans, (since, None)) if since is not None else tuple(spans)


def _stays(
    kind: str, opened_at: datetime, steps: Sequence[Step], policies: Policies, dial: Dial
) -> Iterable[NodeReading]:
    """Every stay in a node, the oldest first; a case begins in `apply`, whether its first step has
    arrived or not."""
    waits = _waits(steps)
    name, since = node_of("new"), opened_at
    for step in steps:
        here = name if step.state == INFORMED else node_of(step.state)
        if here == name:
            continue
        if name is not None and since < step.at:
            yield _stay(kind, name, since, step.at, waits, policies, dial)
        name, since = here, max(step.at, opened_at)
    if name is not None:
        yield _stay(kind, name, since, None, waits, policies, dial)


def _stay(
    kind: str,
    name: str,
    since: datetime,
    until: datetime | None,
    waits: Sequence[_Span],
    policies: Policies,
    dial: Dial,
) -> NodeReading:
    held = policies.at(since)
    node = next(one for one in held.settings.flow(kind) if one.name == name)
    clock = _read(name, node.limit, since, until, waits, held, dial)
    after = node.escalate_after
    goes = _reached(after, clock.due_at, (), dial) if clock.due_at and after else None
    return NodeReading(node, clock, goes)


def _read(
    name: str,
    limit: Limit | None,
    started: datetime,
    stopped: datetime | None,
    waits: Sequence[_Span],
    held: HeldPolicy,
    dial: Dial,
) -> ClockReading:
    end = max(stopped or dial.now, started)
    theirs = [
        (max(since, started), min(until or end, end))
        for since, until in waits
        if since < end and (until or end) > started
    ]
    due = _reached(limit, started, theirs, dial) if limit else None
    guessed = False
    if due is not None and limit is not None and limit.unit == "workdays":
        guessed = dial.calendar.is_provisional(due.astimezone(dial.zone).date())
    return ClockReading(
        name=name,
        started_at=started,
        due_at=due,
        stopped_at=stopped,
        paused=stopped is None and any(until is None for _, until in waits),
        provisional=guessed,
        now=dial.now,
        limit=limit,
        policy=held.version,
    )


def _reached(
    limit: Limit, started: datetime, pauses: Sequence[tuple[datetime, datetime]], dial: Dial
) -> datetime:
    """When `limit` is used up by the time outside `pauses`, which are in order and do not overlap.
    A clock that stands still now goes on at the end of its last pause."""
    if not limit.amount:
        return started
    if limit.unit == "workdays":
        return dial.calendar.reached(started, limit.amount, dial.zone, pauses)
    left = limit.span
    for since, until in pauses:
        if left <= since - started:
            break
        left -= since - started
        started = until
    return started + left
