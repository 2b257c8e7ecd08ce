"""Which surveys are open, and the two ways to ask: handing the phone over, or reading out (S4 #162,
S0 #27)."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, surfaces, words
from mobile.ui.components.messages import refusal_card
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import choice, language, t
from mobile.ui.theme import GAP
from mobile.usecases.consents import use_refused_at
from mobile.usecases.surveys import open_surveys, store_of
from shared.entities import Survey


@ft.component
def SurveysScreen() -> ft.View:
    """For a customer, or for whoever stands there: the address says which."""
    shell = use_shell()
    customer_id = ft.use_route_params().get("customer_id")
    today = formats.local(shell.now()).date()
    store_id = use_query(
        lambda store: store_of(store, customer_id), [customer_id], watch=("customer",)
    )
    found = use_query(
        lambda store: open_surveys(store, today, store_id.value),
        [today, store_id.value],
        watch=("survey",),
    )
    refused = use_query(
        lambda store: use_refused_at(store, customer_id) if customer_id else None,
        [customer_id],
        watch=("consent",),
    )
    refusal = store_id.refusal or found.refusal or refused.refusal
    if refusal is not None:
        body: list[ft.Control] = [refusal_card(refusal)]
    elif refused.value is not None:
        why = t("consent.refused.why", when=formats.when(refused.value, shell.now()))
        body = [surfaces.empty(ft.Icons.BLOCK, t("consent.refused"), why)]
    elif not found.value:
        body = [surfaces.empty(ft.Icons.BALLOT_OUTLINED, t("surveys.none"), t("surveys.none.text"))]
    else:
        body = [words.faint(t("surveys.lead"))]
        body += [_card(shell, one, store_id.value) for one in found.value]
    return frame.screen(
        shell,
        body,
        title=t("nav.surveys"),
        place="surveys" if shell.window.wide and not customer_id else "",
        back=None if shell.window.wide and not customer_id else "/more",
    )


def _card(shell: Shell, survey: Survey, store_id: str | None) -> ft.Control:
    title = survey.title_en if language().startswith("en") else survey.title_zh
    count = t("surveys.questions", count=len(survey.questions))

    def ask(own: bool) -> Callable[[], None]:
        def asked() -> None:
            shell.asking.begin(survey.id, store_id, own=own)

        return asked

    return surfaces.card(
        [
            words.title(title),
            words.faint(f"{choice('subject', survey.subject)} · {count}"),
            ft.Row(
                [
                    buttons.tonal(
                        shell, f"hand-{survey.id}", t("surveys.hand"), ask(False),
                        icon=ft.Icons.PHONELINK_LOCK,
                    ),
                    buttons.secondary(
                        shell, f"read-{survey.id}", t("surveys.read_out"), ask(True),
                        icon=ft.Icons.RECORD_VOICE_OVER_OUTLINED,
                    ),
                ],
                wrap=True, spacing=GAP, run_spacing=GAP,
            ),
        ],
        key=f"survey-{survey.id}",
    )  # fmt: skip
