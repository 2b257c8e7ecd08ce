"""Text by its role. Sizes come from the theme, so that the chosen text size reaches every word."""

from __future__ import annotations

from typing import Any

import flet as ft

_STYLE = ft.TextThemeStyle


def headline(text: str, **more: Any) -> ft.Text:
    """What a screen is about, when the app bar doesn't say it."""
    return ft.Text(text, theme_style=_STYLE.HEADLINE_SMALL, **more)


def title(text: str, **more: Any) -> ft.Text:
    """The name of a thing: a customer, a card's first line."""
    return ft.Text(text, theme_style=_STYLE.TITLE_MEDIUM, **more)


def body(text: str, **more: Any) -> ft.Text:
    """What is said about it."""
    return ft.Text(text, theme_style=_STYLE.BODY_MEDIUM, **more)


def faint(text: str, **more: Any) -> ft.Text:
    """What may be read second: times, sources, hints."""
    more.setdefault("color", ft.Colors.ON_SURFACE_VARIANT)
    return ft.Text(text, theme_style=_STYLE.BODY_SMALL, **more)


def label(text: str, **more: Any) -> ft.Text:
    """A word on a badge or above a group."""
    return ft.Text(text, theme_style=_STYLE.LABEL_MEDIUM, **more)


def figure(text: str, **more: Any) -> ft.Text:
    """A number that is read at a glance."""
    return ft.Text(text, theme_style=_STYLE.HEADLINE_MEDIUM, weight=ft.FontWeight.W_600, **more)
