"""The stream of hints over a socket of its own, without a thread: the half for a desktop."""

from __future__ import annotations

import asyncio
import http.client
import io
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import urlsplit

from mobile.sync.poking import SILENCE
from mobile.sync.transport import Response
from shared.errors import Code, Refusal

T = TypeVar("T")
_MOST_ERROR = 64 * 1024


class NativeStream:
    """`Stream` for a desktop. `seconds`: the longest silence before it is given up."""

    def __init__(self, *, seconds: float = SILENCE, tls: ssl.SSLContext | None = None) -> None:
        self._seconds = seconds
        self._tls = tls

    async def __call__(
        self, url: str, headers: Mapping[str, str], received: Callable[[bytes], None]
    ) -> Response:
        async with self._connected(url) as (reader, writer):
            try:
                writer.write(_request(url, headers))
                status, names = await self._heard(_head(reader))
            except (OSError, EOFError, ValueError, http.client.HTTPException) as broken:
                raise Refusal(Code.OFFLINE) from broken
            body = b""

            def kept(piece: bytes) -> None:
                nonlocal body
                body = (body + piece)[:_MOST_ERROR]

            try:
                await self._body(reader, names, received if status < 300 else kept)
            except (OSError, EOFError, ValueError) as broken:
                raise Refusal(Code.CUT_SHORT) from broken
            return Response(status, names, body)

    @asynccontextmanager
    async def _connected(
        self, url: str
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        tls = (self._tls or ssl.create_default_context()) if secure else None
        port = parts.port or (443 if secure else 80)
        try:
            async with asyncio.timeout(self._seconds):
                reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls)
        except OSError as broken:  # a timeout is one
            raise Refusal(Code.OFFLINE) from broken
        try:
            yield reader, writer
        finally:
            writer.close()

    async def _heard(self, coming: Awaitable[T]) -> T:
        async with asyncio.timeout(self._seconds):
            return await coming

    async def _body(
        self,
        reader: asyncio.StreamReader,
        names: Mapping[str, str],
        received: Callable[[bytes], None],
    ) -> None:
        if names.get("transfer-encoding", "").lower() != "chunked":
            left = int(names.get("content-length", "0"))
            received(await self._heard(reader.readexactly(left)))
            return
        while size := int((await self._heard(reader.readuntil(b"\r\n"))).split(b";")[0], 16):
            received((await self._heard(reader.readexactly(size + 2)))[:-2])


def _request(url: str, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Accept: text/event-stream"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = io.BytesIO(await reader.readuntil(b"\r\n\r\n"))
    _version, status, *_ = head.readline().split(None, 2)
    parsed = http.client.parse_headers(head)
    return int(status), {name.lower(): value for name, value in parsed.items()}
