"""The measured device inside the browser's worker, at the word of the benchmark over a channel.

`{"ask": n, "verb": …, "args": {…}}` is answered by `{"answer": n, "value": …}` or `{"answer": n,
"failed": trace}`.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from typing import Any

import flet as ft
import js
from device import Device
from pyodide.ffi import create_proxy

from mobile.bootstrap import bootstrap


class Channel:
    """Carries out one ask after another."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._channel = js.BroadcastChannel.new("huifang-bench")
        self._channel.onmessage = create_proxy(self._heard)

    def _heard(self, event: Any) -> None:
        message = json.loads(event.data)
        if "ask" in message:
            task = asyncio.ensure_future(self._answer(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"answer": message["ask"]}
        async with self._turn:
            try:
                answer["value"] = await getattr(self._device, message["verb"])(**message["args"])
            except Exception:
                answer["failed"] = traceback.format_exc()
        self._channel.postMessage(json.dumps(answer))


async def main(page: ft.Page) -> None:
    """Waits for asks."""
    page.data = Channel(Device(await bootstrap(page)))
    page.add(ft.Text("listening"))


ft.run(main)
