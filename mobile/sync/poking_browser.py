"""The stream of hints over the browser's ``fetch``: its ``EventSource`` can't carry a proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import js
from pyodide.ffi import JsException, to_js

from mobile.sync.poking import SILENCE
from mobile.sync.transport import Response
from shared.errors import Code, Refusal


class BrowserStream:
    """`Stream` in the browser. `seconds`: the longest silence before it is given up."""

    def __init__(self, *, seconds: float = SILENCE) -> None:
        self._milliseconds = int(seconds * 1000)

    async def __call__(
        self, url: str, headers: Mapping[str, str], received: Callable[[bytes], None]
    ) -> Response:
        controller = js.AbortController.new()
        # Bound in JavaScript, so that no Python function has to outlive the call.
        abort = controller.abort.bind(controller)
        timer = js.setTimeout(abort, self._milliseconds)
        options = {
            "headers": {**headers, "Accept": "text/event-stream"},
            "cache": "no-store",
            "credentials": "omit",
            "redirect": "error",
            "signal": controller.signal,
        }
        body: list[bytes] = []
        try:
            try:
                reply = await js.fetch(url, to_js(options, dict_converter=js.Object.fromEntries))
            except JsException as broken:
                raise Refusal(Code.OFFLINE) from broken
            status = int(reply.status)
            hear = received if status < 300 else body.append
            try:
                reader = reply.body.getReader()
                while not (piece := await reader.read()).done:
                    js.clearTimeout(timer)
                    timer = js.setTimeout(abort, self._milliseconds)
                    hear(piece.value.to_bytes())
            except JsException as broken:
                raise Refusal(Code.CUT_SHORT) from broken
            names = {str(entry[0]).lower(): str(entry[1]) for entry in reply.headers.entries()}
            return Response(status, names, b"".join(body))
        finally:
            js.clearTimeout(timer)
            abort()  # also when the task was cancelled: the connection ends with it
