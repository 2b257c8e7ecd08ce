"""`cipher_work` inside the browser's worker; each ask on the channel is one round of one cipher."""

from __future__ import annotations

import asyncio
import json
import traceback
from typing import Any

import flet as ft
import js
from cipher_work import measure
from pyodide.ffi import create_proxy

from mobile.store.opfs import browser_files


async def round_of(cipher: str) -> dict[str, float]:
    files = await browser_files()
    await files.destroy("bench", keep_log=False)
    await files.claim("bench")
    try:
        return measure(files.database("bench"), cipher)
    finally:
        await files.release("bench")


async def main(page: ft.Page) -> None:
    channel = js.BroadcastChannel.new("huifang-bench")
    tasks: set[asyncio.Task[None]] = set()

    async def answer(cipher: str) -> None:
        try:
            said: dict[str, Any] = {"found": await round_of(cipher)}
        except Exception:
            said = {"failed": traceback.format_exc()}
        channel.postMessage(json.dumps(said))

    def heard(event: Any) -> None:
        message = json.loads(event.data)
        if "cipher" in message:
            task = asyncio.ensure_future(answer(message["cipher"]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    channel.onmessage = create_proxy(heard)
    page.add(ft.Text("listening"))


ft.run(main)
