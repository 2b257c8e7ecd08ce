"""Where a line may end, in Chinese, Latin and mixed text.

The simple core of UAX #14 with the Chinese rules of line heads and ends (GB/T 15834): closing marks
never begin a line, opening marks never end one, words and numbers stay whole while they fit.
Character classes are written out here instead of asked of `unicodedata`, whose answers differ
between Python versions: a report must come out the same in the browser and on the desktop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

NEVER_FIRST = frozenset(
    "!%),.:;?]}¢°·ˇˉ―‖’”…‰′″›℃∶、。〃〉》」』】〕〗〞︶︺︾﹀﹄﹚﹜﹞！＂％＇），．：；？］｀｜｝～¨—‥々»"
)
NEVER_LAST = frozenset("([{£¥‘“‹〈《「『【〔〖〝﹙﹛﹝＄（［｛￡￥«$€")

_WIDE = (
    (0x1100, 0x115F),
    (0x25A0, 0x25FF),
    (0x2E80, 0xA4CF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE4F),
    (0xFF00, 0xFF60),
    (0xFFE0, 0xFFE6),
    (0x1F000, 0x1FAFF),
    (0x20000, 0x3FFFD),
)


def wrap(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """The lines of `text`, none wider than `width` unless it is a single character.

    `measure` gives the width of one character, in the unit of `width`; widths add up (the report
    does not kern). A newline always ends a line; blanks at a line's end are dropped. Empty text is
    one empty line.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines += _paragraph(paragraph, width, measure)
    return lines


def may_break(before: str, after: str) -> bool:
    """Whether a line may end between two neighbouring characters, neither of them a space."""
    if after in NEVER_FIRST or before in NEVER_LAST:
        return False
    if _is_wide(before) or _is_wide(after):
        return True
    return before in "-/" and after.isalpha()


def _paragraph(text: str, width: float, measure: Callable[[str], float]) -> Iterator[str]:
    """Greedy: each line takes as many whole pieces as fit."""
    line, used = "", 0.0
    for piece in _pieces(text):
        wide = sum(map(measure, piece.rstrip(" ")))
        if line and used + wide > width:
            yield line.rstrip(" ")
            line, used = "", 0.0
            piece = piece.lstrip(" ")
        for chunk in _chunks(piece, width, measure) if wide > width else (piece,):
            if line and chunk is not piece:
                yield line.rstrip(" ")
                line, used = "", 0.0
            line += chunk
            used += sum(map(measure, chunk))
    yield line.rstrip(" ")


def _pieces(text: str) -> Iterator[str]:
    """The text cut at every place where a line may end; blanks stay with what precedes them."""
    start = 0
    for i in range(1, len(text)):
        before, after = text[i - 1], text[i]
        if after != " " and (before == " " or may_break(before, after)):
            yield text[start:i]
            start = i
    if start < len(text):
        yield text[start:]


def _chunks(piece: str, width: float, measure: Callable[[str], float]) -> Iterator[str]:
    """A piece wider than the line, cut wherever the line is full."""
    chunk, used = "", 0.0
    for character in piece:
        wide = measure(character)
        if chunk and used + wide > width:
            yield chunk
            chunk, used = "", 0.0
        chunk += character
        used += wide
    if chunk:
        yield chunk


def _is_wide(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _WIDE)
