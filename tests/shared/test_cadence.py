"""Visits by tier: on working days, in time, evenly, and without moving anybody else's."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.cadence import Load, Need, Window, begins, place, window
from shared.policy import DEFAULTS
from shared.workdays import Workdays

TODAY = date(2026, 9, 21)
ZONE = ZoneInfo("Asia/Shanghai")
# A golden week with the make-up workdays around it, as in most years.
WEEK = [date(2026, 10, day) for day in range(1, 8)]
CALENDAR = Workdays(
    date(2026, 12, 31),
    dict.fromkeys(WEEK, False) | {date(2026, 9, 27): True, date(2026, 10, 10): True},
)
INTERVALS = st.sampled_from((14, 30, 91, 182))


@st.composite
def needs(draw: st.DrawFn) -> list[Need]:
    count = draw(st.integers(1, 20))
    made = []
    for number in range(count):
        every = draw(INTERVALS)
        ago = draw(st.none() | st.integers(0, 400))
        last = None if ago is None else TODAY - timedelta(days=ago)
        route = draw(st.sampled_from(("", "上海", "苏州")))
        made.append(Need(customer_id=str(number), window=window(last, TODAY, every), route=route))
    return made


@settings(max_examples=50)
@given(needs())
def test_everybody_is_met_on_a_working_day_within_their_window(wanted: list[Need]) -> None:
    given_ = place(wanted, Load(), CALENDAR.is_workday, DEFAULTS.visits_per_day)
    assert given_.keys() == {need.customer_id for need in wanted}
    for need in wanted:
        day = given_[need.customer_id]
        assert CALENDAR.is_workday(day) and day > TODAY
        assert need.window.earliest <= day <= need.window.due


@given(st.integers(0, 400), INTERVALS)
def test_who_is_in_time_is_met_within_the_interval(ago: int, every: int) -> None:
    last = TODAY - timedelta(days=ago)
    made = window(last, TODAY, every)
    assert TODAY < made.first <= made.due
    if ago < every:
        assert made.due == last + timedelta(days=every)
    else:
        assert made.due <= TODAY + timedelta(days=every // 3)


@given(st.integers(1, 80), INTERVALS, st.integers(1, 8))
def test_days_are_evenly_full(count: int, every: int, per_day: int) -> None:
    """All of one window: no day has two visits more than another, nor one too many while another
    has room."""
    made = window(None, TODAY, every)
    wanted = [Need(customer_id=str(n), window=made) for n in range(count)]
    load = Load()
    place(wanted, load, CALENDAR.is_workday, per_day)
    span = (made.due - made.first).days + 1
    days = [made.first + timedelta(days=n) for n in range(span)]
    counts = [load.visits[day] for day in days if CALENDAR.is_workday(day)]
    assert max(counts) - min(counts) <= 1


@settings(max_examples=25)
@given(needs(), needs())
def test_a_plan_for_others_goes_around_what_stands(first: list[Need], second: list[Need]) -> None:
    """Planning in two rounds leaves the first round's days alone, and knows that they are full."""
    load = Load()
    before = dict(place(first, load, CALENDAR.is_workday, 4))
    others = [Need(customer_id="b" + n.customer_id, window=n.window) for n in second]
    after = place(others, load, CALENDAR.is_workday, 4)
    assert sum(load.visits.values()) == len(before) + len(after)
    assert not before.keys() & after.keys()
    assert before == place(reversed(first), Load(), CALENDAR.is_workday, 4)


def test_those_of_one_route_go_together() -> None:
    days = Window(date(2026, 9, 22), date(2026, 9, 24), date(2026, 9, 22))
    load = Load()
    load.add(date(2026, 9, 22), "苏州")
    for day in (22, 23, 24):
        load.add(date(2026, 9, day), "上海")
    near = Need(customer_id="a", window=days, route="苏州")
    assert place([near], load, CALENDAR.is_workday, 6)["a"] == date(2026, 9, 22)
    far = Need(customer_id="b", window=days, route="")
    assert place([far], load, CALENDAR.is_workday, 6)["b"] == date(2026, 9, 24)


def test_a_window_within_a_holiday_gives_way_to_the_last_day_before_it() -> None:
    inside = Window(date(2026, 10, 2), date(2026, 10, 6), date(2026, 9, 22))
    made = place([Need(customer_id="a", window=inside)], Load(), CALENDAR.is_workday, 6)
    assert made["a"] == date(2026, 9, 30)
    late = Window(date(2026, 10, 1), date(2026, 10, 6), date(2026, 10, 1))
    made = place([Need(customer_id="a", window=late)], Load(), CALENDAR.is_workday, 6)
    assert made["a"] == date(2026, 10, 8)


def test_visits_of_a_day_follow_each_other_and_none_begins_late() -> None:
    hours = [begins(TODAY, n, ZONE, DEFAULTS).astimezone(ZONE) for n in (0, 1, 2, 40)]
    assert [h.strftime("%H:%M") for h in hours] == ["09:00", "10:00", "11:00", "18:00"]
