"""Draws the app's icon: a visit that comes round again, a check within an arrow's circle.

`python -m mobile.pwa.icons` writes `shell/icons/` anew. Pure Python and exact: the same files on
every machine (whose zlib may pack them otherwise), so that they change only when the drawing does.
"""

import math
import struct
import zlib
from pathlib import Path

FOLDER = Path(__file__).with_name("shell") / "icons"

GROUND = (0x0B, 0x6E, 0x6E)
FIGURE = (0xFF, 0xFF, 0xFF)

# All lengths are shares of the icon's side, the origin in its middle, y downwards.
_RING = 0.27
_PEN = 0.032
_GAP = (math.radians(-78), math.radians(-18))  # the ring is open here, where the arrow's head sits
_CHECK = ((-0.125, 0.005), (-0.035, 0.095), (0.135, -0.095))
_HEAD = 0.095

Point = tuple[float, float]


def _head() -> tuple[Point, Point, Point]:
    """The arrow's head: a triangle at the ring's end, pointing on along the circle."""
    angle = _GAP[0]
    along = (-math.sin(angle), math.cos(angle))
    # A little behind the ring's end, so that no seam shows between the two.
    foot = (_RING * math.cos(angle) - along[0] * 0.01, _RING * math.sin(angle) - along[1] * 0.01)
    out = (math.cos(angle), math.sin(angle))
    tip = (foot[0] + along[0] * _HEAD * 1.2, foot[1] + along[1] * _HEAD * 1.2)
    left = (foot[0] + out[0] * _HEAD, foot[1] + out[1] * _HEAD)
    right = (foot[0] - out[0] * _HEAD, foot[1] - out[1] * _HEAD)
    return tip, left, right


def _to_segment(x: float, y: float, a: Point, b: Point) -> float:
    bx, by = b[0] - a[0], b[1] - a[1]
    share = ((x - a[0]) * bx + (y - a[1]) * by) / (bx * bx + by * by)
    share = max(0.0, min(1.0, share))
    return math.hypot(x - a[0] - share * bx, y - a[1] - share * by)


def _to_figure(x: float, y: float) -> float:
    """Signed distance to the white figure, negative inside."""
    first, corner, last = _CHECK
    check = min(_to_segment(x, y, first, corner), _to_segment(x, y, corner, last)) - _PEN
    angle = math.atan2(y, x)
    ring = abs(math.hypot(x, y) - _RING) - _PEN
    if _GAP[0] < angle < _GAP[1]:
        end = (_RING * math.cos(_GAP[1]), _RING * math.sin(_GAP[1]))
        ring = math.hypot(x - end[0], y - end[1]) - _PEN
    tip, left, right = _head()
    head = max(_side(x, y, tip, right), _side(x, y, right, left), _side(x, y, left, tip))
    return min(check, ring, head)


def _side(x: float, y: float, a: Point, b: Point) -> float:
    """Distance to the line a→b, positive on the outer side of a counter-clockwise triangle."""
    bx, by = b[0] - a[0], b[1] - a[1]
    return ((x - a[0]) * by - (y - a[1]) * bx) / math.hypot(bx, by)


def _to_tile(x: float, y: float, corner: float) -> float:
    """Signed distance to the rounded square that fills the icon."""
    dx, dy = abs(x) - (0.5 - corner), abs(y) - (0.5 - corner)
    return math.hypot(max(dx, 0.0), max(dy, 0.0)) + min(max(dx, dy), 0.0) - corner


def png(side: int, *, corner: float, scale: float) -> bytes:
    """An RGBA picture `side` pixels wide; `corner` 0 fills the whole square (maskable icons)."""
    rows = bytearray()
    for row in range(side):
        rows.append(0)  # no filter
        y = (row + 0.5) / side - 0.5
        for column in range(side):
            x = (column + 0.5) / side - 0.5
            cover = min(1.0, max(0.0, 0.5 - _to_tile(x, y, corner) * side)) if corner else 1.0
            white = min(1.0, max(0.0, 0.5 - _to_figure(x / scale, y / scale) * scale * side))
            rows.extend(
                round(ground + (figure - ground) * white)
                for ground, figure in zip(GROUND, FIGURE, strict=True)
            )
            rows.append(round(255 * cover))
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, body)
        for kind, body in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(bytes(rows), 9)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def svg() -> str:
    """The same drawing as a vector."""

    def at(point: Point) -> str:
        return f"{point[0]:.4f} {point[1]:.4f}"

    start = (_RING * math.cos(_GAP[1]), _RING * math.sin(_GAP[1]))
    end = (_RING * math.cos(_GAP[0]), _RING * math.sin(_GAP[0]))
    ground = "#" + bytes(GROUND).hex()
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-0.5 -0.5 1 1">\n'
        f'<rect x="-0.5" y="-0.5" width="1" height="1" rx="0.22" fill="{ground}"/>\n'
        f'<g fill="none" stroke="#fff" stroke-width="{2 * _PEN}" stroke-linecap="round"'
        ' stroke-linejoin="round">\n'
        f'<path d="M {at(start)} A {_RING} {_RING} 0 1 1 {at(end)}"/>\n'
        f'<path d="M {" L ".join(at(point) for point in _CHECK)}"/>\n</g>\n'
        f'<path d="M {" L ".join(at(point) for point in _head())} Z" fill="#fff"/>\n</svg>\n'
    )


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "icon.svg").write_text(svg(), encoding="utf-8")
    for side in (192, 512):
        (FOLDER / f"icon-{side}.png").write_bytes(png(side, corner=0.22, scale=1.0))
        # A launcher may cut a maskable icon to a circle: the figure stays in the inner 80 %.
        (FOLDER / f"icon-maskable-{side}.png").write_bytes(png(side, corner=0, scale=0.85))


if __name__ == "__main__":
    main()
