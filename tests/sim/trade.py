"""What the trade's own work writes on phones: questions to experts, plans to keep customers, votes
of the panel, answers to surveys, the steps of a complaint, what customers say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.entities import (
    Case,
    Customer,
    Feedback,
    Milestone,
    RetentionPlan,
    Survey,
    SurveyAnswer,
    SurveyReply,
    TierProposal,
    Transfer,
)
from shared.ids import new_id, random_id
from shared.states import OPEN_PLAN_STATES, OPEN_PROPOSAL_STATES
from tests.sim import cast
from tests.sim.work import WORKS, Desk, work

__all__ = ["WORKS", "Desk"]

_MANAGER = "store_manager"
_KEEPERS = ("account_manager", _MANAGER)
_EXPERTS = (*cast.PEOPLE, "tu")


def _role(desk: Desk) -> str:
    return cast.PEOPLE[desk.phone.who][0]


@work
def a_case_is_given(desk: Desk) -> None:
    case = desk.any(Case, desk.a)
    if case is not None and _role(desk) == _MANAGER:
        technician = cast.staff_id(("wu", "tu")[desk.b % 2])
        desk.unit(lambda unit: unit.update(case, assignee_id=technician))


@work
def a_question(desk: Desk) -> None:
    case = desk.any(Case, desk.a)
    if case is None:
        return
    now = desk.phone.store.now()
    made = Transfer(
        id=new_id(),
        case_id=case.id,
        customer_id=case.customer_id,
        asked_by=desk.phone.id,
        expert_id=cast.staff_id(_EXPERTS[desk.b % len(_EXPERTS)]),
        question=desk.said("A", case.customer_id),
        asked_at=now,
        promised_at=now + timedelta(hours=4),
    )
    desk.unit(lambda unit: unit.create(made))


@work
def a_question_goes_on(desk: Desk) -> None:
    """It is answered, or goes to another expert."""
    asked = desk.any(Transfer, desk.a)
    if asked is None or asked.answered_at is not None:
        return
    values: dict[str, Any] = {
        "answer": desk.said("A", asked.customer_id),
        "answered_at": desk.phone.store.now(),
    }
    if desk.b % 3 == 0:
        values = {"expert_id": cast.staff_id(_EXPERTS[desk.b % len(_EXPERTS)])}
    desk.unit(lambda unit: unit.update(asked, **values))


@work
def a_plan(desk: Desk) -> None:
    customer = desk.any(Customer, desk.a)
    if customer is None or _role(desk) not in _KEEPERS:
        return
    accepts = _role(desk) == _MANAGER and desk.b % 2
    made = RetentionPlan(
        id=new_id(),
        customer_id=customer.id,
        state="open" if accepts else "proposed",
        owner_id=(customer.owner_id or desk.phone.id) if accepts else None,
        measures=desk.said("W", customer.id),
        raised_at=desk.phone.store.now(),
        due_at=desk.phone.store.now() + timedelta(days=7),
    )
    desk.unit(lambda unit: unit.create(made))


@work
def a_plan_goes_on(desk: Desk) -> None:
    plan = desk.any(RetentionPlan, desk.a)
    if plan is None or plan.state not in OPEN_PLAN_STATES or _role(desk) not in _KEEPERS:
        return
    values: dict[str, Any] = {"measures": desk.said("W", plan.customer_id)}
    if plan.state == "open":
        values |= {"state": "done", "outcome": "stayed", "finished_at": desk.phone.store.now()}
    elif _role(desk) == _MANAGER:
        customer = desk.any(Customer, 0, id=plan.customer_id)
        owner = customer.owner_id if customer else None
        values |= {"state": "open", "owner_id": owner or desk.phone.id}
    if _role(desk) == _MANAGER and desk.b % 4 == 0:
        values = {"state": "withdrawn"}
    desk.unit(lambda unit: unit.update(plan, **values))


@work
def a_vote(desk: Desk) -> None:
    found = desk.any(TierProposal, desk.a)
    if found is None or found.state not in OPEN_PROPOSAL_STATES or _role(desk) != _MANAGER:
        return
    values = {"state": "confirmed"}
    if found.state == "disputed":
        # Nobody looks again at their own dispute before its day, whatever their clock says.
        day = timedelta(days=1)
        known = found.disputed_at is not None
        if not known or desk.world.site.clock.now() < found.disputed_at + day:
            return
        values = {"state": ("confirmed", "withdrawn")[desk.b % 2]}
    elif desk.b % 2:
        values = {"state": "disputed", "note": desk.said("W", found.customer_id)}
    desk.unit(lambda unit: unit.update(found, **values))


@work
def a_survey_answered(desk: Desk) -> None:
    survey = desk.any(Survey, desk.a)
    if survey is not None:
        reply = SurveyReply(question="q", points=desk.b % 11)
        made = SurveyAnswer(id=random_id(), survey_id=survey.id, replies=(reply,))
        desk.unit(lambda unit: unit.create(made))


@work
def a_complaint_goes_on(desk: Desk) -> None:
    """One field of its steps, with a thing to do beside it; or one that is done."""
    case = desk.any(Case, desk.a)
    if case is None:
        return
    field = ("place", "impact", "findings", "liable_party", "plan", "lesson")[desk.b % 6]
    todo = desk.any(Milestone, desk.a)

    def fill(unit: Any) -> None:
        unit.update(case, **{field: desk.said("A", case.customer_id)})
        if todo is not None and desk.b % 2:
            unit.update(todo, finished_at=desk.phone.store.now())
            return
        unit.create(
            Milestone(
                id=new_id(),
                case_id=case.id,
                customer_id=case.customer_id,
                title=desk.said("A", case.customer_id),
                owner_id=desk.phone.id,
                due_at=desk.phone.store.now() + timedelta(days=2),
            )
        )

    desk.unit(fill)


@work
def a_word_of_feedback(desk: Desk) -> None:
    """What a customer said, or what was done about it."""
    noted = desk.any(Feedback, desk.a)
    if noted is not None and desk.b % 2:
        said = {"measure": desk.said("A", noted.customer_id), "effect": "better"}
        desk.unit(lambda unit: unit.update(noted, **said))
        return
    case = desk.any(Case, desk.a) if desk.b % 3 else None
    customer = case.customer_id if case else desk.customer()
    made = Feedback(
        id=new_id(),
        customer_id=customer,
        case_id=case.id if case else None,
        happened_at=desk.phone.store.now(),
        topic="price",
        said=desk.said("A", customer),
    )
    desk.unit(lambda unit: unit.create(made))
