"""A laid-out page: marks at places, in points (1/72 inch) from the top left corner of an A4 sheet.

Laying out and drawing are apart, so that breaking text and pages can be tested without a PDF, and
so that the number of pages is known before the first footer is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mobile.reports.jpeg import Jpeg
from mobile.reports.strokes import Cubic

WIDTH, HEIGHT = 595.28, 841.89  # A4

Ink = tuple[int, int, int]

BLACK: Ink = (28, 32, 36)
GREY: Ink = (104, 112, 120)
RULE: Ink = (206, 212, 218)
PANEL: Ink = (245, 247, 249)
ACCENT: Ink = (17, 82, 110)
PEN: Ink = (20, 36, 84)
WARNING: Ink = (158, 42, 24)


@dataclass(frozen=True, slots=True)
class Text:
    """One line of printable text; `y` is its baseline. `weight` is the width of an outline drawn
    around the letters, as a share of the size: the font has one weight, headings need another."""

    x: float
    y: float
    text: str
    size: float
    ink: Ink = BLACK
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    width: float = 0.5
    ink: Ink = RULE


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, filled, bordered or both."""

    x: float
    y: float
    width: float
    height: float
    fill: Ink | None = None
    border: Ink | None = None


@dataclass(frozen=True, slots=True)
class Pen:
    """Curves drawn in one go with a round pen."""

    pieces: tuple[Cubic, ...]
    width: float
    ink: Ink = PEN


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo, filling the given rectangle once it has been turned upright."""

    x: float
    y: float
    width: float
    height: float
    jpeg: Jpeg
    alt: str = ""


Mark = Text | Line | Box | Pen | Picture


@dataclass(slots=True)
class Page:
    """The marks of one sheet, in drawing order."""

    marks: list[Mark] = field(default_factory=list)
