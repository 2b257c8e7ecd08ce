"""What store managers decide: quarantined work, and head office's wishes to see a customer."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

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
    """Which customer, why, and for how many hours (at most 72)."""

    __pydantic_config__ = STRICT
    customer_id: str
    reason: str
    hours: int = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailReply:
    """The request's id, to decide on."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideRequest:
    """Yes or no."""

    __pydantic_config__ = STRICT
    approve: bool


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
    """Head office asks to see one customer for some hours."""
    now = server.clock.now()
    request_id = approvals.request_detail(
        server.database, caller, asked.customer_id, asked.reason, asked.hours, now
    )
    return DetailReply(request_id=request_id)


@router.post("/details/{request_id}/decide", status_code=204, responses=_REFUSALS)
def decide_on_detail(
    request_id: str, asked: DecideRequest, caller: ActiveCaller, server: TheServer
) -> None:
    """Approve or refuse, once. Whoever approves holds the customer."""
    approvals.decide_detail(
        server.database, caller, request_id, approve=asked.approve, now=server.clock.now()
    )
