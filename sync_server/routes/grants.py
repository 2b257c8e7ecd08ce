"""Grants before their time: more of one, and the end of one; and what devices signed when they had
deleted what ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter

from shared.errors import Code
from shared.wire import STRICT
from sync_server.routes.answers import READS_BODY, SIGNED_IN, documented
from sync_server.routes.caller import ActiveCaller, Administrator, TheServer
from sync_server.services import receipts, steering

router = APIRouter(prefix="/v1/grants", tags=["grants"])
_REFUSALS = documented(
    *SIGNED_IN,
    *READS_BODY,
    Code.ROLE_NOT_ALLOWED,
    Code.OUT_OF_SCOPE,
    Code.RECORD_MISSING,
    Code.FIELD_INVALID,
    Code.USER_INACTIVE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreRequest:
    """How many hours more, at most what the policy allows."""

    __pydantic_config__ = STRICT
    hours: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeRequest:
    """`security`: not trusted any more; what still comes under the grant waits for a manager."""

    __pydantic_config__ = STRICT
    because: Literal["ended", "security"] = "ended"


@router.post("/{grant_id}/more", responses=_REFUSALS)
def give_more(
    grant_id: str, asked: MoreRequest, caller: ActiveCaller, server: TheServer
) -> steering.Given:
    """More hours of what a grant shows, or showed until it ended. For administrators, and store
    managers who hold the customer; nobody for themselves."""
    return steering.give_more(server.database, caller, grant_id, asked.hours, server.clock.now())


@router.post("/{grant_id}/revoke", status_code=204, responses=_REFUSALS)
def revoke(grant_id: str, asked: RevokeRequest, caller: ActiveCaller, server: TheServer) -> None:
    """End a grant now; its holder's devices drop what it showed at their next sync, or when the
    lease ends. Harmless twice."""
    steering.end_now(server.database, caller, grant_id, asked.because, server.clock.now())


@router.get("/outstanding", responses=documented(*SIGNED_IN, Code.ROLE_NOT_ALLOWED))
def outstanding(caller: Administrator, server: TheServer) -> list[receipts.Outstanding]:
    """Ended grants of which a device has not signed yet that it deleted everything, the oldest
    first; at most 1000."""
    return receipts.outstanding(server.database, caller.org_id, server.clock.now())


@router.get("/receipts/{device_id}", responses=documented(*SIGNED_IN, Code.ROLE_NOT_ALLOWED))
def receipts_of(device_id: str, caller: Administrator, server: TheServer) -> list[receipts.Kept]:
    """What a device signed, the newest first; at most 1000. The signature is over the payload, by
    the key with which the device is enrolled."""
    return receipts.of_device(server.database, caller.org_id, device_id)
