"""Someone leaves, or changes to another store: what they held goes on to others, and what nobody
has taken over is said."""

from __future__ import annotations

from dataclasses import dataclass

from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.policy import PolicySettings
from shared.states import OPEN_CASE_STATES
from sync_server.services import scopes
from sync_server.services.followups import reassign_callbacks
from sync_server.services.grants import NOT_REVOKED, revoke, revoke_all
from sync_server.services.moves import hand_over_part
from sync_server.services.notices import tell
from sync_server.services.writing import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What became of someone's open work. `callbacks_given` went to other agents; the rest waits
    for somebody: customers and open cases that still name them, callbacks without an agent."""

    callbacks_given: int
    callbacks_unassigned: int
    customers_unassigned: int
    cases_unassigned: int
    customers_given: int = 0


def deactivate(
    unit: Unit, staff_id: str, policy: PolicySettings, because: str = "ended", by: str | None = None
) -> Left:
    """Ends everything someone holds (`scopes.deactivate`), hands their open callbacks to other
    agents and says what is left without anyone. Harmless twice."""
    scopes.deactivate(unit, staff_id, because)
    return _left(unit, staff_id, policy, by)


def transfer(
    unit: Unit,
    staff_id: str,
    store_id: str,
    policy: PolicySettings,
    *,
    customers_to: str | None = None,
    take_along: bool = False,
    by: str | None = None,
) -> Left:
    """Moves someone to another store.

    Customers belong to their store: an account manager's go to `customers_to`, a colleague who
    stays, or wait for a new holder; with `take_along` they change store with their holder. A store
    manager gets the new store's customers for the old one's, an agent's open callbacks go to the
    agents who stay, and technicians keep the cases they were sent to. Refuses `RECORD_MISSING`,
    and `FIELD_INVALID` for customers that should go both ways.
    """
    staff = unit.get("staff", staff_id)
    if staff is None or unit.get("store", store_id) is None:
        raise Refusal(Code.RECORD_MISSING, entity="staff" if staff is None else "store")
    if take_along and customers_to:
        raise Refusal(Code.FIELD_INVALID, field="customers_to", wanted="not with take_along")
    before, role = staff.row.get("store_id"), staff.row["role"]
    if before == store_id:
        return _left(unit, None, policy, by)
    theirs = [c.id for c in unit.find("customer", owner_id=staff_id)]
    given = 0
    if role == Role.ACCOUNT_MANAGER and customers_to:
        given = hand_over_part(unit, new_id(), theirs, customers_to, by, None)
    elif role == Role.ACCOUNT_MANAGER and not take_along:
        _release(unit, staff_id)
    unit.update("staff", staff_id, {"store_id": store_id})
    if role == Role.ACCOUNT_MANAGER and take_along and theirs:
        scopes.assign_customers(unit, theirs, staff_id, by=by)
    if role == Role.STORE_MANAGER:
        for grant in unit.find("grant", staff_id=staff_id, purpose="store", **NOT_REVOKED):
            revoke(unit, grant, "reassigned")
        scopes.enrol(unit, staff_id)
    if staff_id != by:
        tell(unit, new_id(), staff_id, "transferred", by=by, store_id=store_id)
    keeps = role == Role.TECHNICIAN or take_along
    left = _left(unit, None if keeps else staff_id, policy, by)
    return Left(
        callbacks_given=left.callbacks_given,
        callbacks_unassigned=left.callbacks_unassigned,
        customers_unassigned=left.customers_unassigned,
        cases_unassigned=0 if keeps else left.cases_unassigned,
        customers_given=given,
    )


def change_role(
    unit: Unit, staff_id: str, role: Role, policy: PolicySettings, by: str | None = None
) -> Left:
    """Another role: everything that was held by the old one ends, and what the new one holds
    begins. Harmless twice."""
    staff = unit.get("staff", staff_id)
    if staff is None:
        raise Refusal(Code.RECORD_MISSING, entity="staff")
    if staff.row["role"] == role:
        return _left(unit, None, policy, by)
    revoke_all(unit, "reassigned", staff_id=staff_id, **NOT_REVOKED)
    unit.update("staff", staff_id, {"role": role.value})
    scopes.enrol(unit, staff_id)
    return _left(unit, staff_id, policy, by)


def _release(unit: Unit, staff_id: str) -> None:
    for grant in unit.find("grant", staff_id=staff_id, purpose="assignment", **NOT_REVOKED):
        revoke(unit, grant, "reassigned")


def _left(unit: Unit, staff_id: str | None, policy: PolicySettings, by: str | None) -> Left:
    """Hands on the callbacks of `staff_id` and counts what still names them; None: they keep
    everything."""
    if staff_id is None:
        return Left(
            callbacks_given=0, callbacks_unassigned=0, customers_unassigned=0, cases_unassigned=0
        )
    moved = reassign_callbacks(unit, staff_id, policy, by)
    cases = unit.find("case", state=sorted(OPEN_CASE_STATES), assignee_id=staff_id)
    return Left(
        callbacks_given=len(moved.given),
        callbacks_unassigned=len(moved.unassigned),
        customers_unassigned=len(unit.find("customer", owner_id=staff_id)),
        cases_unassigned=len(cases),
    )
