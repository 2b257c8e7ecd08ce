"""Is this really a picture? Judged by its first bytes and by reading it, never by what its
sender calls it."""

from __future__ import annotations

import io
import warnings

from PIL import Image, UnidentifiedImageError

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
"""Media types that a File may claim to be a picture with."""

MOST_PIXELS = 100_000_000
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
