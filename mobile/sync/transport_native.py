"""Bytes over the standard library's HTTP client, in a thread: the half for a desktop.

One connection is kept between requests. The standard library and not httpx: the browser has no
sockets, so a client library would serve one half only, and what is sent is decided in `transport`
anyhow.
"""

from __future__ import annotations

import asyncio
import http.client
import ssl
import zlib
from collections.abc import Mapping
from urllib.parse import urlsplit

from mobile.sync.peer import Received
from mobile.sync.transport import Response
from shared.errors import Code, Refusal

_PIECE = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class NativeFetch:
    """`Fetch` for one server. Requests take turns. `seconds`: the longest silence before a
    request is given up."""

    def __init__(self, *, seconds: float = 30.0, tls: ssl.SSLContext | None = None) -> None:
        self._seconds = seconds
        self._tls = tls
        self._turn = asyncio.Lock()
        self._kept: tuple[str, http.client.HTTPConnection] | None = None

    async def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        received: Received,
    ) -> Response:
        loop = asyncio.get_running_loop()

        def heard(size: int) -> None:
            loop.call_soon_threadsafe(received, size)

        async with self._turn:
            return await asyncio.to_thread(self._exchange, method, url, headers, body, heard)

    def close(self) -> None:
        """Let go of the kept connection. Harmless twice."""
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None

    def _exchange(
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
        reused = self._kept is not None and self._kept[0] == origin
        try:
            reply = self._ask(origin, method, path, headers, body)
        except (OSError, http.client.HTTPException) as broken:
            self.close()
            if not reused:
                raise Refusal(Code.OFFLINE) from broken
            # The server may have closed a kept connection while nobody asked: that is no failure.
            return self._exchange(method, url, headers, body, received)
        try:
            return self._read(reply, received)
        except (OSError, http.client.HTTPException, zlib.error) as broken:
            self.close()
            raise Refusal(Code.CUT_SHORT) from broken
        finally:
            reply.close()

    def _ask(
        self,
        origin: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> http.client.HTTPResponse:
        if self._kept is None or self._kept[0] != origin:
            self.close()
            self._kept = (origin, self._connect(origin))
        connection = self._kept[1]
        connection.request(method, path, body, {**headers, "Accept-Encoding": "gzip"})
        return connection.getresponse()

    def _connect(self, origin: str) -> http.client.HTTPConnection:
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "https":
            tls = self._tls or ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._seconds, context=tls)
        return http.client.HTTPConnection(host, port, timeout=self._seconds)

    def _read(self, reply: http.client.HTTPResponse, received: Received) -> Response:
        zipped = (
            zlib.decompressobj(_GZIP) if reply.getheader("Content-Encoding") == "gzip" else None
        )
        pieces: list[bytes] = []
        while piece := reply.read(_PIECE):
            received(len(piece))
            pieces.append(zipped.decompress(piece) if zipped else piece)
        # Read in pieces, the standard library does not complain of a body that is too short.
        if reply.length or (zipped is not None and pieces and not zipped.eof):
            raise http.client.IncompleteRead(b"")
        if reply.will_close:
            self.close()
        headers = {name.lower(): value for name, value in reply.getheaders()}
        return Response(reply.status, headers, b"".join(pieces))
