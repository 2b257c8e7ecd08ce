"""A case on its way from dispatch to resolution, and the clocks that run beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.clock import to_wire
from shared.declare import Role
from shared.entities import CaseEvent, Report
from shared.errors import Code, Refusal
from tests.mobile.repair_world import CASE, Job
from tests.mobile.store_world import COLLEAGUE, ME, MORNING, an_id


def refused(code: Code) -> pytest.RaisesExc[Refusal]:
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.code is code)


@pytest.fixture
def job() -> Job:
    return Job()


def test_each_step_is_on_record_with_the_time_at_which_it_was_taken(job: Job) -> None:
    job.go("accepted")
    job.clock.advance(minutes=40)
    job.go("en_route", "on_site")
    events = job.repairs.job(CASE["id"]).events
    assert [(e.from_state, e.to_state, e.staff_id) for e in events] == [
        ("assigned", "accepted", ME),
        ("accepted", "en_route", ME),
        ("en_route", "on_site", ME),
    ]
    assert [e.happened_at - MORNING for e in events] == [
        timedelta(0), timedelta(minutes=40), timedelta(minutes=40),
    ]  # fmt: skip


def test_a_step_and_its_event_are_stored_together_or_not_at_all(job: Job) -> None:
    with job.store.unit() as unit:
        job.repairs.step(unit, job.case, "accepted")  # the app is killed before the commit
    job.again()
    assert job.case.state == "assigned"
    assert job.store.find(CaseEvent) == [] and job.store.waiting() == []


def test_a_step_that_does_not_follow_is_refused_and_leaves_nothing(job: Job) -> None:
    with refused(Code.MOVE_NOT_ALLOWED):
        job.repairs.move(job.case, "en_route")
    with refused(Code.MOVE_NOT_ALLOWED):
        job.repairs.move(job.case, "assigned")
    assert job.store.find(CaseEvent) == [] and job.store.waiting() == []


def test_the_first_acceptance_answers_the_case_and_nothing_less_does(job: Job) -> None:
    job.repairs.move(job.case, "waiting", waiting_for="parts")
    assert job.case.responded_at is None
    job.clock.advance(minutes=5)
    accepted = job.go("accepted")
    assert accepted.responded_at == MORNING + timedelta(minutes=5)
    job.clock.advance(minutes=5)
    assert job.go("en_route").responded_at == accepted.responded_at


def test_waiting_names_for_whom_and_only_the_customer_stops_the_clock(job: Job) -> None:
    job.go("accepted")
    with refused(Code.FIELD_REQUIRED):
        job.repairs.move(job.case, "waiting")
    job.repairs.move(job.case, "waiting", waiting_for="customer", note="下午才有人")
    job.clock.advance(hours=3)
    found = job.repairs.job(CASE["id"])
    resolution = job.repairs.clocks(found.case, found.events).resolution
    assert resolution.paused
    job.go("accepted")
    assert job.case.waiting_for is None
    found = job.repairs.job(CASE["id"])
    resumed = job.repairs.clocks(found.case, found.events).resolution
    assert not resumed.paused and resumed.due_at == resolution.due_at


def test_the_clocks_say_what_is_left_and_that_an_unknown_calendar_is_a_guess(job: Job) -> None:
    clocks = job.repairs.clocks(job.case, ())
    response, resolution = clocks.response, clocks.resolution
    assert response.breached and response.due_at == job.case.opened_at + timedelta(minutes=10)
    assert resolution.remaining > timedelta(days=1) and resolution.provisional


def test_a_clock_keeps_the_policy_under_which_it_began(job: Job) -> None:
    def due() -> list[datetime | None]:
        clocks = job.repairs.clocks(job.case, ())
        return [clock.due_at for clock in (clocks.response, clocks.resolution)]

    began = due()
    row = {
        "id": an_id("policy"),
        "version": 2,
        "holds_from": to_wire(job.case.opened_at + timedelta(minutes=1)),
        "settings": {"response_minutes": 60, "repair_resolution_workdays": 9},
    }
    job.world.pull(job.world.line("policy", row))
    assert job.store.policy().response_minutes == 60
    assert due() == began
    newer = replace(job.case, opened_at=job.case.opened_at + timedelta(minutes=1))
    response = job.repairs.clocks(newer, ()).response
    assert response.due_at == newer.opened_at + timedelta(hours=1)
    assert response.policy == 2 and job.repairs.clocks(job.case, ()).response.policy == 0


def test_a_case_that_cannot_be_done_is_handed_back_with_a_reason(job: Job) -> None:
    job.go("accepted")
    with refused(Code.FIELD_REQUIRED):
        job.repairs.hand_back(job.case, "  ")
    job.repairs.hand_back(job.case, "没有这个型号的配件")
    assert job.case.state == "assigned"
    assert job.repairs.job(CASE["id"]).events[-1].note == "没有这个型号的配件"
    job.repairs.hand_back(job.case, "请改派")
    assert job.case.state == "new"


def test_a_case_is_not_handed_back_from_the_road(job: Job) -> None:
    job.go("accepted", "en_route")
    assert job.repairs.hand_back_to(job.case) is None
    with refused(Code.MOVE_NOT_ALLOWED):
        job.repairs.hand_back(job.case, "车坏了")


def test_what_the_customer_was_told_stands_on_the_record(job: Job) -> None:
    job.repairs.note(job.case, "  明天上午十点到 ", kind="informed")
    (event,) = job.repairs.job(CASE["id"]).events
    assert (event.kind, event.note, event.to_state) == ("informed", "明天上午十点到", None)
    with refused(Code.FIELD_REQUIRED):
        job.repairs.note(job.case, "")


def test_opening_a_case_is_a_look_on_record_and_a_missing_case_is_none(job: Job) -> None:
    job.repairs.open_job(CASE["id"])
    assert job.looks() == [("case", CASE["id"], "opened")]
    with refused(Code.RECORD_MISSING):
        job.repairs.job(CASE["customer_id"])


def test_a_technician_sees_their_own_cases_and_a_store_manager_all() -> None:
    assert [c.id for c in Job().repairs.mine()] == [CASE["id"]]
    assert Job(assignee_id=COLLEAGUE).repairs.mine() == []
    assert len(Job(Role.STORE_MANAGER, assignee_id=COLLEAGUE).repairs.mine()) == 1


def test_arriving_is_noted_in_the_report_that_was_begun_before(job: Job) -> None:
    job.go("accepted")
    job.writing.tick(job.case, "before.called", True, "zh-CN")
    job.go("en_route")
    job.clock.advance(minutes=30)
    job.go("on_site")
    (report,) = job.store.find(Report, case_id=CASE["id"])
    assert report.arrived_at == MORNING + timedelta(minutes=30)


def test_a_case_sent_back_to_work_counts_as_reopened(job: Job) -> None:
    job.go("accepted", "on_site", "resolved")
    assert job.case.resolved_at == MORNING
    with job.store.unit() as unit:
        job.repairs.reopen(unit, job.case, "还是不走")
        unit.commit()
    assert (job.case.state, job.case.resolved_at, job.case.reopened) == ("assigned", None, 1)
