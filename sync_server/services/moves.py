"""Customers handed from one person to another, one or thousands in one request.

Set-wise and in parts, each a transaction of its own: nobody's push waits behind 5,000 customers
for longer than one part takes. What a part handed over stays handed over; the same request again
does the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.grants import is_live
from sync_server.services.notices import tell
from sync_server.services.scopes import assign_customers
from sync_server.services.writing import Unit, write

PART = 250
"""Customers in one transaction: the lock is held for about a third of a second."""
MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """How many customers changed hands, and how many were the new holder's already."""

    moved: int
    already: int


def hand_over(
    db: Database,
    caller: Caller,
    customer_ids: Sequence[str],
    staff_id: str,
    reason: str | None,
    now: datetime,
) -> HandedOver:
    """Gives all these customers to one person, and tells them and whoever lost them.

    An administrator may give any customer to anyone; a store manager those that they hold to the
    people of their own store. Refuses, before anything is moved, whoever may not
    (`ROLE_NOT_ALLOWED`, `OUT_OF_SCOPE`), customers that are not there (`RECORD_MISSING`), and a
    receiver who is no account manager or has left.
    """
    wanted = list(dict.fromkeys(customer_ids))
    if len(wanted) > MOST:
        raise Refusal(Code.BATCH_TOO_LARGE, limit=MOST)
    with db.read() as connection:
        unit = Unit(db, connection, caller.org_id, now, locked=True)
        for part in parts(wanted):
            check_mover(unit, caller, part, staff_id)
            _all_there(unit, part)
    occasion, moved = new_id(), 0
    for part in parts(wanted):

        def work(unit: Unit, part: list[str] = part) -> int:
            check_mover(unit, caller, part, staff_id)
            unit.load("customer", part)
            found = (unit.get("customer", customer_id) for customer_id in part)
            owners = {held.id: held.row.get("owner_id") for held in found if held}
            count = hand_over_part(unit, occasion, part, staff_id, caller.staff_id, reason)
            _note_moves(unit, caller, owners, staff_id, occasion)
            return count

        moved += write(db, caller.org_id, now, work)
    return HandedOver(moved=moved, already=len(wanted) - moved)


def _note_moves(
    unit: Unit, caller: Caller, owners: Mapping[str, str | None], staff_id: str, occasion: str
) -> None:
    """Puts each customer that changed hands on record, so that one customer's can be found."""
    for customer_id, before in owners.items():
        if before != staff_id:
            audit.note(
                unit, caller, Action.CUSTOMERS_MOVED, subject=("customer", customer_id),
                customer=customer_id, before=before, to=staff_id, occasion=occasion,
            )  # fmt: skip


def hand_over_part(
    unit: Unit,
    occasion: str,
    customer_ids: Sequence[str],
    staff_id: str,
    by: str | None,
    reason: str | None,
) -> int:
    """Gives these customers within the caller's unit, and writes the notices; says how many
    changed hands."""
    unit.load("customer", customer_ids)
    _all_there(unit, customer_ids)
    owners = {i: unit.held["customer", i].row.get("owner_id") for i in customer_ids}
    moving = [i for i in customer_ids if owners[i] != staff_id]
    lost = assign_customers(unit, customer_ids, staff_id, by=by, reason=reason)
    before: dict[str | None, int] = {}
    for customer_id in moving:
        before[owners[customer_id]] = before.get(owners[customer_id], 0) + 1
    for owner, count in before.items():
        if staff_id != by:
            tell(
                unit, occasion, staff_id, "received",
                subject="customer", count=count, by=by, other=owner,
            )  # fmt: skip
    for who, ids in sorted(lost.items()):
        if who != by:
            tell(
                unit, occasion, who, "handed_on",
                subject="customer", count=len(ids), by=by, other=staff_id,
            )  # fmt: skip
    return len(moving)


def check_mover(unit: Unit, caller: Caller, customer_ids: Iterable[str], staff_id: str) -> None:
    """Refuses whoever may not hand these customers to that person."""
    if caller.role is Role.ADMINISTRATOR:
        return
    if caller.role is not Role.STORE_MANAGER:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    receiver = unit.get("staff", staff_id)
    if receiver is None or receiver.row.get("store_id") != caller.store_id:
        raise Refusal(Code.OUT_OF_SCOPE)
    check_holds(unit, caller, customer_ids)


def check_holds(unit: Unit, caller: Caller, customer_ids: Iterable[str]) -> None:
    """Refuses (`OUT_OF_SCOPE`) whoever does not hold each of these customers at this moment."""
    buckets = {f"customer:{customer_id}" for customer_id in customer_ids}
    held = {
        grant.row["bucket"]
        for grant in unit.find("grant", bucket=sorted(buckets), staff_id=caller.staff_id)
        if is_live(grant.row, unit.now)
    }
    if buckets - held:
        raise Refusal(Code.OUT_OF_SCOPE)


def _all_there(unit: Unit, customer_ids: Sequence[str]) -> None:
    unit.load("customer", customer_ids)
    if any(("customer", i) in unit.missing for i in customer_ids):
        raise Refusal(Code.RECORD_MISSING, entity="customer")


def parts(ids: Sequence[str]) -> Iterable[list[str]]:
    """In what is handed over together."""
    return (list(ids[start : start + PART]) for start in range(0, len(ids), PART))
