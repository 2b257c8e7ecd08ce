"""Pen strokes between pad, screen and paper."""

from __future__ import annotations

from math import cos, dist, hypot, inf, nan, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile.reports.strokes import XY, Cubic, curve, fit, simplify, smooth

COORDINATE = st.floats(-100, 100, allow_nan=False)
POINT = st.tuples(COORDINATE, COORDINATE)
POINTS = st.lists(POINT, min_size=1, max_size=40)


SEARCH_STEP = hypot(200, 200) / 400


def to_segment(point: XY, first: XY, last: XY) -> float:
    """By search, independent of the formula under test."""
    shares = [i / 400 for i in range(401)]
    return min(
        dist(point, (first[0] + s * (last[0] - first[0]), first[1] + s * (last[1] - first[1])))
        for s in shares
    )


def at(piece: Cubic, t: float) -> XY:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    parts = (piece.start, piece.control1, piece.control2, piece.end)
    x = sum(w * p[0] for w, p in zip(weights, parts, strict=True))
    return x, sum(w * p[1] for w, p in zip(weights, parts, strict=True))


def test_points_on_a_straight_line_are_reduced_to_its_ends() -> None:
    assert simplify([(i / 7, i / 7) for i in range(50)], 0.001) == ((0, 0), (7, 7))


def test_a_corner_is_kept() -> None:
    assert simplify([(0, 0), (5, 0.01), (10, 0), (10, 5), (10, 10)], 0.1) == (
        (0, 0),
        (10, 0),
        (10, 10),
    )


def test_a_stroke_that_returns_to_its_start_keeps_its_far_end() -> None:
    assert simplify([(0, 0), (9, 0), (0, 0)], 0.5) == ((0, 0), (9, 0), (0, 0))


@given(st.lists(POINT, min_size=1, max_size=40, unique=True), st.floats(0.5, 5))
def test_no_dropped_point_lies_further_off_than_the_tolerance(
    points: list[XY], tolerance: float
) -> None:
    kept = simplify(points, tolerance)
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    position = 0
    for first, last in zip(kept, kept[1:], strict=False):
        following = points.index(last)
        for point in points[position:following]:
            assert to_segment(point, first, last) <= tolerance + SEARCH_STEP
        position = following


def test_thousands_of_samples_do_not_exhaust_the_stack() -> None:
    scribble = [(cos(i * 0.7) * i, sin(i * 0.9) * i) for i in range(5000)]
    assert len(simplify(scribble, 0.0)) == 5000


@given(POINTS)
def test_the_curve_goes_through_every_point_in_order(points: list[XY]) -> None:
    line = [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]
    pieces = smooth(points)
    if len(line) == 1:
        assert pieces == (Cubic(line[0], line[0], line[0], line[0]),)
    else:
        assert [piece.start for piece in pieces] + [pieces[-1].end] == line


def test_the_curve_has_no_corner_at_a_point() -> None:
    pieces = smooth([(0, 0), (3, 4), (10, 3), (11, 9), (30, 10)])
    for one, other in zip(pieces, pieces[1:], strict=False):
        arriving = (one.end[0] - one.control2[0], one.end[1] - one.control2[1])
        leaving = (other.control1[0] - other.start[0], other.control1[1] - other.start[1])
        cross = arriving[0] * leaving[1] - arriving[1] * leaving[0]
        assert cross == pytest.approx(0, abs=1e-9)
        assert arriving[0] * leaving[0] + arriving[1] * leaving[1] > 0


def test_a_sampled_circle_becomes_round_again() -> None:
    circle = [(cos(i * 0.5), sin(i * 0.5)) for i in range(14)]
    inner = smooth(circle)[1:-1]
    away = [abs(hypot(*at(piece, t)) - 1) for piece in inner for t in (0.25, 0.5, 0.75)]
    chord_sag = 1 - cos(0.25)
    assert max(away) < chord_sag / 4


def test_a_dot_stays_a_dot() -> None:
    assert curve([(2, 3), (2, 3)], 0.1) == (Cubic((2, 3), (2, 3), (2, 3), (2, 3)),)
    assert curve([], 0.1) == ()


def test_a_signature_keeps_its_shape_in_a_box_of_another_shape() -> None:
    square = (((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)),)
    assert fit(square, (10, 20, 300, 100), 1.0) == (((110, 20), (210, 20), (210, 120)),)
    assert fit(square, (0, 0, 100, 300), 2.0) == (((0, 125), (100, 125), (100, 175)),)


def test_points_off_the_pad_come_to_its_edge_and_what_is_no_number_goes() -> None:
    wild = (((-5.0, 0.5), (nan, 0.1), (0.5, inf), (9.0, 2.0, 77.0)), ((nan, nan),), ())
    assert fit(wild, (0, 0, 10, 10), 1.0) == (((0, 5), (10, 10)),)


@pytest.mark.parametrize("aspect", [0.0, -1.0, nan, inf])
def test_a_senseless_aspect_counts_as_that_of_the_box(aspect: float) -> None:
    assert fit((((0.0, 0.0), (1.0, 1.0)),), (0, 0, 30, 10), aspect) == (((0, 0), (30, 10)),)
