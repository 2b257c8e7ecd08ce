"""An address behind which there is nothing, or nothing that this person may see."""

from __future__ import annotations

import flet as ft

from mobile.ui.components import buttons, surfaces
from mobile.ui.state import use_shell
from mobile.ui.texts import t


@ft.component
def NotFound() -> ft.Control:
    """Says so and leads home. A control, not a view: the router wraps it."""
    shell = use_shell()
    home = buttons.primary(shell, "home", t("not_found.home"), lambda: shell.visit("/"))
    return surfaces.empty(
        ft.Icons.EXPLORE_OFF_OUTLINED, t("not_found.title"), t("not_found.text"), home
    )
