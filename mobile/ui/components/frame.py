"""The frame around every screen: app bar with the sync chip, the offline strip, navigation, and the
width of reading.

On a phone the four places stand at the bottom; from 840 dp on they are a rail on the left, with
room for two panes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import flet as ft

from mobile.ui.components import buttons, words
from mobile.ui.components.sync_chip import OfflineStrip, SyncChip
from mobile.ui.state import Shell
from mobile.ui.texts import t
from mobile.ui.theme import BROAD_WIDTH, GAP, PAD, READING_WIDTH
from shared.declare import Role


class Place(NamedTuple):
    """One place of the navigation. Its label is the text `nav.<name>`."""

    name: str
    route: str
    icon: ft.IconData
    chosen: ft.IconData


TODAY = Place("today", "/", ft.Icons.TODAY_OUTLINED, ft.Icons.TODAY)
CUSTOMERS = Place("customers", "/customers", ft.Icons.PEOPLE_OUTLINE, ft.Icons.PEOPLE)
WORK = Place("work", "/cases", ft.Icons.HANDYMAN_OUTLINED, ft.Icons.HANDYMAN)
CALLBACKS = Place(
    "callbacks", "/callbacks", ft.Icons.PHONE_CALLBACK_OUTLINED, ft.Icons.PHONE_CALLBACK
)
DECISIONS = Place("decisions", "/decisions", ft.Icons.RULE_OUTLINED, ft.Icons.RULE)
FIGURES = Place("figures", "/figures", ft.Icons.INSERT_CHART_OUTLINED, ft.Icons.INSERT_CHART)
SURVEYS = Place("surveys", "/surveys", ft.Icons.BALLOT_OUTLINED, ft.Icons.BALLOT)
SYNC = Place("sync", "/sync", ft.Icons.SYNC, ft.Icons.SYNC)
SETTINGS = Place("settings", "/settings", ft.Icons.SETTINGS_OUTLINED, ft.Icons.SETTINGS)
MORE = Place("more", "/more", ft.Icons.MORE_HORIZ, ft.Icons.MORE_HORIZ)


def places(role: str, wide: bool) -> tuple[Place, ...]:
    """Where someone in this role may go, most used first."""
    mine = {
        Role.TECHNICIAN: (TODAY, WORK, CUSTOMERS),
        Role.CALLBACK_AGENT: (TODAY, CALLBACKS, CUSTOMERS),
        Role.STORE_MANAGER: (TODAY, CUSTOMERS, WORK, CALLBACKS),
        Role.ACCOUNT_MANAGER: (TODAY, CUSTOMERS, CALLBACKS),
    }.get(Role(role), (TODAY,))
    return (*mine, SURVEYS, DECISIONS, FIGURES, SYNC, SETTINGS) if wide else (*mine, MORE)


def screen(
    shell: Shell,
    body: ft.Control | Sequence[ft.Control],
    *,
    title: str,
    place: str = "",
    back: str | None = None,
    actions: Sequence[ft.Control] = (),
    bottom: Sequence[ft.Control] = (),
    scroll: bool = True,
    full_width: bool = False,
    broad: bool = False,
    on_scroll: Any = None,
    overlay: ft.Control | None = None,
) -> ft.View:
    """The view of one screen, to be returned by its component.

    `place` names the chosen place of the navigation ("today", …): such screens have the navigation
    and no way back. `back` is where the arrow leads when there is no trail. `bottom` stands below
    the scrolling body: the one primary action. `broad` doubles the reading width
    (`surfaces.columns`), `full_width` lifts it (two panes). `overlay` lies over the body and lets
    taps through (`privacy.watermark`). With `scroll=False` the body scrolls by itself (a ListView).
    """
    wide = shell.window.wide
    main = _body(shell, body, scroll, full_width, broad, on_scroll)
    if overlay is not None:
        main = ft.Stack([main, overlay], expand=True, fit=ft.StackFit.EXPAND)
    column: list[ft.Control] = [OfflineStrip(shell), main]
    if not shell.services.files.storage.durable:
        column.insert(0, _keeps_nothing())
    if bottom:
        column.append(_bottom(shell, bottom))
    stretch = ft.CrossAxisAlignment.STRETCH
    content: ft.Control = ft.Column(column, expand=True, spacing=0, horizontal_alignment=stretch)
    if place and wide:
        rail = _rail(shell, place)
        content = ft.Row([rail, ft.VerticalDivider(width=1), content], expand=True, spacing=0)
    return ft.View(
        route=ft.use_view_path() or "/",
        controls=[ft.SafeArea(content, expand=True)],
        padding=0,
        spacing=0,
        appbar=_app_bar(shell, title, back, actions),
        navigation_bar=_bar(shell, place) if place and not wide else None,
    )


def plain(controls: Sequence[ft.Control], *, title: str = "") -> ft.View:
    """A view before the vault is open: one narrow column in the middle, no navigation, no chip."""
    return ft.View(
        route="/",
        controls=[
            ft.SafeArea(
                ft.Column(
                    [
                        ft.Container(
                            ft.Column(
                                list(controls),
                                spacing=PAD,
                                horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
                            ),
                            width=440,
                            padding=ft.Padding.symmetric(horizontal=24, vertical=32),
                        )
                    ],
                    horizontal_alignment=ft.CrossAxisAlignment.CENTER,
                    scroll=ft.ScrollMode.AUTO,
                    expand=True,
                ),
                expand=True,
            )
        ],
        padding=0,
        appbar=ft.AppBar(title=ft.Text(title), automatically_imply_leading=False)
        if title
        else None,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
    )


def two_panes(left: ft.Control, right: ft.Control | None, *, left_width: int = 380) -> ft.Control:
    """List and detail side by side (wide windows only; ask `shell.window.wide`)."""
    return ft.Row(
        [
            ft.Container(left, width=left_width),
            ft.VerticalDivider(width=1),
            ft.Container(right, expand=True),
        ],
        expand=True,
        spacing=0,
        vertical_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _keeps_nothing() -> ft.Control:
    text = words.body(t("settings.storage.not_durable"), color=ft.Colors.ON_ERROR_CONTAINER)
    return ft.Container(text, key="keeps-nothing", bgcolor=ft.Colors.ERROR_CONTAINER, padding=12)


def _body(
    shell: Shell,
    body: ft.Control | Sequence[ft.Control],
    scroll: bool,
    full_width: bool,
    broad: bool,
    on_scroll: Any,
) -> ft.Control:
    inner = body
    if not isinstance(inner, ft.Control):
        inner = ft.Column(
            list(inner), spacing=PAD, horizontal_alignment=ft.CrossAxisAlignment.STRETCH, tight=True
        )
    if full_width:
        return ft.Container(inner, expand=True)
    # A container has no greatest width, so a wide window gives it a fixed one.
    width = (BROAD_WIDTH if broad else READING_WIDTH) if shell.window.wide else None
    middle = ft.CrossAxisAlignment.CENTER if width else ft.CrossAxisAlignment.STRETCH
    if scroll:
        held = ft.Container(inner, padding=PAD, width=width)
        return ft.Column(
            [held],
            scroll=ft.ScrollMode.AUTO,
            on_scroll=on_scroll,
            expand=True,
            horizontal_alignment=middle,
        )
    return ft.Column(
        [ft.Container(inner, width=width, expand=True)],
        expand=True,
        horizontal_alignment=middle,
        spacing=0,
    )


def _bottom(shell: Shell, controls: Sequence[ft.Control]) -> ft.Control:
    row = ft.Row([ft.Container(control, expand=True) for control in controls], spacing=GAP)
    return ft.Container(
        ft.Row(
            [
                ft.Container(
                    row,
                    width=READING_WIDTH - 2 * PAD if shell.window.wide else None,
                    expand=not shell.window.wide,
                )
            ],
            alignment=ft.MainAxisAlignment.CENTER,
        ),
        padding=ft.Padding.symmetric(horizontal=PAD, vertical=12),
        bgcolor=ft.Colors.SURFACE_CONTAINER,
    )


def _app_bar(
    shell: Shell, title: str, back: str | None, actions: Sequence[ft.Control]
) -> ft.AppBar:
    arrow = None
    if back is not None:
        arrow = buttons.icon(
            shell, "back", ft.Icons.ARROW_BACK, t("action.back"), lambda: shell.back(back)
        )
    return ft.AppBar(
        leading=arrow,
        automatically_imply_leading=False,
        title=ft.Text(title, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS),
        actions=[*actions, SyncChip(shell), ft.Container(width=GAP)],
        bgcolor=ft.Colors.SURFACE,
        elevation_on_scroll=0,
    )


def _rail(shell: Shell, chosen: str) -> ft.Control:
    there = places(shell.role, True)
    return ft.NavigationRail(
        key="nav",
        destinations=[
            ft.NavigationRailDestination(
                icon=p.icon, selected_icon=p.chosen, label=t(f"nav.{p.name}")
            )
            for p in there
        ],
        selected_index=_index(there, chosen),
        label_type=ft.NavigationRailLabelType.ALL,
        on_change=lambda event: shell.visit(there[int(event.data or 0)].route),
        group_alignment=-1,
        min_width=88,
    )


def _bar(shell: Shell, chosen: str) -> ft.NavigationBar:
    there = places(shell.role, False)
    return ft.NavigationBar(
        key="nav",
        destinations=[
            ft.NavigationBarDestination(
                icon=p.icon, selected_icon=p.chosen, label=t(f"nav.{p.name}")
            )
            for p in there
        ],
        selected_index=_index(there, chosen),
        on_change=lambda event: shell.visit(there[int(event.data or 0)].route),
    )


def _index(there: Sequence[Place], chosen: str) -> int:
    names = [p.name for p in there]
    return names.index(chosen) if chosen in names else len(names) - 1
