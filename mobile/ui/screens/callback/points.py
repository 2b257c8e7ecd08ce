"""Points out of a hundred (S0 #12) with one tap."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui.components import words
from mobile.ui.theme import GAP

STEPS = (20, 40, 60, 80, 100)


def points_row(key: str, chosen: int | None, choose: Callable[[int | None], None]) -> ft.Control:
    """Five large targets side by side; a second tap takes the points back."""

    def target(points: int) -> ft.Control:
        here = points == chosen
        ink = ft.Colors.ON_PRIMARY if here else ft.Colors.ON_SURFACE
        return ft.Semantics(
            label=str(points),
            button=True,
            selected=here,
            container=True,
            exclude_semantics=True,
            on_tap=lambda _: choose(None if here else points),
            expand=True,
            content=ft.Container(
                words.title(str(points), color=ink, text_align=ft.TextAlign.CENTER),
                key=f"{key}-{points}",
                alignment=ft.Alignment.CENTER,
                padding=ft.Padding.symmetric(vertical=14),
                border_radius=12,
                ink=True,
                bgcolor=ft.Colors.PRIMARY if here else ft.Colors.SURFACE_CONTAINER_HIGH,
                on_click=lambda _: choose(None if here else points),
            ),
        )

    return ft.Row([target(points) for points in STEPS], spacing=GAP)
