"""The report's one font: how wide its characters are, and which it has.

The font on the device is a subset, and people's names hold characters that no subset foresees. A
character that the font lacks is shown as □, never left out, and remembered, so that the page
itself can say which it was.
"""

from __future__ import annotations

import re
import unicodedata
from io import BytesIO
from pathlib import Path

from fontTools.ttLib import TTFont

STAND_IN = "□"

# Characters that steer a display and show nothing: control characters, the byte order mark,
# joiners, variation selectors, and the marks that reverse the reading direction. The last are a
# danger in a document that someone signs: they make "不合格" read as something else.
_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_BLANK = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f]")
_STRAIGHT = str.maketrans("‘’“”", "''\"\"")
_NEWLINE = re.compile("\r\n?|[\u000b\u000c\u0085\u2028\u2029]")


class Typeface:
    """Widths and coverage of an OpenType font, and what it was asked for in vain (`missing`)."""

    def __init__(self, content: bytes, *, chinese: bool = True) -> None:
        """`chinese`: whether the text around is Chinese. If not, curly quotes become straight ones,
        because a Chinese font gives them a full em, which tears Latin words apart."""
        self.content = content
        self._quotes = {} if chinese else _STRAIGHT
        with TTFont(BytesIO(content), lazy=True) as font:
            scale = 1 / font["head"].unitsPerEm
            metrics = font["hmtx"].metrics
            self._advance: dict[int, float] = {
                code: metrics[name][0] * scale for code, name in font.getBestCmap().items()
            }
        self._stand_in = next((c for c in (STAND_IN, "?") if ord(c) in self._advance), " ")
        self.missing: dict[str, None] = {}

    @classmethod
    def of(cls, font: Path | bytes, *, chinese: bool = True) -> Typeface:
        """From a font file or its bytes. Raises OSError or fontTools' TTLibError."""
        return cls(font if isinstance(font, bytes) else font.read_bytes(), chinese=chinese)

    def advance(self, character: str) -> float:
        """The width of one character, for a font size of 1."""
        return self._advance.get(ord(character), 0.0)

    def width(self, text: str, size: float) -> float:
        """The width of printable text at a font size, in the unit of the size."""
        return sum(map(self.advance, text)) * size

    def printable(self, text: str) -> str:
        """The text as it can be printed: newlines kept, blanks plain, unseen characters dropped,
        letters and their accents joined (NFC), what the font lacks replaced and remembered."""
        text = _BLANK.sub(" ", _UNSEEN.sub("", _NEWLINE.sub("\n", text)))
        return "".join(
            c if c == "\n" or ord(c) in self._advance else self._replace(c)
            for c in unicodedata.normalize("NFC", text).translate(self._quotes)
        )

    def _replace(self, character: str) -> str:
        self.missing[character] = None
        return self._stand_in
