"""Bytes over the browser's own ``fetch``: the half for the web app, which has no sockets.

The browser unpacks compressed replies and keeps its connections by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from mobile.sync.peer import Received
from mobile.sync.transport import Response
from shared.errors import Code, Refusal


class BrowserFetch:
    """`Fetch` in the browser. `seconds`: the longest silence before a request is given up."""

    def __init__(self, *, seconds: float = 30.0) -> None:
        self._milliseconds = int(seconds * 1000)

    async def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        received: Received,
    ) -> Response:
        silence = _Silence(self._milliseconds)
        options = {
            "method": method,
            "headers": dict(headers),
            "cache": "no-store",
            "credentials": "omit",
            "redirect": "error",
            "signal": silence.signal,
        }
        if body is not None:
            options["body"] = body
        try:
            asked = js.fetch(url, to_js(options, dict_converter=js.Object.fromEntries))
            received(0)
            reply = await asked
        except JsException as broken:
            silence.end()
            raise Refusal(Code.OFFLINE) from broken
        try:
            data = await _read(reply, received, silence)
        except JsException as broken:
            raise Refusal(Code.CUT_SHORT) from broken
        finally:
            silence.end()
        names = {str(entry[0]).lower(): str(entry[1]) for entry in reply.headers.entries()}
        return Response(int(reply.status), names, data)


async def _read(reply: Any, received: Received, silence: _Silence) -> bytes:
    if reply.body is None:
        return b""
    reader = reply.body.getReader()
    pieces: list[bytes] = []
    while True:
        piece = await reader.read()
        if piece.done:
            return b"".join(pieces)
        silence.broken()
        pieces.append(piece.value.to_bytes())
        received(len(pieces[-1]))


class _Silence:
    """Gives a request up when nothing has come for too long."""

    def __init__(self, milliseconds: int) -> None:
        self._controller = js.AbortController.new()
        self._milliseconds = milliseconds
        self._timer = self._set()

    @property
    def signal(self) -> Any:
        return self._controller.signal

    def _set(self) -> Any:
        # Bound in JavaScript, so that no Python function has to outlive the call.
        abort = self._controller.abort.bind(self._controller)
        return js.setTimeout(abort, self._milliseconds)

    def broken(self) -> None:
        """Something came: the time begins anew."""
        js.clearTimeout(self._timer)
        self._timer = self._set()

    def end(self) -> None:
        js.clearTimeout(self._timer)
