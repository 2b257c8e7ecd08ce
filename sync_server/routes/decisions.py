"""What store managers decide: quarantined work, and wishes to see a customer, or for longer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from shared.errors import Code
from shared.wire import STRICT
from sync_server.routes.answers import READS_BODY, SIGNED_IN, documented
from sync_server.routes.caller import ActiveCaller, TheServer
from sync_server.services import approvals, quarantine

router = APIRouter(prefix="/v1/decisions", tags=["decisions"])
_REFUSALS = documented(
    *SIGNED_IN,
    *READS_BODY,
    Code.ROLE_NOT_ALLOWED,
    Code.OUT_OF_SCOPE,
    Code.RECORD_MISSING,
    Code.FIELD_REQUIRED,
    Code.FIELD_INVALID,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesRequest:
    """Which quarantined changes."""

    __pydantic_config__ = STRICT
    change_ids: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReply:
    """What became of each change, by its id."""

    verdicts: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailRequest:
    """Which customer, or which case or callback of theirs, why, and for how many hours (none: as
    many as the policy says)."""

    __pydantic_config__ = STRICT
    customer_id: str
    reason: str
    hours: int | None = None
    subject: Literal["customer", "case", "callback"] = "customer"
    subject_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailReply:
    """The request's id, to decide on."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideRequest:
    """Yes or no, and a word to whoever asked."""

    __pydantic_config__ = STRICT
    approve: bool
    answer: Annotated[str | None, Field(max_length=200)] = None


@router.get("/quarantine", responses=_REFUSALS)
def list_quarantine(caller: ActiveCaller, server: TheServer) -> list[quarantine.Waiting]:
    """Work that waits for you, about customers of your store, oldest first."""
    return quarantine.waiting_for(server.database, caller, server.clock.now())


@router.post("/quarantine/release", responses=_REFUSALS)
def release(asked: ChangesRequest, caller: ActiveCaller, server: TheServer) -> ReleaseReply:
    """Apply these changes in the order in which they came: all of them, or none."""
    done = quarantine.release(server.database, caller, asked.change_ids, server.clock.now())
    return ReleaseReply(verdicts={change: applied.verdict for change, applied in done.items()})


@router.post("/quarantine/refuse", status_code=204, responses=_REFUSALS)
def refuse(asked: ChangesRequest, caller: ActiveCaller, server: TheServer) -> None:
    """Leave these changes unapplied. They stay on record."""
    quarantine.refuse(server.database, caller, asked.change_ids, server.clock.now())


@router.post("/details", responses=_REFUSALS)
def ask_for_detail(asked: DetailRequest, caller: ActiveCaller, server: TheServer) -> DetailReply:
    """Ask to see a customer for some hours: head office any; others what they hold or held. Phones
    do the same by a record of entity `access_request`."""
    subject = (asked.subject, asked.subject_id or asked.customer_id)
    request_id = approvals.request_access(
        server.database,
        caller,
        asked.customer_id,
        asked.reason,
        asked.hours,
        server.clock.now(),
        subject,
    )
    return DetailReply(request_id=request_id)


@router.get("/details", responses=_REFUSALS)
def list_requests(caller: ActiveCaller, server: TheServer) -> list[approvals.Waiting]:
    """Requests that you may decide, oldest first: a store manager's about customers that they hold,
    an administrator's all. By ids; no customer's name."""
    return approvals.waiting_for(server.database, caller, server.clock.now())


@router.post(
    "/details/{request_id}/decide",
    status_code=204,
    responses=_REFUSALS | documented(Code.USER_INACTIVE),
)
def decide_on_detail(
    request_id: str, asked: DecideRequest, caller: ActiveCaller, server: TheServer
) -> None:
    """Approve or refuse, once; whoever asked is told. For store managers who hold the customer, and
    administrators; nobody decides their own."""
    approvals.decide_request(
        server.database,
        caller,
        request_id,
        approve=asked.approve,
        answer=asked.answer,
        now=server.clock.now(),
    )
