"""Things to tap: at least 48 dp high, each with a key and a name that a screen reader says.

`action` may be a plain or an async function without arguments. A refusal in it is shown to the user
(`messages.guarded`), so handlers need no try of their own. While an async action runs, a second tap
does nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import flet as ft

from mobile.ui.components.messages import guarded
from mobile.ui.state import Shell
from mobile.ui.theme import TARGET

Action = Callable[[], Awaitable[Any] | Any]

_SHAPE = ft.RoundedRectangleBorder(radius=12)
# By padding, not by a fixed height: text at 200 % needs its room.
_STYLE = ft.ButtonStyle(shape=_SHAPE, padding=ft.Padding.symmetric(horizontal=20, vertical=16))


def primary(
    shell: Shell,
    key: str,
    text: str,
    action: Action,
    *,
    icon: ft.IconData | None = None,
    **more: Any,
) -> ft.Control:
    """The one main action of a screen; it stands at the bottom and is as wide as its place."""
    return ft.FilledButton(
        text, key=key, icon=icon, style=_STYLE, on_click=guarded(shell, action), **more
    )


def secondary(
    shell: Shell,
    key: str,
    text: str,
    action: Action,
    *,
    icon: ft.IconData | None = None,
    **more: Any,
) -> ft.Control:
    """Another action beside the main one."""
    return ft.OutlinedButton(
        text, key=key, icon=icon, style=_STYLE, on_click=guarded(shell, action), **more
    )


def tonal(
    shell: Shell,
    key: str,
    text: str,
    action: Action,
    *,
    icon: ft.IconData | None = None,
    **more: Any,
) -> ft.Control:
    """An action on a card."""
    return ft.FilledTonalButton(
        text, key=key, icon=icon, style=_STYLE, on_click=guarded(shell, action), **more
    )


def quiet(
    shell: Shell,
    key: str,
    text: str,
    action: Action,
    *,
    icon: ft.IconData | None = None,
    **more: Any,
) -> ft.Control:
    """An action that may be overlooked."""
    return ft.TextButton(
        text, key=key, icon=icon, style=_STYLE, on_click=guarded(shell, action), **more
    )


def danger(
    shell: Shell,
    key: str,
    text: str,
    action: Action,
    *,
    icon: ft.IconData | None = None,
    **more: Any,
) -> ft.Control:
    """An action that takes something away. Ask with `messages.confirm` first."""
    style = ft.ButtonStyle(
        shape=_SHAPE,
        bgcolor=ft.Colors.ERROR,
        color=ft.Colors.ON_ERROR,
        padding=ft.Padding.symmetric(horizontal=20, vertical=16),
    )
    return ft.FilledButton(
        text, key=key, icon=icon, style=style, on_click=guarded(shell, action), **more
    )


def icon(
    shell: Shell, key: str, name: ft.IconData, says: str, action: Action, **more: Any
) -> ft.Control:
    """A picture to tap; `says` is its tooltip and its name."""
    return _named(
        says,
        ft.IconButton(
            name,
            key=key,
            tooltip=_silent_tooltip(says),
            width=TARGET,
            height=TARGET,
            on_click=guarded(shell, action),
            **more,
        ),
    )


def link(key: str, name: ft.IconData, says: str, url: str) -> ft.Control:
    """A picture that opens something outside the app: a map, a web page."""
    return _named(
        says,
        ft.IconButton(
            name,
            key=key,
            tooltip=_silent_tooltip(says),
            width=TARGET,
            height=TARGET,
            url=ft.Url(url, target=ft.UrlTarget.SELF),
        ),
    )


def _named(says: str, button: ft.Control) -> ft.Control:
    """Makes name and button one node: by itself a tooltip names a node around the button."""
    return ft.MergeSemantics(ft.Semantics(label=says, content=button))


def _silent_tooltip(says: str) -> ft.Tooltip:
    return ft.Tooltip(message=says, exclude_from_semantics=True)
