"""How long a connection may take to say something, how much it may say before it has said what it
wants, and how many one address may hold open.

Uvicorn limits none of the three: a head may be endless, and come a byte a minute.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sync_server.services.pace import place_of

_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)
_LONGEST_READ = 256 * 1024
"""Bytes that may come at once, the end of a head and much of its body among them."""


@dataclass(slots=True)
class Patience:
    """Seconds for a head, seconds of silence in a body, bytes of a head, connections of one
    address; and how many of these there are now."""

    head_seconds: float
    silence_seconds: float
    head_bytes: int
    per_address: int
    open: Counter[str] = field(default_factory=Counter)


def protocol(patience: Patience) -> type[HttpToolsProtocol]:
    """Uvicorn's protocol with these limits: for `uvicorn.Config(http=…)`."""

    class Limited(_Limited):
        limits = patience

    return Limited


class _Limited(HttpToolsProtocol):
    limits: Patience

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._place: str | None = None
        self._head = 0  # bytes of the head that is being read
        self._fields = 0  # bytes of its fields, which may also stand behind a body
        self._in_body = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # Uvicorn's own
        super().connection_made(transport)
        self._place = place_of(self.client[0]) if self.client else None
        if self._place is not None:
            self.limits.open[self._place] += 1
            if self.limits.open[self._place] > self.limits.per_address:
                transport.abort()
                return
        self._wait(self.limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        if self._place is not None:
            self.limits.open[self._place] -= 1
            if self.limits.open[self._place] <= 0:
                del self.limits.open[self._place]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_body:
            self._wait(self.limits.silence_seconds)
        else:
            self._head += len(data)
            if self._timer is None:  # the first bytes of a later request
                self._wait(self.limits.head_seconds)
        if self._head > self.limits.head_bytes + _LONGEST_READ:
            self._refuse()
            return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._fields = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Also for fields behind a body. Raising ends the connection with 400."""
        self._fields += len(name) + len(value)
        if self._fields > self.limits.head_bytes:
            raise ValueError("too many header fields")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head, self._in_body = 0, True
        self._wait(self.limits.silence_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        self._wait(None)
        super().on_message_complete()

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_TOO_LONG)
            self.transport.close()

    def _wait(self, seconds: float | None) -> None:
        """The connection ends after so many seconds, unless something else is said before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._end)

    def _end(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()
