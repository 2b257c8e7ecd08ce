"""Service clocks, working days and policy versions."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from shared.policy import DEFAULTS, Policies, policy_at, settings_from
from shared.service_clock import Dial, Step, resolution_clock, response_clock, update_clock
from shared.workdays import MONDAY_TO_FRIDAY, Workdays, from_data

ZONE = ZoneInfo("Asia/Shanghai")
CALENDAR = from_data(
    {
        "known_until": "2026-12-31",
        "holidays": ["2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07"],
        "workdays": ["2026-10-10"],
    }
)
OPENED = datetime(2026, 9, 30, 2, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Shanghai


def _resolution(steps: list[Step], now: datetime, calendar: Workdays = CALENDAR):
    return resolution_clock("complaint", OPENED, steps, Policies(), Dial(calendar, ZONE, now))


def test_three_workdays_pass_over_the_national_holiday_and_count_the_make_up_saturday() -> None:
    # 8 and 9 October, then Saturday the 10th, which is worked.
    assert _resolution([], OPENED).due_at == datetime(2026, 10, 10, 2, 0, tzinfo=UTC)


def test_waiting_for_the_customer_moves_the_due_time_and_waiting_for_parts_does_not() -> None:
    now = OPENED + timedelta(hours=10)
    waits = [
        Step(OPENED + timedelta(hours=1), "waiting", "customer"),
        Step(OPENED + timedelta(hours=5), "in_progress"),
    ]
    parts = [Step(s.at, s.state, "parts" if s.waiting_for else None) for s in waits]
    plain = _resolution([], now).due_at
    assert _resolution(waits, now).due_at - plain == timedelta(hours=4)
    assert _resolution(parts, now).due_at == plain


def test_a_clock_that_waits_now_says_so_and_does_not_run_out() -> None:
    waits = [Step(OPENED, "waiting", "customer")]
    reading = _resolution(waits, OPENED + timedelta(days=40))
    assert reading.paused
    assert not reading.breached


def _update(steps: list[Step], now: datetime):
    return update_clock(OPENED, steps, Policies(), Dial(CALENDAR, ZONE, now))


def test_a_customer_is_told_every_two_workdays_until_the_case_is_solved() -> None:
    due = datetime(2026, 10, 9, 2, 0, tzinfo=UTC)  # 8 and 9 October are worked
    assert _update([], OPENED).due_at == due
    moved = [Step(OPENED + timedelta(hours=1), "in_progress")]
    assert _update(moved, due + timedelta(minutes=1)).breached, "work alone tells nobody"
    told = Step(due, "informed")
    assert _update([*moved, told], due).due_at == datetime(2026, 10, 12, 2, 0, tzinfo=UTC)
    assert _update([*moved, told, Step(due + timedelta(hours=1), "resolved")], due).due_at
    solved = [*moved, told, Step(due, "resolved")]
    assert _update(solved, due + timedelta(days=9)) is None


def test_a_case_that_is_taken_up_again_counts_anew_until_its_customer_is_told() -> None:
    again = datetime(2026, 10, 12, 2, 0, tzinfo=UTC)
    steps = [Step(OPENED, "resolved"), Step(again, "in_progress")]
    assert _update(steps, again).due_at == again + timedelta(days=2)
    late = [*steps, Step(OPENED + timedelta(hours=1), "informed")]
    assert _update(late, again).due_at == again + timedelta(days=2)


def test_a_reopened_case_is_measured_to_its_last_resolution() -> None:
    steps = [
        Step(OPENED + timedelta(hours=1), "resolved"),
        Step(OPENED + timedelta(hours=2), "in_progress"),
        Step(OPENED + timedelta(hours=9), "resolved"),
        Step(OPENED + timedelta(hours=12), "closed"),
    ]
    assert _resolution(steps, OPENED + timedelta(days=1)).stopped_at == OPENED + timedelta(hours=9)
    assert _resolution(steps[:2], OPENED + timedelta(days=1)).stopped_at is None


@given(st.permutations(range(4)))
def test_events_that_arrive_in_another_order_give_the_same_reading(order: list[int]) -> None:
    steps = [
        Step(OPENED + timedelta(hours=h), state, "customer" if state == "waiting" else None)
        for h, state in enumerate(["accepted", "waiting", "on_site", "resolved"])
    ]
    now = OPENED + timedelta(days=2)
    assert _resolution([steps[i] for i in order], now) == _resolution(steps, now)


def test_a_response_is_due_in_minutes_and_a_complaints_in_a_day() -> None:
    def due(kind: str) -> timedelta:
        dial = Dial(CALENDAR, ZONE, OPENED)
        return response_clock(kind, OPENED, [], Policies(), dial).due_at - OPENED

    assert due("repair") == timedelta(minutes=10)
    assert due("enquiry") == timedelta(minutes=5)
    assert due("complaint") == timedelta(hours=24)


def test_beyond_the_known_calendar_a_due_time_is_provisional() -> None:
    assert _resolution([], OPENED, MONDAY_TO_FRIDAY).provisional
    assert not _resolution([], OPENED).provisional


def test_a_saturday_is_no_workday_unless_made_up() -> None:
    assert not MONDAY_TO_FRIDAY.is_workday(date(2026, 10, 10))
    assert CALENDAR.is_workday(date(2026, 10, 10))


def test_the_policy_that_holds_is_the_last_that_had_begun() -> None:
    first, second = OPENED, OPENED + timedelta(days=10)
    versions = [(second, {"response_minutes": 3}), (first, {"response_minutes": 7})]
    assert policy_at(versions, first - timedelta(days=1)) == DEFAULTS
    assert policy_at(versions, first + timedelta(days=1)).response_minutes == 7
    assert policy_at(versions, second).response_minutes == 3


def test_settings_that_are_unknown_or_of_another_type_keep_their_defaults() -> None:
    assert settings_from({"response_minutes": "soon", "aura": 1}) == DEFAULTS
