"""Keeping customers: how likely one is to come back, why one may not, and the plan (S1 #47, #48,
#65). Works without a network; a store manager decides, whoever looks after the customer writes.

Each writing function is one unit of work; values are in wire form, as forms and drafts hold them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.clock import to_wire
from shared.codec import read
from shared.declare import Role
from shared.entities import ChurnScore, Customer, RetentionPlan, Staff
from shared.ids import new_id
from shared.states import OPEN_PLAN_STATES

if TYPE_CHECKING:
    from mobile.store.store import Store

CAUSE_FIELDS = ("cause", "cause_note", "measures", "due_at")
OUTCOME_FIELDS = ("outcome", "outcome_note")
WRITTEN = (*CAUSE_FIELDS, "owner_id", *OUTCOME_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What there is of one customer. `silent_days` are counted to today, None where no order is on
    record; `plan` is the one that is proposed or open, `ended` the ones before, the latest first.
    """

    score: ChurnScore | None
    noted: bool
    silent_days: int | None
    plan: RetentionPlan | None
    ended: tuple[RetentionPlan, ...]

    @property
    def signs(self) -> tuple[str, ...]:
        """As they were scored; what was noted on this phone since then counts at once."""
        found = self.score.signs if self.score else ()
        return ("noted", *found) if self.noted and "noted" not in found else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A plan that waits for a manager, and whose customer it is about."""

    plan: RetentionPlan
    customer: str
    tier: str | None
    return_percent: int | None


def standing(store: Store, customer_id: str) -> Standing:
    """Refuses what the store refuses; empty for a customer of whom nothing is known."""
    plans = store.find(RetentionPlan, customer_id=customer_id, newest_first=True)
    customer = store.get(Customer, customer_id)
    score = _scored(store, customer_id)
    last = score.last_order_at if score else None
    return Standing(
        score=score,
        noted=bool(customer and customer.churn_signals),
        silent_days=(store.now() - last).days if last else None,
        plan=next((plan for plan in plans if plan.state in OPEN_PLAN_STATES), None),
        ended=tuple(plan for plan in plans if plan.state not in OPEN_PLAN_STATES),
    )


def waiting_plans(store: Store) -> list[RetentionPlan]:
    """Plans that wait for a store manager, the earliest due first."""
    return store.find(RetentionPlan, state="proposed")


def proposal(store: Store, plan: RetentionPlan) -> Proposal:
    """A plan that waits, with what its line says."""
    customer, score = store.get(Customer, plan.customer_id), _scored(store, plan.customer_id)
    return Proposal(
        plan=plan,
        customer=customer.name if customer else "",
        tier=customer.tier if customer else None,
        return_percent=score.return_percent if score else None,
    )


def _scored(store: Store, customer_id: str) -> ChurnScore | None:
    found = store.find(ChurnScore, customer_id=customer_id, newest_first=True, limit=1)
    return found[0] if found else None


def owners(store: Store, customer: Customer) -> list[tuple[str, str]]:
    """(id, name) of who may own a plan: whoever looks after the customer, and the manager who
    decides."""
    me = store.staff()
    held = store.get(Staff, customer.owner_id) if customer.owner_id else None
    found = {held.id: held.name} if held and held.active is not False else {}
    return list((found | {me.id: me.name}).items())


def plan_draft(customer_id: str, plan_id: str | None) -> str:
    """Key of the draft of a plan."""
    return f"plan/{customer_id}/{plan_id or 'new'}"


def suggested(store: Store, customer: Customer) -> dict[str, Any]:
    """What a new plan begins with, in wire form."""
    due = store.now() + timedelta(days=store.policy().plan_days)
    return {"due_at": to_wire(due), "owner_id": customer.owner_id}


def start(store: Store, customer_id: str, values: Mapping[str, Any]) -> RetentionPlan:
    """A new plan: open where its author may decide and named an owner, else proposed."""
    decides = store.staff().role == Role.STORE_MANAGER
    with store.unit() as unit:
        row = {name: value for name, value in values.items() if value is not None}
        if not decides:
            row.pop("owner_id", None)
        made: RetentionPlan = unit.create(
            read(
                RetentionPlan,
                {
                    **row,
                    "id": new_id(),
                    "customer_id": customer_id,
                    "state": "open" if row.get("owner_id") else "proposed",
                    "raised_at": _now(store),
                },
            )
        )
        unit.discard_draft(plan_draft(customer_id, None))
        unit.commit()
    return made


def save(
    store: Store, plan: RetentionPlan, values: Mapping[str, Any], state: str | None = None
) -> RetentionPlan:
    """The plan with `values` changed, and moved on to `state` ("open", "done" or "withdrawn") if
    told. `plan` is what the author saw."""
    moved: dict[str, Any] = dict(values)
    if state is not None:
        moved["state"] = state
    if state == "done":
        moved["finished_at"] = _now(store)
    with store.unit() as unit:
        changed = unit.update(plan, **moved)
        unit.discard_draft(plan_draft(plan.customer_id, plan.id))
        unit.commit()
    return changed


def _now(store: Store) -> str:
    return to_wire(store.now())
