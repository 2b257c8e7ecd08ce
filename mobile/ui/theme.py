"""Colours, type and shapes: light, dark and high contrast, from one calm seed, with text up to 200
%.

Screens take colours from the scheme's roles and type from the scale below, never a number of their
own, so that a change of theme or text size reaches everything.
"""

from __future__ import annotations

import sys

import flet as ft

# In the browser our font goes by the name of Flutter's own (the shell's font manifest). Of a family
# that it does not know, Flutter looks for every character elsewhere: at each start the whole font
# would be fetched and read 16 times more.
FONT = "Roboto" if sys.platform == "emscripten" else "Noto Sans SC"
SEED = "#1F6F78"
MODES = ("system", "light", "dark", "contrast")
TEXT_SCALES = (1.0, 1.25, 1.5, 2.0)

GAP = 8  # dp between targets
PAD = 16  # dp around content
TARGET = 48  # dp, the least height and width of anything that is tapped
READING_WIDTH = 720  # dp, the widest a column of text and fields gets
BROAD_WIDTH = 1080  # dp, two columns
TWO_PANES = 840  # dp, from here on a rail and two panes

_SIZES = {
    "display_small": 32, "headline_medium": 26, "headline_small": 22,
    "title_large": 20, "title_medium": 17, "title_small": 15,
    "body_large": 16, "body_medium": 15, "body_small": 13,
    "label_large": 15, "label_medium": 13, "label_small": 12,
}  # fmt: skip
_STRONG = {
    "title_large",
    "title_medium",
    "title_small",
    "headline_small",
    "headline_medium",
    "label_large",
}


def theme(*, dark: bool, contrast: bool = False, scale: float = 1.0) -> ft.Theme:
    """The theme of one brightness. `scale` multiplies every text size (1.0 to 2.0)."""
    shape = ft.RoundedRectangleBorder(radius=12)
    return ft.Theme(
        color_scheme_seed=SEED,
        color_scheme=_contrast(dark) if contrast else None,
        font_family=FONT,
        use_material3=True,
        visual_density=ft.VisualDensity.STANDARD,
        text_theme=_text_theme(scale, _ink(dark, contrast)),
        card_theme=ft.CardTheme(elevation=0, margin=0, shape=shape),
        snackbar_theme=ft.SnackBarTheme(behavior=ft.SnackBarBehavior.FLOATING),
        scaffold_bgcolor=_paper(dark) if contrast else None,
        page_transitions=_STILL,
    )


def _ink(dark: bool, contrast: bool) -> str:
    """The colour of text, written out: a style without one is black on a dark ground as well."""
    if contrast:
        return "#FFFFFF" if dark else "#000000"
    return "#DEE3E5" if dark else "#171D1E"


def _text_theme(scale: float, ink: str) -> ft.TextTheme:
    return ft.TextTheme(
        **{
            name: ft.TextStyle(
                size=size * scale,
                color=ink,
                height=1.35,
                font_family=FONT,
                weight=ft.FontWeight.W_600 if name in _STRONG else ft.FontWeight.W_400,
            )
            for name, size in _SIZES.items()
        }
    )


# Screens change at once: an animated change costs frames on a phone that renders in software.
_STILL = ft.PageTransitionsTheme(
    android=ft.PageTransitionTheme.NONE,
    ios=ft.PageTransitionTheme.NONE,
    linux=ft.PageTransitionTheme.NONE,
    macos=ft.PageTransitionTheme.NONE,
    windows=ft.PageTransitionTheme.NONE,
)


def _paper(dark: bool) -> str:
    return "#000000" if dark else "#FFFFFF"


def _contrast(dark: bool) -> ft.ColorScheme:
    """Pure black on white or the reverse, one strong accent, outlines as dark as the text (WCAG AAA
    for text).
    """
    ink, paper = _ink(dark, True), _paper(dark)
    accent, on_accent = ("#7FE7F2", "#000000") if dark else ("#00414A", "#FFFFFF")
    alarm, on_alarm = ("#FFB4AB", "#000000") if dark else ("#8C0009", "#FFFFFF")
    raised = "#1A1A1A" if dark else "#F2F2F2"
    # fmt: off
    return ft.ColorScheme(
        primary=accent, on_primary=on_accent,
        primary_container=accent, on_primary_container=on_accent,
        secondary=accent, on_secondary=on_accent,
        secondary_container=accent, on_secondary_container=on_accent,
        tertiary=accent, on_tertiary=on_accent,
        tertiary_container=raised, on_tertiary_container=ink,
        error=alarm, on_error=on_alarm, error_container=alarm, on_error_container=on_alarm,
        surface=paper, on_surface=ink, on_surface_variant=ink, outline=ink, outline_variant=ink,
        surface_container=raised, surface_container_high=raised, surface_container_highest=raised,
        surface_container_low=paper, surface_container_lowest=paper,
        inverse_surface=ink, on_inverse_surface=paper, inverse_primary=on_accent,
    )
    # fmt: on


def dress(page: ft.Page, mode: str, scale: float, language: str) -> None:
    """Give the page the chosen look. Harmless when nothing changed."""
    contrast = mode == "contrast"
    page.theme = theme(dark=False, contrast=contrast, scale=scale)
    page.dark_theme = theme(dark=True, contrast=contrast, scale=scale)
    page.theme_mode = {"light": ft.ThemeMode.LIGHT, "dark": ft.ThemeMode.DARK}.get(
        mode, ft.ThemeMode.SYSTEM
    )
    tag, _, region = language.partition("-")
    here = ft.Locale(tag, region or None)
    page.locale_configuration = ft.LocaleConfiguration(
        supported_locales=[ft.Locale("zh", "CN"), ft.Locale("en")], current_locale=here
    )
