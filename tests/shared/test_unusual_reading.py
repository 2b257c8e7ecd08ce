"""What counts as unusual reading, and how a sample is drawn (S4 #156, #157)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from shared.policy import DEFAULTS
from shared.sampling import draw, week_before, week_of
from shared.unusual import Reason, Seen, bounds, local_day, unusual
from shared.workdays import MONDAY_TO_FRIDAY

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # a Monday, twelve o'clock in Shanghai
POLICY = replace(
    DEFAULTS, look_alert_customers_per_hour=4, look_alert_outside_hours=1, look_alert_unplanned=5
)


def seen(count: int, start: datetime = NOON, minutes: float = 1, first: int = 0) -> list[Seen]:
    """Looks at so many customers, one after the other."""
    return [Seen(f"c{first + n}", start + n * timedelta(minutes=minutes)) for n in range(count)]


def why(looks: list[Seen]) -> list[Reason]:
    """A visit that day to each of them."""
    return [Reason(one.customer_id, NOON, NOON) for one in looks]


def kinds(looks: list[Seen], reasons: list[Reason] | None = None) -> list[str]:
    planned = why(looks) if reasons is None else reasons
    return [one.kind for one in unusual(looks, planned, POLICY, ZONE, MONDAY_TO_FRIDAY)]


def test_many_customers_within_an_hour_are_unusual_and_over_a_day_are_not() -> None:
    assert kinds(seen(4)) == []
    assert kinds(seen(5)) == ["reading_many"]
    assert kinds(seen(8, minutes=20)) == []


def test_one_customer_opened_again_and_again_is_one_customer() -> None:
    assert kinds([Seen("c", NOON + timedelta(seconds=n)) for n in range(200)]) == []


def test_the_busiest_hour_is_told_with_its_first_and_last_look() -> None:
    looks = [*seen(5), *seen(7, NOON + timedelta(hours=3), first=10)]
    (one,) = unusual(looks, why(looks), POLICY, ZONE, MONDAY_TO_FRIDAY)
    later = NOON + timedelta(hours=3)
    assert (one.customers, one.first, one.last) == (7, later, later + timedelta(minutes=6))


def test_reading_at_night_and_on_a_rest_day_is_unusual_unless_a_visit_is_near() -> None:
    night = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
    sunday = NOON - timedelta(days=1)
    for moment in (night, sunday):
        assert kinds(seen(1, moment), []) == []
        assert kinds(seen(2, moment), []) == ["reading_hours"]
        assert kinds(seen(2, moment)) == []
    assert kinds(seen(2, NOON), []) == []


def test_reading_without_any_reason_near_is_unusual_beyond_the_policys_number() -> None:
    looks = seen(6, minutes=30)
    assert kinds(looks, []) == ["reading_unplanned"]
    assert kinds(looks, why(looks)[:1]) == []
    old = [Reason(r.customer_id, r.since - timedelta(days=8), r.since) for r in why(looks)]
    assert kinds(looks, old) == []
    gone = [Reason(r.customer_id, r.since, r.until - timedelta(days=8)) for r in why(looks)]
    assert kinds(looks, gone) == ["reading_unplanned"]
    running = [Reason(r.customer_id, NOON - timedelta(days=99), None) for r in why(looks)]
    assert kinds(looks, running) == []


def test_a_day_is_the_local_one() -> None:
    evening = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    assert local_day(evening, ZONE) == date(2026, 11, 24)
    begins, ends = bounds(date(2026, 11, 24), ZONE)
    assert begins <= evening < ends and ends - begins == timedelta(days=1)


LOOKS = st.lists(st.tuples(st.uuids().map(str), st.sampled_from("abc")), unique_by=lambda x: x[0])


@given(looks=LOOKS, seed=st.text(max_size=8), percent=st.integers(0, 100), least=st.integers(0, 4))
def test_a_sample_can_be_drawn_again_and_has_its_share_of_each_persons_looks(
    looks: list[tuple[str, str]], seed: str, percent: int, least: int
) -> None:
    chosen = draw(looks, seed, percent, least)
    assert chosen == draw(reversed(looks), seed, percent, least)
    assert len(set(chosen)) == len(chosen)
    for person in "abc":
        theirs = [look for look, whose in looks if whose == person]
        share = len([look for look in chosen if look in theirs])
        wanted = max(least, -(-len(theirs) * percent // 100))
        assert share == min(len(theirs), wanted)


def test_another_seed_draws_another_sample() -> None:
    looks = [(f"look {n}", "a") for n in range(100)]
    drawn = {tuple(draw(looks, str(seed), 10, 1)) for seed in range(20)}
    assert len(drawn) == 20


def test_a_week_is_named_as_iso_names_it() -> None:
    assert week_of(date(2027, 1, 3)) == "2026-W53"
    assert week_before(date(2026, 11, 23)) == "2026-W47"
