"""Around every request: limits for its body and for how often its address asks, headers for its
reply, a line in the log, and no stack trace outside.

Written as plain ASGI, so that streamed replies stream.
"""

from __future__ import annotations

import time
import traceback
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import Code, Refusal
from sync_server.routes.answers import reply
from sync_server.routes.health import REQUESTS, SECONDS
from sync_server.services.pace import Pace, place_of

log = structlog.get_logger("huifang.http")

ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), geolocation=(self), microphone=(self)"),
    # A reply of the API is data: whatever it holds, a browser that opens it as a page runs nothing.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
)
HSTS = ((b"strict-transport-security", b"max-age=31536000; includeSubDomains"),)
UNKEPT = ((b"cache-control", b"no-store"),)
"""Headers as they are sent: every reply gets them, so they are not made anew for each."""

# Work comes in long bodies; everything else is questions.
_LONG_BODIES = ("/v1/sync/push", "/v1/sync/sealed", "/console/import")
QUESTION_BYTES = 1_000_000


class Guard:
    """ASGI middleware. `max_body_bytes` holds for what brings work, `QUESTION_BYTES` for the rest
    but uploads, which count their own bytes. `pace` counts by address."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, secure: bool, pace: Pace) -> None:
        self._app = app
        self._limit = max_body_bytes
        self._secure = secure
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        work = scope["path"].startswith(_LONG_BODIES)
        limit = self._limit if work else min(self._limit, QUESTION_BYTES)
        passage = _Passage(scope, receive, send, limit, self._secure)
        started = time.perf_counter()
        try:
            if (place := place_of((scope.get("client") or ("",))[0])) is not None:
                self._pace.spend(place)
            if _holds_nul(scope):
                await passage.answer(Code.NOT_FOUND)
            elif passage.announced_too_large():
                await passage.answer(Code.BATCH_TOO_LARGE)
            else:
                await self._app(scope, passage.receive, passage.send)
        except _TooLarge:
            pass
        except Refusal as refusal:  # of the pace; the application answers its own
            await passage.answer(refusal.code, refusal.details)
        except Exception as fault:
            log.error("request_failed", route=_route(scope), **_where(fault))
            await passage.answer(Code.SERVER_FAULT)
        finally:
            if passage.too_large:
                await passage.answer(Code.BATCH_TOO_LARGE)
            _note(scope, passage.status, time.perf_counter() - started)


class _TooLarge(Exception):
    """Ends the reading of a body. Whatever the application makes of it is not sent."""


class _Passage:
    """One request on its way through."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, limit: int, secure: bool
    ) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._limit = limit
        self._secure = secure or scope["scheme"] == "https"
        self._read = 0
        self._upload = scope["method"] == "PATCH" and scope["path"].startswith("/v1/files")
        self.status = 0
        self.too_large = False

    def announced_too_large(self) -> bool:
        length = Headers(scope=self._scope).get("content-length", "")
        return not self._upload and length.isdecimal() and int(length) > self._limit

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and not self._upload:
            self._read += len(message.get("body", b""))
            if self._read > self._limit:
                self.too_large = True
                raise _TooLarge
        return message

    async def send(self, message: Message) -> None:
        if self.too_large:
            return
        await self._send_on(message)

    async def _send_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message["headers"])
            brought = {name for name, _ in headers}
            wanted: tuple[tuple[bytes, bytes], ...] = ALWAYS
            if self._secure:
                wanted += HSTS
            if self._scope["path"].startswith("/v1/"):
                wanted += UNKEPT
            # The app's files bring a policy of their own, and so do pages.
            headers += [header for header in wanted if header[0] not in brought]
            message = {**message, "headers": headers}
        await self._send(message)

    async def answer(self, code: Code, details: dict[str, Any] | None = None) -> None:
        """Nothing where the reply has begun: a cut reply is noticed by its missing trailer."""
        if not self.status:
            await reply(code, details)(self._scope, self._receive, self._send_on)


def _holds_nul(scope: Scope) -> bool:
    """Nothing has such a name, and PostgreSQL fails at the question."""
    return "\0" in scope["path"] or b"%00" in scope["query_string"]


def _route(scope: Scope) -> str:
    """The route's pattern, so that neither log nor metrics hold an id."""
    return getattr(scope.get("route"), "path", "(none)")


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = _route(scope)
    method = scope["method"] if scope["method"] in _METHODS else "other"
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(method, route).observe(seconds)
    log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


def _where(fault: BaseException) -> dict[str, str]:
    """Kind and place of a fault. Its message may quote a value, so it is left out."""
    frames = traceback.extract_tb(fault.__traceback__)[-6:]
    places = " < ".join(f"{f.name}:{f.lineno}" for f in reversed(frames))
    return {"kind": type(fault).__name__, "at": places}


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
