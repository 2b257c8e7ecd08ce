"""Sealed work from a device whose user can't or may not sign in any more."""

from __future__ import annotations

from fastapi import APIRouter

from shared.errors import Code, Refusal
from shared.wire import SealedReply, SealedRequest
from sync_server.routes.answers import READS_BODY, documented
from sync_server.routes.caller import TheRequest, TheServer
from sync_server.services.sealed import push_sealed

router = APIRouter(prefix="/v1/sync", tags=["sync"])


@router.post(
    "/sealed",
    responses=documented(
        *READS_BODY,
        Code.PROOF_INVALID,
        Code.DEVICE_UNKNOWN,
        Code.DEVICE_PENDING,
        Code.SERVER_BUSY,
    ),
)
def push_sealed_changes(
    asked: SealedRequest, request: TheRequest, server: TheServer
) -> SealedReply:
    """Hand in sealed changes with the device's proof and no token. Each gets the outcome that a
    push would have given it; sending them again is harmless."""
    who = server.sessions.device_standing(asked.device_id, request)
    if who.barred is Code.DEVICE_PENDING:
        raise Refusal(who.barred)
    now = server.clock.now()
    return push_sealed(server.database, server.keys.seal, who.caller, asked, now)
