"""Pen strokes, from sampled points to few points to smooth curves: one shape on screen and paper.

Coordinates are in whatever unit the caller uses; only distances matter. Every function is pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import dist, hypot, isfinite, sqrt

XY = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Cubic:
    """One Bézier piece: from `start` to `end`, pulled towards the two controls."""

    start: XY
    control1: XY
    control2: XY
    end: XY


def fit(
    strokes: Iterable[Sequence[Sequence[float]]],
    box: tuple[float, float, float, float],
    aspect: float,
) -> tuple[tuple[XY, ...], ...]:
    """Strokes of a unit pad (0..1 both ways, width/height = `aspect`), put undistorted and as large
    as possible into the middle of `box` (x, y, width, height).

    Points outside the pad are moved to its edge, points that are no numbers and empty strokes are
    left out; a senseless aspect counts as the box's own.
    """
    x, y, width, height = box
    if not (isfinite(aspect) and aspect > 0):
        aspect = width / height
    scale_x, scale_y = (
        (width, width / aspect) if width / aspect <= height else (height * aspect, height)
    )
    left, top = x + (width - scale_x) / 2, y + (height - scale_y) / 2
    fitted = (
        tuple(
            (left + _inside(point[0]) * scale_x, top + _inside(point[1]) * scale_y)
            for point in stroke
            if len(point) >= 2 and isfinite(point[0]) and isfinite(point[1])
        )
        for stroke in strokes
    )
    return tuple(stroke for stroke in fitted if stroke)


def simplify(points: Sequence[XY], tolerance: float) -> tuple[XY, ...]:
    """Fewer points along the same line (Douglas and Peucker 1973).

    Keeps the first and the last point; no dropped point lies further than `tolerance` from the line
    that is left. Without recursion, since a minute of scribbling has thousands of samples.
    """
    if len(points) < 3:
        return tuple(points)
    keep = {0, len(points) - 1}
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        away, furthest = max(
            (_distance(points[i], points[first], points[last]), i) for i in range(first + 1, last)
        )
        if away > tolerance:
            keep.add(furthest)
            spans += [(first, furthest), (furthest, last)]
    return tuple(points[i] for i in sorted(keep))


def smooth(points: Sequence[XY]) -> tuple[Cubic, ...]:
    """A curve through every point without corners: a centripetal Catmull-Rom spline as Béziers.

    Centripetal (knots at the square root of the chords) because it alone makes no loops or cusps
    where samples lie unevenly (Yuksel et al. 2011). Repeated points count once. A dot gives one
    piece of no length, which a round pen draws as a dot; no points give no pieces.
    """
    line = [point for i, point in enumerate(points) if i == 0 or point != points[i - 1]]
    if len(line) == 1:
        return (Cubic(line[0], line[0], line[0], line[0]),)
    pieces = []
    for i in range(len(line) - 1):
        start, end = line[i], line[i + 1]
        before = line[i - 1] if i else start
        after = line[i + 2] if i + 2 < len(line) else end
        pieces.append(Cubic(start, _control(before, start, end), _control(after, end, start), end))
    return tuple(pieces)


def curve(points: Sequence[XY], tolerance: float) -> tuple[Cubic, ...]:
    """Simplified, then smoothed: what screen and paper draw for one stroke."""
    return smooth(simplify(points, tolerance))


def _control(behind: XY, at: XY, ahead: XY) -> XY:
    """The control point next to `at` for the piece that leaves towards `ahead`."""
    near, far = sqrt(dist(behind, at)), sqrt(dist(at, ahead))
    if near == 0:
        return at[0] + (ahead[0] - at[0]) / 3, at[1] + (ahead[1] - at[1]) / 3

    def along(axis: int) -> float:
        tangent = (
            (at[axis] - behind[axis]) / near
            - (ahead[axis] - behind[axis]) / (near + far)
            + (ahead[axis] - at[axis]) / far
        )
        return at[axis] + tangent * far / 3

    return along(0), along(1)


def _distance(point: XY, first: XY, last: XY) -> float:
    """From a point to a segment (not to its endless line, so that a hook keeps its tip)."""
    dx, dy = last[0] - first[0], last[1] - first[1]
    length = dx * dx + dy * dy
    if length == 0:
        return dist(point, first)
    share = ((point[0] - first[0]) * dx + (point[1] - first[1]) * dy) / length
    share = min(max(share, 0.0), 1.0)
    return hypot(point[0] - first[0] - share * dx, point[1] - first[1] - share * dy)


def _inside(value: float) -> float:
    return min(max(float(value), 0.0), 1.0)
