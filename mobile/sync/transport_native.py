"""Bytes over a socket of the event loop: the half for a desktop.

One connection is kept between requests, without a thread in between: a sync that finds nothing new
takes a millisecond or two, and handing it to a thread and back took half of that. What HTTP is, the
parser of the server's own process knows (httptools, llhttp); what is sent is decided in
`transport`.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httptools
import zstandard

from mobile.sync.peer import Received
from mobile.sync.transport import Response, Stale
from shared.errors import Code, Refusal

_GZIP = 16 + zlib.MAX_WBITS
_AGREED = {"Accept-Encoding": "zstd, gzip"}


class NativeFetch:
    """`Fetch` for one server. Requests take turns. `seconds`: the longest silence before a
    request is given up."""

    def __init__(self, *, seconds: float = 30.0, tls: ssl.SSLContext | None = None) -> None:
        self._seconds = seconds
        self._tls = tls
        self._turn = asyncio.Lock()
        self._kept: tuple[str, _Wire] | None = None

    async def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        received: Received,
    ) -> Response:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        async with self._turn:
            wire = await self._wire(origin)
            head = _head(method, path, parts.netloc, {**headers, **_AGREED}, body)
            try:
                response = await wire.ask(head + (body or b""), received, bare=method == "HEAD")
            except BaseException:
                self.close()  # what comes yet is the answer to nobody's question
                raise
        return response

    def close(self) -> None:
        """Let go of the kept connection. Harmless twice."""
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None

    async def _wire(self, origin: str) -> _Wire:
        if self._kept is not None and self._kept[0] == origin and self._kept[1].open:
            return self._kept[1]
        self.close()
        parts = urlsplit(origin)
        secure = parts.scheme == "https"
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                _, wire = await loop.create_connection(
                    lambda: _Wire(self._seconds),
                    parts.hostname or "",
                    parts.port or (443 if secure else 80),
                    ssl=(self._tls or ssl.create_default_context()) if secure else None,
                )
        except (OSError, TimeoutError) as broken:
            raise Refusal(Code.OFFLINE) from broken
        self._kept = (origin, wire)
        return wire


class _Wire(asyncio.Protocol):
    """One connection, one exchange at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._answer: _Answer | None = None
        self._asked = 0
        self.open = True

    async def ask(self, request: bytes, received: Received, *, bare: bool) -> Response:
        """One exchange; `bare` where no body follows whatever the headers say. Raises `Stale` on
        a kept connection that turns out to be closed."""
        assert self._transport is not None, "ask once connected"
        self._asked += 1
        self._answer = answer = _Answer(self._loop.create_future(), received, bare)
        silence = self._loop.call_later(self._seconds, self._listen, answer)
        self._transport.write(request)
        received(0)
        try:
            await answer.told
        finally:
            silence.cancel()
            self._answer = None
        if not answer.lasting:
            self.close()
        return answer.response()

    def close(self) -> None:
        """Harmless twice."""
        self.open = False
        if self._transport is not None and not self._loop.is_closed():
            self._transport.abort()

    # ── asyncio.Protocol ──────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self.close()  # nobody asked
            return
        self._answer.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.open = False
        if self._answer is not None:
            self._answer.over(stale=self._asked > 1)

    def _listen(self, answer: _Answer) -> None:
        """Gives up where nothing has come since the last look; looks again where something did."""
        if answer is not self._answer:
            return
        if answer.heard:
            answer.heard = False
            self._loop.call_later(self._seconds, self._listen, answer)
            return
        answer.over(stale=False)


class _Answer:
    """What comes back, piece by piece; httptools calls the methods that begin with `on_`."""

    def __init__(self, told: asyncio.Future[None], received: Received, bare: bool) -> None:
        self.told = told
        self.heard = False
        self.lasting = False  # whether the connection may be kept
        self.parser = httptools.HttpResponseParser(self)
        self._received = received
        self._bare = bare
        self._begun = False
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> None:
        self.heard = self._begun = True
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.over(stale=False)

    def over(self, *, stale: bool) -> None:
        """Nothing more will come: the reply broke off, unless its end is the connection's."""
        if self.told.done():
            return
        if not self._begun:
            self.told.set_exception(Stale() if stale else Refusal(Code.OFFLINE))
        elif self._headers and not self._measured():
            self.told.set_result(None)
        else:
            self.told.set_exception(Refusal(Code.CUT_SHORT))

    def response(self) -> Response:
        """The whole reply. Refuses `cut_short` where it does not unpack to its end."""
        body = b"".join(self._pieces)
        packing = self._headers.get("content-encoding")
        unpack = _PACKINGS[packing]() if packing in _PACKINGS and body else None
        if unpack is not None:
            try:
                body = unpack.decompress(body)
            except (zlib.error, zstandard.ZstdError) as broken:
                raise Refusal(Code.CUT_SHORT) from broken
            if not unpack.eof:
                raise Refusal(Code.CUT_SHORT)
        return Response(self.parser.get_status_code(), self._headers, body)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.lasting = self.parser.should_keep_alive()  # asked at the end it would say no
        if self._bare:
            self.on_message_complete()

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._received(len(piece))

    def on_message_complete(self) -> None:
        if not self.told.done():
            self.told.set_result(None)

    def _measured(self) -> bool:
        return "content-length" in self._headers or "transfer-encoding" in self._headers


def _gunzip() -> Any:
    return zlib.decompressobj(_GZIP)


def _unzstd() -> Any:
    return zstandard.ZstdDecompressor().decompressobj()


_PACKINGS: Mapping[str | None, Callable[[], Any]] = {"gzip": _gunzip, "zstd": _unzstd}
"""Each gives an object with `decompress` and `eof`."""


def _head(
    method: str, path: str, host: str, headers: Mapping[str, str], body: bytes | None
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
