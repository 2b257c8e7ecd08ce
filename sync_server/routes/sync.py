"""Push, pull and snapshot (docs/protocol.md). Thin: everything is decided in the
services."""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from msgspec.json import encode
from pydantic import TypeAdapter

from shared.errors import Code
from shared.wire import PullRequest, PushReply, PushRequest, SnapshotRequest
from sync_server.bootstrap import Server
from sync_server.routes.answers import READS_BODY, SIGNED_IN, documented
from sync_server.routes.caller import ActiveCaller, AnyCaller, TheServer
from sync_server.routes.rows import MEDIA_TYPE
from sync_server.services.caller import Caller
from sync_server.services.changes import read_push
from sync_server.services.push import push

router = APIRouter(prefix="/v1/sync", tags=["sync"])


def _push_schema() -> dict[str, Any]:
    """What a push looks like, for the docs: the route reads it by hand, change by change."""
    schema = TypeAdapter(PushRequest).json_schema()
    schema["properties"]["changes"]["items"] = schema.pop("$defs")["Change"]
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


_ROWS: dict[str, Any] = {
    "description": "A JSON header, row lines, and a JSON trailer that counts them.",
    "content": {MEDIA_TYPE: {}},
}


@router.post(
    "/push",
    response_model=PushReply,
    responses=documented(*SIGNED_IN, *READS_BODY, Code.SERVER_BUSY, Code.EPOCH_CHANGED),
    openapi_extra=_push_schema(),
)
async def push_changes(request: Request, caller: AnyCaller, server: TheServer) -> Response:
    """Hand in changes, in order. Each gets an outcome of its own; sending them again is harmless.

    Open to whoever is barred as well: what was captured must not be lost with the access.
    """
    body = await request.body()
    told = await to_thread.run_sync(_pushed, server, caller, body)
    return Response(told, media_type="application/json")


def _pushed(server: Server, caller: Caller, body: bytes) -> bytes:
    return encode(push(server.database, caller, read_push(body), server.clock.now()))


@router.post(
    "/pull",
    response_class=Response,
    responses={**documented(*SIGNED_IN, *READS_BODY), 200: _ROWS},
)
def pull_feed(asked: PullRequest, caller: AnyCaller) -> Response:
    """The lease, what to drop, what to fetch whole, and the feed since the cursor."""
    raise AssertionError(f"routes.fast answers this: {type(asked)}, {type(caller)}")


@router.post(
    "/snapshot",
    response_class=Response,
    responses={**documented(*SIGNED_IN, *READS_BODY), 200: _ROWS},
)
def fetch_buckets(asked: SnapshotRequest, caller: ActiveCaller) -> Response:
    """Whole buckets, page by page, the scope looked at anew for each page."""
    raise AssertionError(f"routes.fast answers this: {type(asked)}, {type(caller)}")
