"""One of a few, as chips that wrap: segments of one line cut their words at 200 %."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import flet as ft

from mobile.ui.components import words
from mobile.ui.theme import GAP


def pick_one(
    key: str,
    options: Sequence[tuple[str, str]],
    chosen: str,
    pick: Callable[[str], None],
    *,
    title: str = "",
) -> ft.Control:
    """`options` are pairs of value and text; each chip's key is ``<key>-<value>``."""
    row = ft.Row([_chip(key, *option, chosen, pick) for option in options], wrap=True, spacing=GAP)
    if not title:
        return row
    return ft.Column([words.faint(title), row], spacing=4, tight=True)


def _chip(key: str, value: str, text: str, chosen: str, pick: Callable[[str], None]) -> ft.Control:
    return ft.Chip(
        key=f"{key}-{value}",
        label=words.body(text),
        selected=value == chosen,
        on_select=lambda _event: pick(value),
    )
