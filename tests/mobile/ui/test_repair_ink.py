"""Ink on a pad: strokes keep their shape whatever becomes of the pad."""

from __future__ import annotations

import pytest
from flet.canvas import CanvasResizeEvent

from mobile.ui.screens.sign_off.ink import Ink, recalled
from mobile.ui.screens.sign_off.pad import pad_state


def pad(width: float = 400, height: float = 200) -> Ink:
    ink = Ink()
    ink.resized(width, height)
    return ink


def draw(ink: Ink, *points: tuple[float, float]) -> None:
    ink.begin(*points[0])
    for point in points[1:]:
        ink.move(*point)
    ink.end()


def test_points_are_parts_of_the_pads_width_both_ways() -> None:
    ink = pad()
    draw(ink, (40, 20), (200, 100), (400, 20))
    assert ink.aspect == 2
    assert ink.strokes == [[(0.1, 0.05), (0.5, 0.25), (1.0, 0.05)]]
    assert ink.outward(ink.strokes[0]) == [(40, 20), (200, 100), (400, 20)]


def test_a_turned_phone_shows_the_strokes_undistorted_and_goes_on_in_the_same_measure() -> None:
    ink = pad(400, 200)
    draw(ink, (0, 0), (400, 200))
    ink.resized(800, 200)  # as high as before: the frame stands in the middle
    assert ink.outward(ink.strokes[0]) == [(200, 0), (600, 200)]
    draw(ink, (200, 200), (600, 0))
    assert ink.strokes[1] == [(0.0, 0.5), (1.0, 0.0)] and ink.aspect == 2


def test_the_layers_draw_anew_what_a_turned_phone_moved_and_keep_the_rest() -> None:
    state = pad_state(pad(400, 200))
    draw(state.ink, (0, 0), (400, 200))
    (first,) = state.curves()
    draw(state.ink, (0, 200), (400, 0))
    again, second = state.curves()
    assert again is first  # Flet passes over what is the same object
    state.ink.undo()
    draw(state.ink, (0, 100), (400, 100))
    assert state.curves()[0] is first and state.curves()[1] is not second
    state.ink.begin(0, 0)
    for x in range(60):
        state.ink.move(x, 0)
    parts = state.line()
    state.ink.move(61, 0)
    assert [new is old for new, old in zip(state.line(), parts, strict=True)] == [True, True, False]
    state.resized(CanvasResizeEvent(control=None, name="resize", width=800, height=200))
    assert state.curves()[0] is not first and state.line()[0] is not parts[0]


def test_a_pen_that_leaves_the_pad_stays_at_its_edge() -> None:
    ink = pad()
    draw(ink, (40, 20), (500, 300))
    assert ink.strokes == [[(0.1, 0.05), (1.0, 0.5)]]


def test_a_dot_is_ink_but_no_signature() -> None:
    ink = pad()
    draw(ink, (40, 20))
    assert ink.strokes == [[(0.1, 0.05)]] and not ink.signed
    draw(ink, (40, 20), (80, 40))
    assert ink.signed


def test_nothing_is_drawn_before_the_pad_knows_its_size() -> None:
    ink = Ink()
    draw(ink, (40, 20), (80, 40))
    assert ink.strokes == []


def test_undo_takes_one_stroke_and_clear_all_and_an_empty_pad_measures_anew() -> None:
    told = []
    ink = pad()
    ink.on_stroke = lambda: told.append(len(ink.strokes))
    draw(ink, (40, 20), (80, 40))
    draw(ink, (80, 20), (120, 40))
    ink.undo()
    assert len(ink.strokes) == 1 and ink.aspect == 2
    ink.clear()
    ink.undo()
    ink.resized(300, 300)
    draw(ink, (0, 0), (300, 300))
    assert ink.aspect == 1 and told == [1, 2, 1, 0, 1]


def test_a_slow_hand_leaves_no_more_points_than_its_line_needs() -> None:
    ink = pad()
    draw(ink, *((x, 50) for x in range(20, 380)))
    assert len(ink.strokes[0]) == 2


@pytest.mark.parametrize("draft", [None, {}, {"strokes": [], "aspect": 2, "name": "王"}])
def test_an_empty_draft_is_an_empty_pad(draft: dict[str, object] | None) -> None:
    assert recalled(draft) is not None and recalled(draft).drafted() == {}


def test_a_draft_brings_the_strokes_back_as_they_were() -> None:
    ink = pad()
    draw(ink, (40, 20), (200, 100))
    again = recalled(ink.drafted())
    assert again.strokes == ink.strokes and again.aspect == ink.aspect
