"""Is this really a picture? Judged by its first bytes and by reading it, never by what its
sender calls it."""

from __future__ import annotations

import io
import struct
import warnings

from PIL import Image, UnidentifiedImageError

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
"""Media types that a File may claim to be a picture with."""

MOST_PIXELS = 40_000_000
"""Ten times what a device makes (2048 pixels on the long edge), and what a server can decode."""

_GPS_IFD = 0x8825
_XMP_POSITION = b"GPSLatitude"
_MAGIC = {"JPEG": (b"\xff\xd8\xff",), "PNG": (b"\x89PNG\r\n\x1a\n",), "WEBP": (b"RIFF",)}


def is_picture(content: bytes, media_type: str) -> bool:
    """Whether `content` is a whole picture of that type that can be shown: small enough to be
    decoded by a phone, and not cut short."""
    wanted = FORMATS.get(media_type)
    if wanted is None or not content.startswith(_MAGIC[wanted]):
        return False
    try:
        with warnings.catch_warnings():
            # Pillow warns of what is too large; here that is an answer.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=[wanted]) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    return False
                if wanted == "JPEG":
                    # Every byte is read all the same, into an eighth of the memory.
                    picture.draft("L", (picture.width // 8 or 1, picture.height // 8 or 1))
                picture.load()
    except (
        UnidentifiedImageError,
        Image.DecompressionBombWarning,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,  # what Pillow raises for a broken PNG
        ValueError,
    ):
        return False
    return True


def names_a_place(content: bytes) -> bool:
    """Whether a picture's metadata (EXIF or XMP) says where it was taken. `content` is a picture
    (`is_picture`)."""
    if _XMP_POSITION in content:
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about metadata that is not as it should be
        with Image.open(io.BytesIO(content), formats=list(FORMATS.values())) as picture:
            try:
                return bool(picture.getexif().get_ifd(_GPS_IFD))
            except (SyntaxError, ValueError, KeyError, TypeError, OSError, struct.error):
                return False  # metadata that no reader makes sense of names nothing
