"""What a PDF must know of a JPEG before it can carry it unchanged: read from its header, no Pillow.

A PDF viewer decodes JPEG itself (DCTDecode), so a photo needs only its size, its number of colours
and how it is to be turned. Photos thereby stay the very bytes whose SHA-256 the report names.
"""

from __future__ import annotations

from dataclasses import dataclass

_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive; PDF readers know no other coding
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}
_START_OF_SCAN, _END, _EXIF, _ADOBE = 0xDA, 0xD9, 0xE1, 0xEE
_ORIENTATION_TAG = 0x0112


@dataclass(frozen=True, slots=True)
class Jpeg:
    """A JPEG file that a PDF can show. `width` and `height` are as stored, before turning.

    `turned` is 0, 90, 180 or 270 degrees clockwise, from the EXIF orientation (mirrored
    orientations, which no camera writes, count as not turned). `inverted`: Adobe's CMYK files
    store the complement.
    """

    content: bytes
    width: int
    height: int
    colours: int
    turned: int
    inverted: bool

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height as seen once turned."""
        return (self.height, self.width) if self.turned in (90, 270) else (self.width, self.height)


def read_jpeg(content: bytes) -> Jpeg | None:
    """The photo's header, or None when it is no JPEG that every PDF reader can show (another
    format, cut off before its picture, 12 bits, lossless or arithmetic coding)."""
    if content[:2] != b"\xff\xd8":
        return None
    frame: tuple[int, int, int] | None = None
    turned, adobe, at = 0, False, 2
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(content[at + 2 : at + 4])
        body = content[at + 4 : at + 2 + length]
        if marker == _END or length < 2 or len(body) != length - 2:
            return None
        if marker == _START_OF_SCAN:
            if frame is None:
                return None
            width, height, colours = frame
            return Jpeg(content, width, height, colours, turned, adobe and colours == 4)
        if marker in _FRAMES:
            if len(body) < 6 or body[0] != 8 or body[5] not in (1, 3, 4):
                return None
            frame = int.from_bytes(body[3:5]), int.from_bytes(body[1:3]), body[5]
            if 0 in frame:
                return None
        elif marker == _EXIF and body[:6] == b"Exif\0\0":
            turned = _turn(body[6:])
        elif marker == _ADOBE and body[:5] == b"Adobe":
            adobe = True
        at += 2 + length
    return None


def _turn(tiff: bytes) -> int:
    """Degrees clockwise to turn the picture, from an EXIF block; 0 when it doesn't say."""
    order: dict[bytes, str] = {b"II": "little", b"MM": "big"}
    if tiff[:2] not in order:
        return 0
    little = order[tiff[:2]] == "little"

    def number(start: int, size: int) -> int:
        raw = tiff[start : start + size]
        return int.from_bytes(raw, "little" if little else "big") if len(raw) == size else -1

    directory = number(4, 4)
    if directory < 8:
        return 0
    for entry in range(max(number(directory, 2), 0)):
        start = directory + 2 + 12 * entry
        if start + 12 > len(tiff):
            return 0
        if number(start, 2) == _ORIENTATION_TAG:
            return {3: 180, 6: 90, 8: 270}.get(number(start + 8, 2), 0)
    return 0
