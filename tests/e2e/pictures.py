"""Photos as a phone's camera makes them: JPEG, with the place and the camera in their EXIF."""

from __future__ import annotations

import io

from PIL import Image
from playwright.sync_api import FilePayload

CAMERA = "HuifangTestCamera"
WIDTH, HEIGHT = 2400, 1600
_GPS, _MAKE = 0x8825, 0x010F


def photo(name: str) -> FilePayload:
    """A photo that tells where and with what it was taken; another name, another picture."""
    # A little noise on a plain ground: as large in pixels as a photo, much smaller in bytes.
    grain = Image.effect_noise((WIDTH // 8, HEIGHT // 8), 24).resize((WIDTH, HEIGHT))
    picture = Image.merge("RGB", (grain, grain.point(lambda v: 255 - v), grain))
    exif = Image.Exif()
    exif[_MAKE] = CAMERA
    exif.get_ifd(_GPS).update({1: "N", 2: (31.0, 13.0, 49.0), 3: "E", 4: (121.0, 28.0, 25.0)})
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif, quality=85)
    return {"name": name, "mimeType": "image/jpeg", "buffer": out.getvalue()}


def places_in(jpeg: bytes) -> dict[int, object]:
    """What a JPEG's EXIF says of where it was taken; empty is what a stored photo should say."""
    with Image.open(io.BytesIO(jpeg)) as opened:
        return dict(opened.getexif().get_ifd(_GPS))


def size_of(jpeg: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.format == "JPEG"
        return opened.size
