"""The eight steps of a complaint, who comes first, what is covered: rules over records."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from shared.complaints import STEPS, Complaint, present_step, steps_of_complaint
from shared.coverage import Cover, cover_of
from shared.entities import Asset, Callback, Case, CaseEvent, Milestone
from shared.flows import parse_flow
from shared.followups import after_call, callback_after_solution
from shared.ids import derived_id
from shared.policy import DEFAULTS
from shared.queueing import place_in_queue

OPENED = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CASE = Case(
    id=derived_id("case"), number="B-1", customer_id=derived_id("customer"), kind="complaint",
    title="门锁坏了", state="new", opened_at=OPENED,
)  # fmt: skip
TIES = {"case_id": CASE.id, "customer_id": CASE.customer_id}


def event(hours: int, kind: str = "moved", state: str | None = None) -> CaseEvent:
    return CaseEvent(
        id=derived_id(str(hours), kind), kind=kind, happened_at=OPENED + hours * HOUR,
        to_state=state, **TIES,
    )  # fmt: skip


def call(hours: int, outcome: str) -> Callback:
    return Callback(
        id=derived_id("call", str(hours)), kind="after_complaint", state="done", due_at=OPENED,
        outcome=outcome, satisfaction=90, finished_at=OPENED + hours * HOUR, **TIES,
    )  # fmt: skip


WHOLE = Complaint(
    replace(
        CASE, state="closed", occurred_at=OPENED, place="一楼", description="锁芯断",
        impact="进不去",
        category="product.quality", liability="service", liable_party="安装队",
        findings="螺丝没拧紧",
        plan="换锁", assignee_id=derived_id("staff"), lesson="交付前逐颗复查",
    ),
    events=(event(5, state="resolved"), event(6, "informed")),
    milestones=(
        Milestone(id=derived_id("m"), title="换锁", due_at=OPENED, finished_at=OPENED, **TIES),
    ),
    callbacks=(call(8, "satisfied"),),
    evidence=1,
)  # fmt: skip


def missing(complaint: Complaint) -> dict[str, tuple[str, ...]]:
    return {s.name: s.missing for s in steps_of_complaint(complaint) if not s.done}


def test_a_complaint_with_everything_has_done_all_eight_steps_in_their_order() -> None:
    steps = steps_of_complaint(WHOLE)
    assert tuple(step.name for step in steps) == STEPS and len(STEPS) == 8
    assert missing(WHOLE) == {} and present_step(steps) is None


def test_a_complaint_that_just_came_in_says_what_each_step_lacks() -> None:
    assert missing(Complaint(CASE)) == {
        "receive": ("occurred_at", "place", "description", "impact"),
        "classify": ("category",),
        "liability": ("liability",),
        "verify": ("findings", "evidence"),
        "plan": ("plan", "assignee_id", "milestone"),
        "execute": ("solution",),
        "feedback": ("informed",),
        "review": ("satisfied", "lesson"),
    }


@pytest.mark.parametrize(
    ("step", "lacking", "fields"),
    [
        ("liability", "liable_party", {"liable_party": None}),
        ("verify", "findings", {"findings": None}),
        ("plan", "assignee_id", {"assignee_id": None}),
        ("review", "lesson", {"lesson": None}),
    ],
)
def test_a_step_lacks_what_was_not_written(
    step: str, lacking: str, fields: dict[str, None]
) -> None:
    assert missing(replace(WHOLE, case=replace(WHOLE.case, **fields))) == {step: (lacking,)}


def test_whoever_is_liable_is_named_unless_it_is_nobody_of_ours() -> None:
    case = replace(WHOLE.case, liability="customer", liable_party=None)
    assert missing(replace(WHOLE, case=case)) == {}


def test_a_complaint_that_is_taken_up_again_is_solved_told_and_asked_about_again() -> None:
    reopened = replace(WHOLE, events=(*WHOLE.events, event(9, state="assigned")))
    assert missing(reopened) == {
        "execute": ("solution",), "feedback": ("informed",), "review": ("satisfied",),
    }  # fmt: skip
    solved = replace(reopened, events=(*reopened.events, event(12, state="resolved")))
    assert missing(solved) == {"feedback": ("informed",), "review": ("satisfied",)}
    called = replace(solved, callbacks=(*WHOLE.callbacks, call(20, "unsatisfied")))
    assert missing(called) == {"review": ("satisfied",)}, "who was called was told"
    assert missing(replace(called, callbacks=(*called.callbacks, call(30, "satisfied")))) == {}


def test_steps_do_not_hang_on_the_order_in_which_records_came() -> None:
    mixed = replace(WHOLE, events=WHOLE.events[::-1], callbacks=WHOLE.callbacks[::-1])
    assert steps_of_complaint(mixed) == steps_of_complaint(WHOLE)


def test_an_unhappy_customer_has_a_complaint_taken_up_again_and_a_happy_one_closes_it() -> None:
    assert after_call("complaint", "unsatisfied") == after_call("complaint", "needs_more")
    assert after_call("complaint", "unsatisfied") == "reopen"
    assert after_call("complaint", "satisfied") == "close"
    assert after_call("complaint", "unreachable") is None
    assert after_call("repair", "unsatisfied") is None, "there the agent decides"


def test_a_week_after_each_solution_of_a_complaint_someone_asks() -> None:
    first = callback_after_solution(CASE, OPENED, DEFAULTS)
    assert first.due_at == OPENED + timedelta(days=7) and first.kind == "after_complaint"
    assert callback_after_solution(CASE, OPENED, DEFAULTS).id == first.id
    again = callback_after_solution(replace(CASE, reopened=1), OPENED, DEFAULTS)
    assert again.id != first.id


def test_vips_come_first_where_the_policy_says_so_and_then_time_or_urgency() -> None:
    def order(**settings: object) -> str:
        policy = replace(DEFAULTS, **settings)
        waiting = {
            "a": place_in_queue(policy, OPENED, vip=False),
            "b": place_in_queue(policy, OPENED + HOUR, vip=None, priority="critical"),
            "c": place_in_queue(policy, OPENED + 2 * HOUR, vip=True, priority="low"),
        }
        return "".join(sorted(waiting, key=lambda name: waiting[name]))

    assert order() == "cab"
    assert order(vip_first=False) == "abc"
    assert order(vip_first=False, queue_by="priority") == "bac"
    assert order(queue_by="priority") == "cba"


def test_a_package_covers_before_a_warranty_and_what_has_ended_says_when() -> None:
    today = date(2026, 11, 22)
    asset = Asset(id=derived_id("asset"), customer_id=CASE.customer_id, product="门锁")
    assert cover_of(asset, today) == Cover("unknown")
    asset = replace(asset, warranty_until=today)
    assert cover_of(asset, today) == Cover("warranty", today)
    assert cover_of(asset, today + timedelta(days=1)) == Cover("ended", today)
    packed = replace(asset, package="全保")
    assert cover_of(packed, today + timedelta(days=99)) == Cover("package", None)
    assert cover_of(replace(packed, package_until=date(2026, 11, 1)), today).by == "warranty"


@pytest.mark.parametrize(
    "text",
    ["", "apply technician none", "apply nobody none\nreview technician none\n"
     "process technician none\nfeedback technician none"],
)  # fmt: skip
def test_what_is_no_flow_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_flow(text)
