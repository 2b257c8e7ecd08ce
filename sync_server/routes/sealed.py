"""What a device whose user can't or may not sign in any more still hands in: sealed work, and
receipts for what it deleted."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Request

from shared.errors import Code, Refusal
from shared.wire import (
    ReceiptsReply,
    ReceiptsRequest,
    SealedFileReply,
    SealedReply,
    SealedRequest,
)
from sync_server.bootstrap import Server
from sync_server.routes.answers import READS_BODY, documented
from sync_server.routes.caller import TheRequest, TheServer
from sync_server.services import receipts
from sync_server.services.caller import Caller
from sync_server.services.leases import sign_lease
from sync_server.services.sealed import push_sealed
from sync_server.services.sealed_files import append_sealed, begin_sealed
from sync_server.services.sessions import Sent

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
    push would have given it; sending them again is harmless. The reply to a device that an
    administrator ordered to be wiped carries the signed order."""
    caller = _by_device(server, asked.device_id, request)
    now = server.clock.now()
    told = push_sealed(server.database, server.keys.seal, caller, asked, now)
    sign = partial(sign_lease, server.keys.lease)
    return replace(told, order=receipts.order_for(server.database, caller, sign, now))


@router.post(
    "/receipts",
    responses=documented(
        *READS_BODY,
        Code.PROOF_INVALID,
        Code.DEVICE_UNKNOWN,
        Code.DEVICE_PENDING,
        Code.SERVER_BUSY,
    ),
)
def keep_receipts(asked: ReceiptsRequest, request: TheRequest, server: TheServer) -> ReceiptsReply:
    """Hand in what a device signed when it had deleted what ended, with its proof and no token.
    The reply names what is kept now; harmless twice."""
    caller = _by_device(server, asked.device_id, request)
    kept = receipts.keep(server.database, caller, asked, server.clock.now())
    return ReceiptsReply(kept=kept)


Device = Annotated[str, Header(alias="Huifang-Device", description="The device's id.")]
_FILE_ANSWERS = documented(
    *READS_BODY,
    Code.PROOF_INVALID,
    Code.DEVICE_UNKNOWN,
    Code.DEVICE_PENDING,
    Code.MALFORMED,
    Code.FIELD_INVALID,
    Code.FILE_TOO_LARGE,
    Code.FILE_INCOMPLETE,
    Code.FILE_HASH_WRONG,
    Code.FILE_NOT_IMAGE,
    Code.NOT_FOUND,
    Code.SERVER_BUSY,
    Code.DISK_FULL,
)


@router.post("/sealed-files/{file_id}", responses=_FILE_ANSWERS)
async def begin_sealed_file(
    file_id: str, body: Request, request: TheRequest, server: TheServer, device: Device
) -> SealedFileReply:
    """Announce a sealed copy of a file by its sealed head; the reply says how much of it is here.
    Harmless twice."""
    head = await body.body()

    def begun() -> SealedFileReply:
        caller = _by_device(server, device, request)
        return begin_sealed(server.files, server.keys.seal, caller, file_id, head)

    return await to_thread.run_sync(begun)


@router.patch("/sealed-files/{file_id}", responses=_FILE_ANSWERS)
async def append_sealed_file(
    file_id: str,
    body: Request,
    request: TheRequest,
    server: TheServer,
    device: Device,
    upload_offset: Annotated[int, Header(ge=0, description="Where the piece begins.")],
) -> SealedFileReply:
    """Send one sealed piece. `file_incomplete`: bytes before it are missing; its `offset` says
    from where on."""
    piece = await body.body()

    def appended() -> SealedFileReply:
        caller = _by_device(server, device, request)
        return append_sealed(server.files, server.keys.seal, caller, file_id, upload_offset, piece)

    return await to_thread.run_sync(appended)


def _by_device(server: Server, device_id: str, request: Sent) -> Caller:
    """Who sends, by the proof of the device's key alone."""
    who = server.sessions.device_standing(device_id, request)
    if who.barred is Code.DEVICE_PENDING:
        raise Refusal(who.barred)
    return who.caller
