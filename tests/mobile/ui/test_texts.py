"""Texts agree with their counts."""

from __future__ import annotations

import pytest

from mobile.ui.texts import worded


@pytest.mark.parametrize(("count", "said"), [(0, "0 photos"), (1, "1 photo"), (21, "21 photos")])
def test_a_noun_agrees_with_its_count(count: int, said: str) -> None:
    assert worded("{count} {count:photo|photos}", {"count": count}) == said


def test_other_formats_of_a_number_stay_what_they_are() -> None:
    assert worded("{share:03d}, {name}", {"share": 7, "name": "{x}"}) == "007, {x}"
