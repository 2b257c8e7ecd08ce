"""The customer does not sign: their reason stands in the signature's place (S2 #95)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import flet as ft

from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.entry import entry
from mobile.ui.hooks import use_held, use_state
from mobile.ui.state import Shell
from mobile.ui.texts import label, t
from mobile.ui.theme import GAP


@ft.component
def Refusing(
    shell: Shell, refuse: Callable[[str], Awaitable[None]], back: Callable[[], None]
) -> ft.Control:
    """A refusal without a reason is none."""
    reason = use_held("")
    lacking, set_lacking = use_state(False)

    async def do() -> None:
        set_lacking(not reason.current.strip())
        if reason.current.strip():
            await refuse(reason.current)

    return surfaces.card(
        [
            words.title(t("sign.refuse")),
            words.body(t("sign.refuse.text")),
            entry(
                "refused_because",
                label("refused_because"),
                reason,
                multiline=True,
                align_label_with_hint=True,
                min_lines=3,
                max_lines=8,
                max_length=500,
                autofocus=True,
                error=t("form.required") if lacking else None,
            ),
            ft.Row(
                [
                    buttons.quiet(shell, "refuse-no", t("action.back"), back),
                    buttons.primary(shell, "refuse-yes", t("sign.refuse.do"), do),
                ],
                alignment=ft.MainAxisAlignment.END,
                wrap=True,
                spacing=GAP,
            ),
        ]
    )
