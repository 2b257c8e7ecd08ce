"""A visit that has not begun: start it, move it, or cancel it and say why."""

from __future__ import annotations

import flet as ft

from mobile.ui.components import buttons, privacy, surfaces
from mobile.ui.components.entry import entry
from mobile.ui.components.messages import say
from mobile.ui.hooks import use_held, use_state
from mobile.ui.screens.customer import checks
from mobile.ui.screens.visit.seen import Seen, head
from mobile.ui.state import Shell
from mobile.ui.texts import label, t
from mobile.ui.theme import GAP
from mobile.usecases import visits
from mobile.usecases.customer_page import whole_address


@ft.component
def Planned(shell: Shell, seen: Seen) -> ft.Control:
    """What was noted when it was planned stands below the head."""
    to_customer = buttons.quiet(
        shell, "open-customer", t("visit.customer"), lambda: shell.go(seen.back),
        icon=ft.Icons.BUSINESS_OUTLINED,
    )  # fmt: skip
    body: list[ft.Control] = [head(shell, seen, *_way(shell, seen), ft.Row([to_customer]))]
    if seen.visit.notes:
        body.append(surfaces.card([surfaces.pair(label("notes"), seen.visit.notes)]))
    body += checks.along(shell, seen)
    body.append(Cancelling(shell, seen))
    return ft.Column(
        body, spacing=16, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )


def _way(shell: Shell, seen: Seen) -> list[ft.Control]:
    place = whole_address(seen.customer)
    if not place or seen.visit.channel not in (None, "on_site"):
        return []
    customer_id = seen.customer.id
    return [privacy.Address(shell, place, "customer", customer_id, customer_id)]


@ft.component
def Cancelling(shell: Shell, seen: Seen) -> ft.Control:
    """Folded away until asked for; a cancellation says why, and can be taken back."""
    open_, set_open = use_state(False)
    lacking, set_lacking = use_state(False)
    because = use_held("")

    def cancel() -> None:
        if not because.current.strip():
            set_lacking(True)
            return
        cancelled = visits.cancel(shell.store, seen.visit, because.current)
        say(shell, t("visit.cancelled"), undo=lambda: visits.uncancel(shell.store, cancelled))

    if not open_:
        return buttons.quiet(
            shell, "cancel", t("visit.cancel"), lambda: set_open(True), icon=ft.Icons.EVENT_BUSY
        )
    return surfaces.card(
        [
            entry(
                "cancelled_because",
                label("cancelled_because"),
                because,
                error=t("form.required") if lacking else None,
                max_length=500,
                autofocus=True,
            ),
            ft.Row(
                [
                    buttons.quiet(shell, "cancel-no", t("action.back"), lambda: set_open(False)),
                    buttons.danger(shell, "cancel-yes", t("visit.cancel.do"), cancel),
                ],
                alignment=ft.MainAxisAlignment.END,
                wrap=True,
                spacing=GAP,
            ),
        ]
    )
