"""What a pen does on a pad, without a screen: strokes in a frame of their own that outlives the
pad's size.

The frame is the pad as it was when the first stroke began. Points are parts of the frame's width,
both ways. When the phone is turned, or a keyboard takes half of the pad, the frame is fitted into
what the pad is now: what was drawn keeps its shape, and new strokes join it in the same measure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mobile.reports.strokes import simplify

Point = tuple[float, float]
Stroke = list[Point]

_TOLERANCE = 0.0005  # of the frame's width: finer than the thousandths that are sealed


@dataclass(eq=False)
class Ink:
    """The strokes of one signature. `on_stroke` is called after each stroke, undo and clear."""

    strokes: list[Stroke] = field(default_factory=list)
    aspect: float | None = None  # of the frame: width over height; None while nothing is drawn
    current: Stroke = field(default_factory=list)
    width: float = 0.0  # of the pad, in its own units
    height: float = 0.0
    on_stroke: Callable[[], None] = lambda: None

    @property
    def signed(self) -> bool:
        """Whether something was drawn that could be a signature: more than dots."""
        return any(len(stroke) > 1 for stroke in self.strokes)

    def resized(self, width: float, height: float) -> None:
        """The pad has this size now."""
        self.width, self.height = width, height

    def begin(self, x: float, y: float) -> None:
        """The pen touches the pad. Nothing happens before the pad knows its size."""
        if self.width <= 0 or self.height <= 0:
            return
        if self.aspect is None:
            self.aspect = self.width / self.height
        self.current = [self._inward(x, y)]

    def move(self, x: float, y: float) -> None:
        """The pen moves on the pad."""
        if self.current:
            self.current.append(self._inward(x, y))

    def end(self) -> None:
        """The pen leaves the pad: the stroke counts, with no more points than its shape needs."""
        if self.current:
            self.strokes.append(list(simplify(self.current, _TOLERANCE)))
            self.current = []
            self.on_stroke()

    def undo(self) -> None:
        """Takes the last stroke back."""
        if self.strokes:
            self.strokes.pop()
            self._emptied()

    def clear(self) -> None:
        """An empty pad."""
        self.strokes.clear()
        self._emptied()

    def _emptied(self) -> None:
        if not self.strokes:
            self.aspect = None
        self.on_stroke()

    def outward(self, points: list[Point]) -> list[Point]:
        """Points of the frame in the pad's present units."""
        left, top, scale = self._fit()
        return [(left + x * scale, top + y * scale) for x, y in points]

    def _inward(self, x: float, y: float) -> Point:
        left, top, scale = self._fit()
        tallest = 1 / (self.aspect or 1.0)
        return (
            min(max((x - left) / scale, 0.0), 1.0),
            min(max((y - top) / scale, 0.0), tallest),
        )

    def _fit(self) -> tuple[float, float, float]:
        """(left, top, scale): the frame as large as possible in the middle of the pad."""
        aspect = self.aspect or (self.width / self.height if self.height else 1.0)
        scale = min(self.width, self.height * aspect)
        return (self.width - scale) / 2, (self.height - scale / aspect) / 2, scale or 1.0

    def drafted(self) -> dict[str, Any]:
        """What a draft keeps."""
        rounded = [[[round(x, 4), round(y, 4)] for x, y in stroke] for stroke in self.strokes]
        return {"strokes": rounded, "aspect": self.aspect} if rounded else {}


def recalled(draft: Mapping[str, Any] | None) -> Ink:
    """The strokes of a draft, or an empty pad."""
    strokes = [[(x, y) for x, y in stroke] for stroke in (draft or {}).get("strokes", ())]
    return Ink(strokes=strokes, aspect=(draft or {}).get("aspect") if strokes else None)
