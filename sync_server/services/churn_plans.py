"""Plans to keep customers (S1 #65): proposed by the rules or by whoever looks after a customer,
accepted by a store manager who names the owner, and closed with an outcome.

Phones write plans as they write anything; `settle` says what may be, and what follows, in the
change's own savepoint. What the rules proposed and nobody took up, they withdraw once its signs are
gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from shared.churn import asks_for_a_plan
from shared.clock import to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import derived_id
from shared.policy import PolicySettings
from shared.states import OPEN_PLAN_STATES, may_move
from sync_server.db.records import RECORDS
from sync_server.services.grants import holders
from sync_server.services.notices import tell
from sync_server.services.refusals import refusing
from sync_server.services.writing import Held, Unit

_PLAN = RECORDS["retention_plan"].c


@dataclass(frozen=True, slots=True)
class Sign:
    """What speaks for one customer leaving: names of `shared.churn.SIGNS`, and rows of reasons."""

    customer_id: str
    store_id: str | None
    tier: str | None
    signs: Sequence[str]
    reasons: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Proposed:
    """How many plans the rules proposed, and took back."""

    proposed: int
    withdrawn: int


def propose(unit: Unit, found: Sequence[Sign], policy: PolicySettings, occasion: str) -> Proposed:
    """Proposes plans for customers whose signs ask for one, and withdraws those of whom none does
    any more, or who do not agree to be won back (S1 #71). Who has an open plan, or had one not long
    ago, gets no second; a sign that is new since then asks for another. The managers of their store
    are told how many."""
    there: dict[str, list[Held]] = {}
    for held in unit.find("retention_plan", customer_id=[one.customer_id for one in found]):
        there.setdefault(held.row["customer_id"], []).append(held)
    told: dict[str, int] = {}
    withdrawn = 0
    unwilling = refusing(unit, [one.customer_id for one in found])
    for one in found:
        plans = there.get(one.customer_id, [])
        if one.customer_id in unwilling or not asks_for_a_plan(one.signs, one.tier, policy):
            for held in plans:
                if held.row["state"] == "proposed" and held.row.get("signs"):
                    marks = {"state": "withdrawn", "decided_at": unit.now_text}
                    unit.update("retention_plan", held.id, marks)
                    withdrawn += 1
            continue
        if any(_stands(held.row, one.signs, policy, unit) for held in plans):
            continue
        unit.create(
            "retention_plan",
            {
                "id": derived_id("retention plan", one.customer_id, str(len(plans))),
                "customer_id": one.customer_id,
                "state": "proposed",
                "signs": list(one.signs),
                "reasons": list(one.reasons),
                "raised_at": unit.now_text,
                "due_at": to_wire(unit.now + timedelta(days=policy.plan_days)),
            },
        )
        told[one.store_id or ""] = told.get(one.store_id or "", 0) + 1
    for store_id, count in told.items():
        for manager in managers_of(unit, store_id):
            tell(
                unit, occasion, manager, "plans_proposed",
                subject="customer", count=count, store_id=store_id,
            )  # fmt: skip
    return Proposed(sum(told.values()), withdrawn)


def planned(connection: Connection, org_id: str, policy: PolicySettings, now: datetime) -> set[str]:
    """Customers who have an open plan, or had one not long ago."""
    since = to_wire(now - timedelta(days=policy.upheld_days))
    query = select(_PLAN.customer_id).where(
        _PLAN.org_id == org_id,
        or_(
            _PLAN.state.in_(sorted(OPEN_PLAN_STATES)),
            and_(_PLAN.state == "done", _PLAN.finished_at > since),
            and_(
                _PLAN.state == "withdrawn", _PLAN.decided_by.is_not(None), _PLAN.decided_at > since
            ),
        ),
    )
    return set(connection.scalars(query))


def _stands(
    row: Mapping[str, Any], signs: Sequence[str], policy: PolicySettings, unit: Unit
) -> bool:
    """Whether a plan is one to go by: it is open, or it ended not long ago and there is no sign
    that it did not know of."""
    if row["state"] in OPEN_PLAN_STATES:
        return True
    ended = row.get("finished_at") or row.get("decided_at") or row["updated_at"]
    by_rules = row["state"] == "withdrawn" and not row.get("decided_by")
    lately = ended > to_wire(unit.now - timedelta(days=policy.upheld_days))
    return lately and not by_rules and set(signs) <= set(row.get("signs", ()))


def managers_of(unit: Unit, store_id: str | None) -> list[str]:
    """Ids of a store's managers; nobody's where there is no store."""
    if not store_id:
        return []
    found = unit.find("staff", store_id=store_id, role=Role.STORE_MANAGER.value)
    return sorted(one.id for one in found if one.row.get("active") is not False)


def settle(
    unit: Unit,
    held: Held,
    before: Mapping[str, Any],
    staff_id: str | None,
    role: Role,
    *,
    entitled: bool,
) -> None:
    """Checks what somebody made of a plan (`before` is empty for a new one), and does what follows.
    `role` is theirs when they wrote it; `entitled`: they held the customer then.

    Only a store manager accepts and withdraws (`ROLE_NOT_ALLOWED`), a plan of somebody who is not
    entitled being a proposal; an open plan has an owner (`FIELD_REQUIRED`) who can see the
    customer; a finished one says what came of it (`FIELD_REQUIRED`). The owner is told.
    """
    row, state, was = held.row, held.row["state"], before.get("state")
    if was is not None and not may_move("retention_plan", was, state):
        raise Refusal(Code.MOVE_NOT_ALLOWED, before=was, after=state)
    decides = role is Role.STORE_MANAGER
    if not decides and (state != was and state in {"open", "withdrawn"}):
        raise Refusal(Code.ROLE_NOT_ALLOWED, role=role)
    if state == "open" and not entitled:
        unit.update("retention_plan", held.id, {"state": "proposed"})
        return
    if was is None and state not in OPEN_PLAN_STATES:
        raise Refusal(Code.MOVE_NOT_ALLOWED, before="", after=state)
    if state == "done" and not row.get("outcome"):
        raise Refusal(Code.FIELD_REQUIRED, field="retention_plan.outcome")
    if state != was and state in {"open", "withdrawn"}:
        marks = {"decided_at": unit.now_text, "decided_by": staff_id}
        unit.update("retention_plan", held.id, marks)
    if state == "done" and not row.get("finished_at"):
        unit.update("retention_plan", held.id, {"finished_at": unit.now_text})
    if state == "open" and (was != "open" or row.get("owner_id") != before.get("owner_id")):
        _give(unit, held, staff_id)


def _give(unit: Unit, held: Held, by: str | None) -> None:
    """To whom the plan names or, where they don't hold the customer (lost while this was on its
    way, mostly), to whoever looks after it, or who decided. Where that is nobody it waits."""
    named, customer_id = held.row.get("owner_id"), held.row["customer_id"]
    if not named:
        raise Refusal(Code.FIELD_REQUIRED, field="retention_plan.owner_id")
    customer = unit.get("customer", customer_id)
    holding = holders(unit, customer_id)
    wanted = (named, customer.row.get("owner_id") if customer else None, by)
    owner = next((one for one in wanted if one in holding), None)
    if owner is None:
        unit.update("retention_plan", held.id, {"state": "proposed"})
        return
    unit.update("retention_plan", held.id, {"owner_id": owner})
    if owner != by:
        tell(unit, held.id, owner, "plan_given", subject="customer", count=1, by=by)


def hand_on(
    unit: Unit, customer_ids: Iterable[str], lost: Mapping[str, set[str]], staff_id: str
) -> None:
    """Open plans go with their customers: whose owner `lost` a customer, its plan is the new
    holder's."""
    leaving = {customer for customers in lost.values() for customer in customers}
    if not leaving & set(customer_ids):
        return
    for held in unit.find("retention_plan", customer_id=sorted(leaving), state="open"):
        if held.row["customer_id"] in lost.get(held.row.get("owner_id") or "", ()):
            unit.update("retention_plan", held.id, {"owner_id": staff_id})


__all__ = ["Proposed", "Sign", "hand_on", "managers_of", "planned", "propose", "settle"]
