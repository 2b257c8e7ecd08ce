"""Who works with whom, for administrators: users in and out, customers, cases and callbacks
given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter

from shared.errors import Code
from shared.wire import STRICT
from sync_server.routes.answers import READS_BODY, SIGNED_IN, documented
from sync_server.routes.caller import Administrator, TheServer
from sync_server.services import accounts, audit, leaving, moves, scopes, users
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.writing import Unit, write

router = APIRouter(prefix="/v1/admin", tags=["admin"])
_REFUSALS = documented(
    *SIGNED_IN, *READS_BODY, Code.ROLE_NOT_ALLOWED, Code.RECORD_MISSING, Code.USER_INACTIVE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeactivateRequest:
    """`security`: not trusted any more; what their phones still bring then waits for a manager."""

    __pydantic_config__ = STRICT
    because: Literal["ended", "security"] = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveRequest:
    """To whom, and why."""

    __pydantic_config__ = STRICT
    staff_id: str
    reason: str | None = None


@router.post(
    "/users/{staff_id}/deactivate",
    responses={**_REFUSALS, **documented(Code.LAST_ADMINISTRATOR)},
)
def deactivate(
    staff_id: str, asked: DeactivateRequest, caller: Administrator, server: TheServer
) -> leaving.Left:
    """End someone's access. Their phones may still hand in their work, and drop the rest; their
    open callbacks go to other agents, and the reply says what waits for somebody. Harmless
    twice."""
    now = server.clock.now()
    return users.deactivate(server.database, caller, staff_id, asked.because, now)


@router.post("/users/{staff_id}/reactivate", status_code=204, responses=_REFUSALS)
def reactivate(staff_id: str, caller: Administrator, server: TheServer) -> None:
    """Let someone in again with what their role holds; customers and cases are assigned anew."""
    users.reactivate(server.database, caller, staff_id, server.clock.now())


@router.post("/customers/{customer_id}/assign", status_code=204, responses=_REFUSALS)
def assign_customer(
    customer_id: str, asked: GiveRequest, caller: Administrator, server: TheServer
) -> None:
    """Give a customer to an account manager; whoever had them loses them at the next sync, and
    both are told. For many at once see `/v1/moves/customers`."""
    now = server.clock.now()
    moves.hand_over(server.database, caller, [customer_id], asked.staff_id, asked.reason, now)


@router.post("/cases/{case_id}/dispatch", status_code=204, responses=_REFUSALS)
def dispatch_case(
    case_id: str, asked: GiveRequest, caller: Administrator, server: TheServer
) -> None:
    """Give a case to a technician."""

    def work(unit: Unit) -> None:
        policy = accounts.policy_of(unit.connection, caller.org_id, unit.now)
        scopes.dispatch_case(unit, case_id, asked.staff_id, policy, by=caller.staff_id)
        _note(unit, caller, Action.CASE_DISPATCHED, ("case", case_id), to=asked.staff_id)

    _write(server, caller, work)


@router.post("/callbacks/{callback_id}/assign", status_code=204, responses=_REFUSALS)
def assign_callback(
    callback_id: str, asked: GiveRequest, caller: Administrator, server: TheServer
) -> None:
    """Give a callback to an agent, for the time of its window."""

    def work(unit: Unit) -> None:
        policy = accounts.policy_of(unit.connection, caller.org_id, unit.now)
        scopes.assign_callback(unit, callback_id, asked.staff_id, policy, by=caller.staff_id)
        _note(unit, caller, Action.CALLBACK_ASSIGNED, ("callback", callback_id), to=asked.staff_id)

    _write(server, caller, work)


def _note(
    unit: Unit,
    caller: Caller,
    action: Action,
    subject: tuple[str, str],
    *,
    to: str | None = None,
    because: str | None = None,
) -> None:
    """As `audit.note`, with the customer that the subject belongs to."""
    held = unit.get(*subject)
    customer = held.row.get("customer_id") if held else None
    audit.note(unit, caller, action, subject=subject, customer=customer, to=to, because=because)


def _write(server: TheServer, caller: Caller, work: Callable[[Unit], None]) -> None:
    write(server.database, caller.org_id, server.clock.now(), work)
