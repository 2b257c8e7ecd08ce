"""A drawn shop counter: what a photo of a visit shows, without showing anyone's shop."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import FilePayload

_SIZE = (1600, 1200)
_DAY = ("#d9e4e6", "#b98d62", "#8a6543", "#f4ecd8")
_EVENING = ("#5b6472", "#8d6a4b", "#5d432d", "#ffd58a")


def shop(name: str, *, evening: bool) -> FilePayload:
    """A counter with a lit cabinet, as a JPEG."""
    wall, wood, shade, light = _EVENING if evening else _DAY
    picture = Image.new("RGB", _SIZE, wall)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 860, 1600, 1200), fill=shade)
    draw.rectangle((120, 170, 1480, 700), fill=wood)
    for shelf in range(3):
        top = 200 + shelf * 165
        draw.rectangle((150, top, 1450, top + 140), fill=light)
        for place in range(9):
            left, tall = 190 + place * 140, 60 + (place * 37 + shelf * 53) % 60
            colour = ("#1f6f78", "#c0563b", "#e0a93e", "#50698c")[(place + shelf) % 4]
            draw.rounded_rectangle((left, top + 138 - tall, left + 80, top + 138), 12, fill=colour)
    draw.polygon([(0, 860), (1600, 760), (1600, 1010), (0, 1130)], fill=wood)
    draw.ellipse((620, 700, 880, 800), fill="#e8eef0", outline=shade, width=6)
    out = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(1.4)).save(out, "JPEG", quality=88)
    return {"name": name, "mimeType": "image/jpeg", "buffer": out.getvalue()}
