"""Filling pages from top to bottom: a cursor, and a new page whenever the next thing won't fit."""

from __future__ import annotations

from collections.abc import Sequence

from mobile.reports.linebreak import wrap
from mobile.reports.page import (
    ACCENT,
    BLACK,
    GREY,
    HEIGHT,
    RULE,
    WIDTH,
    Ink,
    Line,
    Mark,
    Page,
    Text,
)
from mobile.reports.typeface import Typeface

LEFT, RIGHT, TOP, BOTTOM = 50.0, WIDTH - 50.0, 50.0, HEIGHT - 62.0
BODY, SMALL, TINY = 9.5, 8.0, 6.8
LEADING = 1.55  # lines of Chinese need more air than Latin ones
BOLD = 0.028
AIRY, TIGHT = 11.0, 6.0  # above a heading


class Flow:
    """Pages being filled; `y` is the cursor on the last one.

    Texts are made printable here, so that nothing reaches a page unchecked.
    """

    def __init__(self, typeface: Typeface, running_head: str, gap: float = AIRY) -> None:
        self.typeface = typeface
        self.pages = [Page()]
        self.y = TOP
        self._running_head = running_head
        self._gap = gap

    def put(self, *marks: Mark) -> None:
        self.pages[-1].marks.extend(marks)

    def room(self, height: float) -> bool:
        """Makes sure that `height` fits below the cursor; says whether that took a new page.

        Something higher than a page is let run on: the caller has to split it.
        """
        if self.y + height <= BOTTOM or self.y == self._start:
            return False
        self.new_page()
        return True

    def new_page(self) -> None:
        self.pages.append(Page())
        self.y = TOP
        head = self.lines(self._running_head, RIGHT - LEFT, SMALL, most=1)
        self.block(LEFT, TOP, head, SMALL, GREY)
        self.put(Line(LEFT, TOP + 14, RIGHT, TOP + 14))
        self.y = self._start

    def text(
        self,
        x: float,
        top: float,
        text: str,
        size: float = BODY,
        ink: Ink = BLACK,
        *,
        weight: float = 0.0,
        align: float = 0.0,
    ) -> float:
        """One line whose upper edge is at `top`; returns its width. `align` 1 sets it to the left
        of `x`, 0.5 around it."""
        shown = self.typeface.printable(text).replace("\n", " ")
        width = self.typeface.width(shown, size)
        if shown.strip():
            baseline = top + size * 1.05
            self.put(Text(x - width * align, baseline, shown, size, ink, weight))
        return width

    def lines(self, text: str, width: float, size: float = BODY, most: int = 0) -> list[str]:
        """The text's lines at a size, blanks around it left out.

        With `most`, a longer text ends in an ellipsis there: for places that can't grow. What is
        entered in the app fits them all; the sealed report has every word in any case.
        """
        shown = self.typeface.printable(text).strip()
        lines = wrap(shown, width, lambda c: self.typeface.advance(c) * size)
        if most and len(lines) > most:
            lines[most - 1 :] = [lines[most - 1][:-1] + "…"]
        return lines

    def block(
        self,
        x: float,
        top: float,
        lines: Sequence[str],
        size: float = BODY,
        ink: Ink = BLACK,
        *,
        weight: float = 0.0,
    ) -> float:
        """Lines below each other at a fixed place; returns their height."""
        for i, line in enumerate(lines):
            self.text(x, top + i * size * LEADING, line, size, ink, weight=weight)
        return len(lines) * size * LEADING

    def paragraph(
        self,
        text: str,
        size: float = BODY,
        ink: Ink = BLACK,
        *,
        x: float = LEFT,
        right: float = RIGHT,
    ) -> None:
        """Text at the cursor, over as many pages as it takes, with no line of it left alone on
        either side of a page break."""
        lines = self.lines(text, right - x, size)
        leading = size * LEADING
        for i, line in enumerate(lines):
            together = 2 if len(lines) > 1 and (i == 0 or i == len(lines) - 2) else 1
            self.room(together * leading)
            self.text(x, self.y, line, size, ink)
            self.y += leading

    def heading(self, text: str, keep: float = 30.0) -> None:
        """A section's heading, never without the first `keep` points of what it heads."""
        if self.y > self._start:
            self.y += self._gap
        self.room(21 + keep)
        self.text(LEFT, self.y, text, 11, ACCENT, weight=BOLD)
        self.put(Line(LEFT, self.y + 16.5, RIGHT, self.y + 16.5, 0.6, RULE))
        self.y += 22

    @property
    def _start(self) -> float:
        """Where content begins on the current page."""
        return TOP if len(self.pages) == 1 else TOP + 24
