"""The hint that something changed, as server-sent events (docs/protocol.md, Poke). Thin: whom to
tell of what is decided in `services.poke`."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from prometheus_client import Gauge
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.errors import Code
from sync_server.routes.answers import SIGNED_IN, documented
from sync_server.routes.caller import ActiveCaller
from sync_server.services.poke import Hub, Poke, Stream

router = APIRouter(prefix="/v1/sync", tags=["sync"])

OPEN = Gauge("huifang_open_streams", "Devices that listen for hints in this process.")


def hub_of(request: Request) -> Hub:
    """The hub that `create_app` made."""
    hub: Hub = request.app.state.hub
    return hub


class EventStream(Response):
    """Writes one stream's hints until it is over, its life ends or the phone is gone.

    Plain ASGI with one task beside it, for there are thousands of these.
    """

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, stream: Stream) -> None:
        super().__init__()
        del self.headers["content-length"]  # nobody knows
        self.headers["Cache-Control"] = "no-store"
        self.headers["X-Accel-Buffering"] = "no"
        self._hub = hub
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        leaving = asyncio.ensure_future(_gone(receive, self._stream))
        OPEN.inc()
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._write(send)
        finally:
            OPEN.dec()
            self._hub.leave(self._stream)
            leaving.cancel()

    async def _write(self, send: Send) -> None:
        loop, stream, hub = asyncio.get_running_loop(), self._stream, self._hub
        ends_at = loop.time() + hub.life()
        await _said(send, _back(hub))
        while not stream.over and (left := ends_at - loop.time()) > 0:
            poke = await stream.next(min(left, hub.pace.heartbeat))
            # The time to come back is the heartbeat: it grows with the number of phones.
            await _said(send, _event(poke) if poke is not None else _back(hub))
        await _said(send, b"", more=False)


async def _gone(receive: Receive, stream: Stream) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
    stream.end()


async def _said(send: Send, body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


def _event(poke: Poke) -> bytes:
    data = json.dumps({"seq": poke.seq, "spread_ms": poke.spread_ms}, separators=(",", ":"))
    return f"event: changed\ndata: {data}\n\n".encode()


def _back(hub: Hub) -> bytes:
    return f"retry: {hub.back_ms()}\n\n".encode()


@router.get(
    "/poke",
    status_code=200,  # said, as the API's description can't read it off a class of our own
    response_class=EventStream,
    responses={
        **documented(*SIGNED_IN, Code.SERVER_BUSY),
        200: {"description": "Server-sent events `changed`.", "content": {"text/event-stream": {}}},
    },
)
async def poke(caller: ActiveCaller, hub: Annotated[Hub, Depends(hub_of)]) -> EventStream:
    """Server-sent events: something changed that you may pull. Ends after some minutes, and at
    once when you are barred; ask again."""
    return EventStream(hub, await hub.open(caller))
