"""Text fields of the screens before the vault is open: what is typed is held in a box, so that a
keystroke costs no rendering.
"""

from __future__ import annotations

from typing import Any

import flet as ft

from mobile.ui.hooks import Held


def entry(key: str, label: str, typed: Held[str], **more: Any) -> ft.TextField:
    """A field bound to `typed`. `on_submit`, `password`, `error` … are handed through."""

    def changed(event: ft.Event[ft.TextField]) -> None:
        typed.current = str(event.data or "")

    more.setdefault("border", ft.OutlineInputBorder(border_radius=12))
    return ft.TextField(key=key, label=label, value=typed.current, on_change=changed, **more)


def secret_entry(key: str, label: str, typed: Held[str], **more: Any) -> ft.TextField:
    """A PIN or passphrase: hidden, with an eye to show it, never corrected or learnt by the
    keyboard.
    """
    return entry(
        key,
        label,
        typed,
        password=True,
        can_reveal_password=True,
        autocorrect=False,
        enable_suggestions=False,
        enable_ime_personalized_learning=False,
        **more,
    )
