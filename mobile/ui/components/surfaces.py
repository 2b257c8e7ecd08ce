"""Where things stand: cards, sections, rows, and what is shown while there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flet as ft

from mobile.ui.components import words
from mobile.ui.theme import GAP, PAD, TARGET


def card(
    controls: Sequence[ft.Control],
    *,
    key: str | None = None,
    accent: str | None = None,
    padding: int = PAD,
    spacing: int = GAP,
) -> ft.Control:
    """A sheet with a thin outline. `accent` paints the outline: something that must not be
    overlooked.
    """
    return ft.Container(
        ft.Column(
            list(controls),
            spacing=spacing,
            tight=True,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        key=key,
        padding=padding,
        border_radius=12,
        bgcolor=ft.Colors.SURFACE_CONTAINER_LOW,
        clip_behavior=ft.ClipBehavior.ANTI_ALIAS,
        border=ft.Border.all(1.5 if accent else 1, accent or ft.Colors.OUTLINE_VARIANT),
    )


def tappable(content: ft.Control, key: str, says: str, on_click: Any, **more: Any) -> ft.Control:
    """Makes a whole area one button. `says` is what a screen reader says, and how tests find it."""
    return ft.Semantics(
        label=says,
        button=True,
        container=True,
        exclude_semantics=True,  # `says` says it all; word for word it would be read twice
        on_tap=on_click,
        content=ft.Container(
            content, key=key, ink=True, on_click=on_click, border_radius=12, **more
        ),
    )


def columns(left: Sequence[ft.Control], right: Sequence[ft.Control]) -> ft.Control:
    """Two columns side by side, for wide windows (`screen(full_width=True)`)."""
    sides: list[ft.Control] = [
        ft.Container(
            ft.Column(
                list(side),
                spacing=PAD,
                tight=True,
                horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
            ),
            expand=True,
        )
        for side in (left, right)
    ]
    return ft.Row(sides, spacing=PAD * 2, vertical_alignment=ft.CrossAxisAlignment.START)


def section(
    title: str, controls: Sequence[ft.Control], trailing: ft.Control | None = None
) -> ft.Control:
    """A heading and what belongs to it."""
    head: list[ft.Control] = [
        ft.Semantics(heading_level=2, content=words.title(title), expand=True)
    ]
    if trailing is not None:
        head.append(trailing)
    return ft.Column([ft.Row(head), *controls], spacing=GAP, tight=True)


def pair(
    label: str, value: str, *, trailing: ft.Control | None = None, selectable: bool = True
) -> ft.Control:
    """A fact with its name above it. One value at a time can be selected and copied, never a
    screen (S3 #150)."""
    lines = ft.Column(
        [words.faint(label), words.body(value, selectable=selectable)],
        spacing=0,
        tight=True,
        expand=True,
    )
    return ft.Row([lines, trailing]) if trailing is not None else lines


def line(
    key: str,
    title: str,
    on_click: Any = None,
    *,
    icon: ft.IconData | None = None,
    text: str = "",
    trailing: ft.Control | None = None,
) -> ft.Control:
    """One row of a list that opens something."""
    if trailing is None and on_click is not None:
        trailing = ft.Icon(ft.Icons.CHEVRON_RIGHT, color=ft.Colors.ON_SURFACE_VARIANT)
    return ft.ListTile(
        key=key,
        title=words.body(title),
        subtitle=words.faint(text) if text else None,
        leading=ft.Icon(icon) if icon else None,
        trailing=trailing,
        min_height=TARGET + GAP,
        on_click=on_click,
        content_padding=ft.Padding.symmetric(horizontal=GAP),
    )


def empty(icon: ft.IconData, title: str, text: str, action: ft.Control | None = None) -> ft.Control:
    """What this place is for, what still works, and the next step."""
    lines: list[ft.Control] = [
        ft.Icon(icon, size=48, color=ft.Colors.OUTLINE),
        words.title(title, text_align=ft.TextAlign.CENTER),
        words.body(text, text_align=ft.TextAlign.CENTER, color=ft.Colors.ON_SURFACE_VARIANT),
    ]
    if action is not None:
        lines.append(action)
    return ft.Container(
        ft.Column(lines, horizontal_alignment=ft.CrossAxisAlignment.CENTER, spacing=12, tight=True),
        padding=ft.Padding.symmetric(horizontal=24, vertical=40),
        alignment=ft.Alignment.CENTER,
    )


def skeleton(rows: int = 4) -> ft.Control:
    """Grey shapes where cards will be: only where an answer is really awaited."""

    def bar(width: float) -> ft.Control:
        return ft.Container(
            width=width, height=14, border_radius=7, bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST
        )

    return ft.Semantics(
        exclude_semantics=True,
        content=ft.Column([card([bar(180), bar(260), bar(120)]) for _ in range(rows)], spacing=GAP),
    )
