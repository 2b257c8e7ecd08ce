"""The pad: ink follows the pen without the rest of the screen being drawn again.

Two layers lie on each other. The upper one draws the stroke under the pen and is the only thing
that changes while it moves, at most once per frame; the lower one holds the finished strokes as
smooth curves and changes when the pen is lifted. Shapes that stay are handed over as the same
objects, which Flet passes over when it looks for changes: without that, each point of a long stroke
cost as much as all the points before it (300 points on a busy desktop: 14 ms each, 1 ms now).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import flet as ft
import flet.canvas as cv

from mobile.reports.strokes import curve
from mobile.ui.components import words
from mobile.ui.hooks import keyed, use_effect, use_held
from mobile.ui.screens.sign_off.ink import Ink, Point, Stroke
from mobile.ui.state import watch
from mobile.ui.texts import t

FRAME_SECONDS = 1 / 60
_PART = 24  # points of the stroke under the pen that are drawn as one shape
_PEN = 2.6  # dp
_TOLERANCE = 0.4  # dp: less than the pen is wide
_BASE = 0.24  # of the pad's height, from below: where one writes


@ft.observable
@dataclass
class Drawn:
    """Rendered anew when a stroke ended, the pad changed its size, or its ink was taken back."""

    version: int = 0


@ft.observable
@dataclass
class Moving:
    """Rendered anew while the pen moves."""

    version: int = 0


@dataclass(eq=False)
class PadState:
    """The ink of one pad and what its two layers watch. Lives as long as its screen."""

    ink: Ink
    drawn: Drawn
    moving: Moving
    _waiting: bool = False
    _parts: list[cv.Shape] = field(default_factory=list)  # of the stroke under the pen
    _curves: list[tuple[Stroke, list[cv.Shape]]] = field(default_factory=list)

    def stroke_began(self, event: ft.DragStartEvent[ft.GestureDetector]) -> None:
        self._parts.clear()
        self.ink.begin(event.local_position.x, event.local_position.y)
        self._soon()

    def pen_moved(self, event: ft.DragUpdateEvent[ft.GestureDetector]) -> None:
        self.ink.move(event.local_position.x, event.local_position.y)
        self._soon()

    def pen_lifted(self, _event: object) -> None:
        self.ink.end()
        self.redraw()

    def resized(self, event: cv.CanvasResizeEvent) -> None:
        self.ink.resized(event.width, event.height)
        self._parts.clear()
        self._curves.clear()
        self.drawn.version += 1

    def redraw(self) -> None:
        """Both layers, as the ink is now."""
        self.drawn.version += 1
        self.moving.version += 1

    def line(self) -> list[cv.Shape]:
        """The stroke under the pen, in parts: all but the last are the same objects as before."""
        points = self.ink.current
        while len(points) - len(self._parts) * _PART > _PART:
            start = len(self._parts) * _PART
            self._parts.append(_polygon(self.ink.outward(points[start : start + _PART + 1])))
        rest = self.ink.outward(points[len(self._parts) * _PART :])
        if len(rest) == 1:  # a line needs two ends; a pen that only touched is seen all the same
            rest.append((rest[0][0] + 0.1, rest[0][1]))
        return [*self._parts, _polygon(rest)] if rest else []

    def curves(self) -> list[cv.Shape]:
        """The finished strokes; those that were there before are the same objects."""
        for place, stroke in enumerate(self.ink.strokes):
            known = self._curves[place][0] if place < len(self._curves) else None
            if known is not stroke:
                self._curves[place:] = [(stroke, _shapes(self.ink.outward(stroke)))]
        del self._curves[len(self.ink.strokes) :]
        return [shape for _, shapes in self._curves for shape in shapes]

    def _soon(self) -> None:
        """Once per frame is as often as anyone sees; a fast pen reports several points in one."""
        if not self._waiting:
            self._waiting = True
            asyncio.get_running_loop().call_later(FRAME_SECONDS, self._show)

    def _show(self) -> None:
        self._waiting = False
        self.moving.version += 1


def pad_state(ink: Ink) -> PadState:
    """The state of a pad with this ink on it."""
    return PadState(ink, Drawn(), Moving())


@ft.component
def Pad(state: PadState) -> ft.Control:
    """Fills its place. Only pan gestures are listened to: alone, they begin at the first touch, so
    that dots count and no stroke loses its beginning.
    """
    kept = use_held(state)
    use_effect(lambda: None, [], lambda: kept.current.pen_lifted(None))
    return ft.Semantics(
        label=t("sign.pad"),
        image=True,
        container=True,
        exclude_semantics=True,
        content=ft.Container(
            ft.GestureDetector(
                key="pad",
                content=ft.Stack(
                    [
                        keyed("drawn", DrawnLayer, state),
                        keyed("moving", MovingLayer, state),
                    ],
                    fit=ft.StackFit.EXPAND,
                    expand=True,
                ),
                mouse_cursor=ft.MouseCursor.PRECISE,
                on_pan_start=state.stroke_began,
                on_pan_update=state.pen_moved,
                on_pan_end=state.pen_lifted,
                expand=True,
            ),
            border=ft.Border.all(1, ft.Colors.OUTLINE),
            border_radius=12,
            bgcolor=ft.Colors.SURFACE_CONTAINER_LOWEST,
            clip_behavior=ft.ClipBehavior.HARD_EDGE,
            expand=True,
        ),
        expand=True,
    )


@ft.component
def DrawnLayer(state: PadState) -> ft.Control:
    """The finished strokes, and while there are none, a line to write on."""
    watch(state.drawn)
    ink = state.ink
    shapes: list[cv.Shape] = [_base(ink)] if ink.width else []
    if ink.width:
        shapes += state.curves()
    hint = words.faint(t("sign.pad.hint"), visible=not ink.strokes)
    return cv.Canvas(
        shapes=shapes,
        content=ft.Container(hint, alignment=ft.Alignment.CENTER, expand=True),
        resize_interval=0,
        on_resize=state.resized,
        expand=True,
    )


@ft.component
def MovingLayer(state: PadState) -> ft.Control:
    """The stroke under the pen, point to point."""
    watch(state.moving)
    return cv.Canvas(shapes=state.line(), expand=True)


def _polygon(points: list[Point]) -> cv.Shape:
    return cv.Points(points=list(points), point_mode=cv.PointMode.POLYGON, paint=_pen())


def _pen() -> ft.Paint:
    return ft.Paint(
        color=ft.Colors.ON_SURFACE,
        stroke_width=_PEN,
        stroke_cap=ft.StrokeCap.ROUND,
        stroke_join=ft.StrokeJoin.ROUND,
        style=ft.PaintingStyle.STROKE,
    )


def _base(ink: Ink) -> cv.Shape:
    y = ink.height * (1 - _BASE)
    paint = ft.Paint(color=ft.Colors.OUTLINE_VARIANT, stroke_width=1)
    return cv.Line(24, y, ink.width - 24, y, paint=paint)


def _shapes(points: list[Point]) -> list[cv.Shape]:
    """One stroke as a smooth curve; a dot as a round spot."""
    if len(points) == 1:
        spot = ft.Paint(color=ft.Colors.ON_SURFACE, style=ft.PaintingStyle.FILL)
        return [cv.Circle(points[0][0], points[0][1], _PEN / 2 + 0.3, paint=spot)]
    pieces = curve(points, _TOLERANCE)
    elements: list[cv.Path.PathElement] = [cv.Path.MoveTo(*pieces[0].start)]
    elements += [cv.Path.CubicTo(*p.control1, *p.control2, *p.end) for p in pieces]
    return [cv.Path(elements, paint=_pen())]


def strokes_shapes(strokes: list[list[Point]]) -> list[cv.Shape]:
    """A finished signature, for the sealed view: the same curves as on the pad and on paper."""
    return [shape for stroke in strokes for shape in _shapes(stroke)]
