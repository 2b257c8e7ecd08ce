"""What both halves know about pictures, without decoding any."""

from __future__ import annotations

_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif"}


def media_type(data: bytes) -> str | None:
    """What the first bytes say that this is; None for what is no picture. The name of a file says
    nothing.
    """
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return "image/heif"
    return None


def fitted(width: int, height: int, long_edge: int) -> tuple[int, int]:
    """The size within which the longer edge is at most `long_edge`; never larger than it was, no
    edge below one pixel.
    """
    longer = max(width, height)
    if longer <= long_edge:
        return width, height
    return max(1, round(width * long_edge / longer)), max(1, round(height * long_edge / longer))
