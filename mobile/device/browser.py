"""The browser's half: the worker decodes and encodes pictures, the page asks for the position.

A worker has `createImageBitmap` and `OffscreenCanvas` but no geolocation; that comes over the
bridge to the page (`mobile.pwa.page`).
"""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from typing import Any

from mobile.device.picking import pick_photos
from mobile.device.pictures import fitted, media_type
from mobile.device.port import NoFix, Picked, Reduced
from mobile.device.saving import save_file
from mobile.pwa import page
from shared.entities import Position
from shared.errors import Code, Refusal

FIX_TIMEOUT_MS = 25_000


class BrowserDevice:
    """See `port.Device`."""

    async def pick_photos(self) -> list[Picked]:
        return await pick_photos()

    async def reduce(self, data: bytes, long_edge: int, quality: int) -> Reduced:
        if media_type(data) is None:
            raise Refusal(Code.FILE_NOT_IMAGE)
        js: Any = importlib.import_module("js")
        ffi: Any = importlib.import_module("pyodide.ffi")
        options = ffi.to_js(
            {"imageOrientation": "from-image"}, dict_converter=js.Object.fromEntries
        )
        try:
            blob = js.Blob.new([ffi.to_js(data)])
            bitmap = await js.createImageBitmap(blob, options)
        except ffi.JsException:
            raise Refusal(Code.FILE_NOT_IMAGE) from None
        try:
            width, height = fitted(bitmap.width, bitmap.height, long_edge)
            canvas = js.OffscreenCanvas.new(width, height)
            pen = canvas.getContext("2d")
            # JPEG has no transparency: what was see-through becomes paper, not black.
            pen.fillStyle = "#ffffff"
            pen.fillRect(0, 0, width, height)
            pen.imageSmoothingQuality = "high"
            pen.drawImage(bitmap, 0, 0, width, height)
        finally:
            bitmap.close()
        wanted = {"type": "image/jpeg", "quality": quality / 100}
        made = await canvas.convertToBlob(ffi.to_js(wanted, dict_converter=js.Object.fromEntries))
        octets = (await made.arrayBuffer()).to_bytes()
        return Reduced(bytes(octets), "image/jpeg", width, height)

    async def save(self, name: str, data: bytes) -> bool:
        return await save_file(name, data)

    async def fix(self) -> Position | NoFix:
        try:
            found = await page.call("position", timeout_ms=FIX_TIMEOUT_MS)
        except page.PageRefusal as refusal:
            denied = refusal.reason == "PermissionDenied"
            return NoFix.NOT_PERMITTED if denied else NoFix.NO_SIGNAL
        return Position(
            latitude=float(found["latitude"]),
            longitude=float(found["longitude"]),
            accuracy_m=float(found["accuracy_m"]),
            fixed_at=datetime.fromtimestamp(found["taken_at_ms"] / 1000, UTC),
        )  # a browser can't tell a mocked position from a true one: `mocked` stays unsaid
