"""When the next sync is due: soon after work, patiently after failures, never all phones at
once."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile.sync.scheduler import (
    AFTER_A_CHANGE,
    AT_MOST_HELD,
    EVERY,
    FIRST_RETRY,
    LONGEST_RETRY,
    POKES_APART,
    Scheduler,
)
from shared.errors import Code


@pytest.fixture
def timetable() -> Scheduler:
    scheduler = Scheduler(random.Random(7))
    scheduler.finished(0.0, None)
    return scheduler


def test_the_first_sync_is_due_at_once() -> None:
    assert Scheduler().due(5.0) == 0.0


def test_without_anything_new_it_comes_round(timetable: Scheduler) -> None:
    assert 0.9 * EVERY <= timetable.due(0.0) <= 1.1 * EVERY
    assert timetable.due(1.1 * EVERY) == 0.0


def test_phones_that_were_once_together_drift_apart() -> None:
    waits = set()
    for seed in range(20):
        scheduler = Scheduler(random.Random(seed))
        scheduler.finished(0.0, None)
        waits.add(scheduler.due(0.0))
    assert len(waits) == 20


def test_a_change_goes_up_after_a_short_pause(timetable: Scheduler) -> None:
    timetable.changed(10.0)
    assert timetable.due(10.0) == AFTER_A_CHANGE
    timetable.changed(10.1)
    assert timetable.due(10.1) == pytest.approx(AFTER_A_CHANGE)


def test_someone_who_writes_without_a_pause_is_sent_all_the_same(timetable: Scheduler) -> None:
    for step in range(200):
        timetable.changed(10.0 + 0.1 * step)
    assert timetable.due(10.0 + AT_MOST_HELD) == 0.0


def test_the_network_coming_back_syncs_at_once(timetable: Scheduler) -> None:
    for _ in range(8):
        timetable.finished(0.0, Code.OFFLINE)
    timetable.connected(1.0)
    assert timetable.due(1.0) == 0.0
    timetable.finished(2.0, Code.OFFLINE)
    assert timetable.due(2.0) <= FIRST_RETRY  # and the count of failures began anew


@given(st.lists(st.sampled_from([Code.OFFLINE, Code.SERVER_FAULT, Code.CUT_SHORT]), min_size=1))
def test_waiting_doubles_with_each_failure_up_to_a_limit(codes: list[Code]) -> None:
    scheduler = Scheduler(random.Random(len(codes)))
    for code in codes:
        scheduler.finished(100.0, code)
    full = min(LONGEST_RETRY, FIRST_RETRY * 2 ** (len(codes) - 1))
    assert full / 2 <= scheduler.due(100.0) <= full
    scheduler.changed(100.0)
    assert full / 2 <= scheduler.due(100.0)  # writing does not wear a broken line out


def test_the_server_is_given_the_time_it_asked_for(timetable: Scheduler) -> None:
    timetable.finished(0.0, Code.SERVER_BUSY, retry_after=90.0)
    assert timetable.due(0.0) >= 90.0
    timetable.poked(1.0)
    timetable.connected(1.0)
    assert timetable.due(1.0) == 89.0
    timetable.asked(1.0)
    assert timetable.due(1.0) == 0.0  # but a person is not made to wait


@pytest.mark.parametrize("code", [Code.SIGN_IN_REQUIRED, Code.DEVICE_BLOCKED])
def test_what_only_a_person_can_mend_is_not_tried_over_and_over(
    timetable: Scheduler, code: Code
) -> None:
    timetable.finished(0.0, code)
    assert timetable.due(0.0) >= 0.9 * EVERY


def test_a_hint_to_few_is_followed_at_once_and_one_to_many_over_a_while() -> None:
    waits = set()
    for seed in range(20):
        scheduler = Scheduler(random.Random(seed))
        scheduler.finished(0.0, None)
        scheduler.poked(1.0)
        assert scheduler.due(1.0) == 0.0
        scheduler.finished(1.0, None)
        scheduler.poked(2.0, spread=10.0)
        waits.add(scheduler.due(2.0))
    assert len(waits) == 20 and max(waits) <= 10.0


def test_hints_without_a_pause_leave_one_between_two_syncs(timetable: Scheduler) -> None:
    timetable.finished(10.0, None)
    timetable.poked(10.0)
    assert timetable.due(10.0) == pytest.approx(POKES_APART)
    timetable.poked(10.0 + POKES_APART)
    assert timetable.due(10.0 + POKES_APART) == 0.0


def test_what_is_saved_does_not_go_up_before_the_server_asked_to_be_asked_again(
    timetable: Scheduler,
) -> None:
    timetable.finished(10.0, Code.TOO_MANY_REQUESTS, 60.0)
    timetable.connected(11.0)  # the app comes to the front: that alone is no reason
    timetable.changed(12.0)
    timetable.poked(13.0)
    assert timetable.due(14.0) == 56.0
    timetable.asked(14.0)
    assert timetable.due(14.0) == 0.0, "a person may try"
