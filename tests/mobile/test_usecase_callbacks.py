"""Calling back: whom next, what was answered, when again, and back to work."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mobile.usecases.callbacks import Callbacks, draft_key
from shared.clock import to_wire
from shared.declare import Role
from shared.entities import Answer, CaseEvent
from shared.errors import Code, Refusal
from tests.mobile.repair_world import CALL, CASE, ZHANG, Job, unmarked
from tests.mobile.store_world import ME, MORNING

ANSWERS = (Answer(key="works", question="设备现在正常吗？", answer="yes"),)


def refused(code: Code) -> pytest.RaisesExc[Refusal]:
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.code is code)


@pytest.fixture
def job() -> Job:
    return Job(Role.CALLBACK_AGENT, state="resolved")


@pytest.fixture
def calls(job: Job) -> Callbacks:
    return Callbacks(job.store)


def test_the_queue_has_what_the_agent_may_read_with_whom_and_about_what(
    calls: Callbacks,
) -> None:
    (call,) = calls.queue()
    assert (call.callback.id, call.due_at) == (CALL["id"], MORNING)
    assert call.customer is not None and call.customer.name == ZHANG["name"]
    assert call.case is not None and call.case.id == CASE["id"] and call.may_reopen
    assert call.phone == (ZHANG["phone"], "customer", ZHANG["id"])


def test_a_call_that_comes_later_stands_behind(job: Job, calls: Callbacks) -> None:
    sooner = {**CALL, "id": CASE["customer_id"], "due_at": "2026-11-23T01:00:00.000Z"}
    job.world.pull(job.world.line("callback", sooner, f"case:{CASE['id']}"))
    assert [c.callback.id for c in calls.queue()] == [CALL["id"], sooner["id"]]
    calls.not_reached(job.callback, "busy")
    assert [c.callback.id for c in calls.queue()] == [sooner["id"], CALL["id"]]


def test_opening_a_call_is_on_record_and_outside_its_window_there_is_none(
    job: Job, calls: Callbacks
) -> None:
    calls.open(CALL["id"])
    assert job.looks() == [("callback", CALL["id"], "opened")]
    ends = to_wire(MORNING + timedelta(minutes=30))
    window = job.world.grant(f"case:{CASE['id']}", expires_at=ends)
    job.world.pull(lease=job.world.lease(window, f"user:{ME}", "ref:policy", "ref:reference"))
    assert len(calls.queue()) == 1
    job.clock.advance(minutes=30)
    with refused(Code.RECORD_MISSING):
        calls.open(CALL["id"])
    assert calls.queue() == []


def test_nobody_reached_means_again_in_some_hours(job: Job, calls: Callbacks) -> None:
    begun = calls.begin(job.callback)
    assert begun.state == "in_progress" and unmarked(calls.begin(begun)) == unmarked(begun)
    again = calls.not_reached(begun, "no_answer", "响铃未接")
    assert again.state == "scheduled" and again.next_attempt_at == MORNING + timedelta(hours=4)
    assert [(a.result, a.note, a.at) for a in again.attempts] == [
        ("no_answer", "响铃未接", MORNING)
    ]


def test_an_attempt_taken_back_leaves_the_call_as_it_stood(job: Job, calls: Callbacks) -> None:
    begun = calls.begin(job.callback)
    made = calls.not_reached(begun, "busy")
    back = calls.take_back(made, begun)
    assert unmarked(back) == unmarked(begun) == unmarked(job.callback)


def test_a_call_given_up_by_mistake_is_scheduled_again(job: Job, calls: Callbacks) -> None:
    begun = calls.begin(job.callback)
    over = calls.not_reached(begun, "wrong_number")
    assert (over.state, over.outcome, over.finished_at) == ("unreachable", "unreachable", MORNING)
    back = calls.take_back(over, begun)
    assert (back.state, back.attempts, back.outcome, back.finished_at) == (
        "scheduled", (), None, None,
    )  # fmt: skip


def test_after_the_last_allowed_attempt_the_call_is_given_up(job: Job, calls: Callbacks) -> None:
    for _ in range(5):
        calls.not_reached(job.callback, "no_answer")
    assert job.callback.state == "unreachable" and job.callback.next_attempt_at is None
    assert len(job.callback.attempts) == 5 and calls.queue() == []


def test_a_customer_may_ask_to_be_called_later(job: Job, calls: Callbacks) -> None:
    later = MORNING + timedelta(days=1)
    saved = calls.call_again_at(job.callback, later, "开会")
    assert (saved.state, saved.next_attempt_at) == ("scheduled", later)
    assert saved.attempts[0].result == "reached"


def test_a_finished_call_keeps_points_answers_and_notes_and_ends_its_draft(
    job: Job, calls: Callbacks
) -> None:
    job.store.save_draft(draft_key(CALL["id"]), {"notes": "很"})
    done = calls.finish(
        job.callback, outcome="satisfied", satisfaction=100, answers=ANSWERS, notes="很满意"
    )
    assert (done.state, done.outcome, done.satisfaction) == ("done", "satisfied", 100)
    assert done.answers == ANSWERS and done.finished_at == MORNING
    assert [a.result for a in done.attempts] == ["reached"]
    assert job.store.drafts() == [] and calls.queue() == []
    assert job.case.state == "resolved"


def test_a_call_without_outcome_or_points_is_not_finished(job: Job, calls: Callbacks) -> None:
    for outcome, points in ((None, 80), ("satisfied", None)):
        with refused(Code.FIELD_REQUIRED):
            calls.finish(job.callback, outcome=outcome, satisfaction=points, answers=(), notes=None)
    assert job.callback.state == "scheduled" and job.store.waiting() == []


def test_who_was_not_reached_gives_no_points(job: Job, calls: Callbacks) -> None:
    done = calls.finish(
        job.callback, outcome="unreachable", satisfaction=None, answers=(), notes=None
    )
    assert done.satisfaction is None and done.attempts == ()


def test_an_unhappy_customer_sends_the_case_back_to_work_in_the_same_transaction(
    job: Job, calls: Callbacks
) -> None:
    done = calls.finish(
        job.callback, outcome="unsatisfied", satisfaction=20, answers=(), notes="还" * 3000,
        reopen=True,
    )  # fmt: skip
    assert done.reopened_case and job.case.state == "assigned" and job.case.reopened == 1
    (event,) = job.store.find(CaseEvent)
    assert (event.from_state, event.to_state) == ("resolved", "assigned")
    assert event.note == "还" * 2000 and done.notes == "还" * 3000


def test_a_case_that_is_at_work_is_not_reopened() -> None:
    job = Job(Role.CALLBACK_AGENT, state="in_progress")
    with refused(Code.MOVE_NOT_ALLOWED):
        Callbacks(job.store).finish(
            job.callback, outcome="unsatisfied", satisfaction=20, answers=(), notes=None,
            reopen=True,
        )  # fmt: skip
    assert job.callback.state == "scheduled" and job.store.waiting() == []


def test_a_call_that_was_given_up_is_due_once_more(job: Job, calls: Callbacks) -> None:
    over = calls.not_reached(job.callback, "refused")
    job.clock.advance(days=1)
    again = calls.schedule_again(over)
    assert (again.state, again.outcome, again.finished_at) == ("scheduled", None, None)
    assert again.next_attempt_at == MORNING + timedelta(days=1) and len(again.attempts) == 1
