"""Chips to choose by: as high as a thumb needs, which Flet's own are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import flet as ft

from mobile.ui.components import words
from mobile.ui.texts import t
from mobile.ui.theme import GAP

TALL = ft.Padding.symmetric(horizontal=12, vertical=14)  # a line of text in a target's 48 dp


def chip(
    key: str, text: str, selected: bool, on_select: Callable[[], Any], about: str = ""
) -> ft.Control:
    """One choice; `on_select` is called for a tap either way. `about` is what a screen reader says
    before it, where the same words stand at several questions.
    """
    made = ft.Chip(
        key=key,
        label=words.body(text),
        selected=selected,
        padding=TALL,
        on_select=lambda _event: on_select(),
    )
    if not about:
        return made
    return ft.Semantics(
        label=t("report.said", about=about, text=text),
        button=True,
        selected=selected,
        container=True,
        exclude_semantics=True,
        on_tap=lambda _event: on_select(),
        content=made,
    )


def chips(
    key: str,
    options: Sequence[tuple[str, str]],
    chosen: str | None,
    choose: Callable[[str | None], Any],
    about: str = "",
) -> ft.Control:
    """One of `options` (word, text), or none: a second tap takes the choice back. A chip's key is
    ``<key>-<word>``.
    """

    def pick(word: str) -> Callable[[], Any]:
        return lambda: choose(None if word == chosen else word)

    made = [
        chip(f"{key}-{word}", text, word == chosen, pick(word), about) for word, text in options
    ]
    return ft.Row(made, wrap=True, spacing=GAP, run_spacing=GAP)


def pick_one(
    key: str,
    options: Sequence[tuple[str, str]],
    chosen: str,
    pick: Callable[[str], Any],
    *,
    title: str = "",
) -> ft.Control:
    """One of `options` (word, text), always one; for settings."""
    row = chips(key, options, chosen, lambda word: pick(word or chosen))
    if not title:
        return row
    return ft.Column([words.faint(title), row], spacing=4, tight=True)
