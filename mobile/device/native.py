"""The native half: Pillow decodes and encodes pictures, the client asks for the position."""

from __future__ import annotations

import asyncio
import importlib
import io
from datetime import UTC, datetime
from typing import Any

from mobile.device.picking import pick_photos
from mobile.device.pictures import fitted, media_type
from mobile.device.port import NoFix, Picked, Reduced
from mobile.device.saving import save_file
from shared.entities import Position
from shared.errors import Code, Refusal

FIX_TIMEOUT_SECONDS = 25
MOST_PIXELS = 120_000_000
"""Of a decoded photo: more than any phone's camera makes, less than a phone's memory holds."""


class NativeDevice:
    """See `port.Device`."""

    async def pick_photos(self) -> list[Picked]:
        return await pick_photos()

    async def reduce(self, data: bytes, long_edge: int, quality: int) -> Reduced:
        if media_type(data) is None:
            raise Refusal(Code.FILE_NOT_IMAGE)
        # In a thread: half a second of decoding must not hold the screen.
        return await asyncio.to_thread(reduced, data, long_edge, quality)

    async def save(self, name: str, data: bytes) -> bool:
        return await save_file(name, data)

    async def fix(self) -> Position | NoFix:
        try:
            senses: Any = importlib.import_module("flet_geolocator")
        except ModuleNotFoundError:
            return NoFix.NO_SIGNAL  # a desktop installation without a position sensor
        sensor = senses.Geolocator()
        try:
            allowed = (await sensor.request_permission()).value
            if allowed not in {"whileInUse", "always"}:
                return NoFix.NOT_PERMITTED
            async with asyncio.timeout(FIX_TIMEOUT_SECONDS):
                found = await sensor.get_current_position()
        except (TimeoutError, RuntimeError):
            return NoFix.NO_SIGNAL
        return Position(
            latitude=float(found.latitude),
            longitude=float(found.longitude),
            accuracy_m=float(found.accuracy),
            fixed_at=_aware(found.timestamp),
            mocked=bool(found.mocked),
        )


def _aware(moment: Any) -> datetime:
    """The client's time of a fix: a datetime, or its text. Without a zone it is UTC."""
    read = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def reduced(data: bytes, long_edge: int, quality: int) -> Reduced:
    """See `port.Device.reduce`. Pillow is imported with the first photo: it takes a while."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit warns at a good camera's size; ours is below
    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > MOST_PIXELS:  # known from its head alone
                raise Refusal(Code.FILE_TOO_LARGE, limit=MOST_PIXELS)
            # A JPEG can be decoded at a fraction of its size; that saves most of the memory.
            opened.draft("RGB", (long_edge, long_edge))
            picture = ImageOps.exif_transpose(opened)
            size = fitted(picture.width, picture.height, long_edge)
            small = (
                picture.resize(size, Image.Resampling.LANCZOS) if size != picture.size else picture
            )
            flat = Image.new("RGB", small.size, "white")
            flat.paste(small.convert("RGBA"), mask=small.convert("RGBA").getchannel("A"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise Refusal(Code.FILE_NOT_IMAGE) from None
    out = io.BytesIO()
    # Only pixels were copied into `flat`: no EXIF, no colour profile, no thumbnail goes along.
    flat.save(out, "JPEG", quality=quality, optimize=True)
    return Reduced(out.getvalue(), "image/jpeg", flat.width, flat.height)
