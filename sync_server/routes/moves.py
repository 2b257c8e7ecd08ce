"""Scope moves: customers handed on, records put under other customers, people who change stores,
and who holds what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter

from shared.errors import Code
from shared.wire import STRICT
from sync_server.routes.answers import READS_BODY, SIGNED_IN, documented
from sync_server.routes.caller import ActiveCaller, Administrator, TheServer
from sync_server.services import audit, holders, leaving, moves, record_moves, users
from sync_server.services.audit import Action

router = APIRouter(prefix="/v1/moves", tags=["moves"])
_REFUSALS = documented(
    *SIGNED_IN,
    *READS_BODY,
    Code.ROLE_NOT_ALLOWED,
    Code.OUT_OF_SCOPE,
    Code.RECORD_MISSING,
    Code.USER_INACTIVE,
    Code.FIELD_INVALID,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverRequest:
    """Which customers, to whom, and why."""

    __pydantic_config__ = STRICT
    customer_ids: list[str]
    staff_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRecordRequest:
    """Which contact, asset, visit or case, and under which customer it belongs."""

    __pydantic_config__ = STRICT
    entity: str
    record_id: str
    to_customer: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequest:
    """To which store, and what becomes of an account manager's customers: they go to a colleague
    (`customers_to`), along to the new store (`take_along`), or wait for a new holder."""

    __pydantic_config__ = STRICT
    store_id: str
    customers_to: str | None = None
    take_along: bool = False


@router.post("/customers", responses=_REFUSALS)
def hand_over(asked: HandOverRequest, caller: ActiveCaller, server: TheServer) -> moves.HandedOver:
    """Give customers to one person: an administrator any, a store manager those of their store to
    the people of their store. The same request again does what is left."""
    return moves.hand_over(
        server.database,
        caller,
        asked.customer_ids,
        asked.staff_id,
        asked.reason,
        server.clock.now(),
    )


@router.post("/records", responses=_REFUSALS | documented(Code.UNKNOWN_ENTITY, Code.REPORT_SEALED))
def move_record(
    asked: MoveRecordRequest, caller: ActiveCaller, server: TheServer
) -> record_moves.Moved:
    """Put a record under another customer, with what hangs on it: for administrators, and for
    store managers who hold both customers."""
    return record_moves.move_record(
        server.database,
        caller,
        asked.entity,
        asked.record_id,
        asked.to_customer,
        asked.reason,
        server.clock.now(),
    )


@router.post("/staff/{staff_id}", responses=_REFUSALS)
def transfer(
    staff_id: str, asked: TransferRequest, caller: Administrator, server: TheServer
) -> leaving.Left:
    """Move someone to another store; says what was handed on and what waits for somebody."""
    return users.transfer(
        server.database,
        caller,
        staff_id,
        asked.store_id,
        server.clock.now(),
        customers_to=asked.customers_to,
        take_along=asked.take_along,
    )


@router.get("/holders/{customer_id}", responses=_REFUSALS)
def who_holds(
    customer_id: str, caller: Administrator, server: TheServer, at: datetime | None = None
) -> holders.Held:
    """Who holds a customer at an instant (now, if none is given), by which grant, and on which
    devices it is or has still to be dropped. Names no customer."""
    now = server.clock.now()
    with server.database.read() as connection:
        found = holders.who_holds(connection, caller.org_id, customer_id, at or now)
    with server.database.write() as connection:
        audit.note(
            connection, caller, Action.HOLDERS_ASKED, now=now,
            subject=("customer", customer_id), customer=customer_id,
        )  # fmt: skip
    return found
