"""What the customer agreed to: each question in the words that they are asked by, the answer that
holds, and how to take it down or back (S4 #155). Works offline."""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, privacy, surfaces, words
from mobile.ui.components.messages import refusal_card, say
from mobile.ui.hooks import keyed
from mobile.ui.screens.customer.looking import use_look
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import choice, language, t
from mobile.ui.theme import GAP
from mobile.usecases import consents
from mobile.usecases.consents import ASKING, Standing
from shared.entities import Customer, Staff

_TONES = {"given": "calm", "refused": "error", "withdrawn": "error", "asked_never": "wait"}


@ft.component
def ConsentScreen() -> ft.View:
    """`/customers/<id>/consent`."""
    shell = use_shell()
    customer_id = ft.use_route_params()["customer_id"]
    customer = use_query(
        lambda store: store.get(Customer, customer_id), [customer_id], ("customer",)
    )
    found = use_query(
        lambda store: consents.standings(store, customer_id, language()),
        [customer_id],
        watch=("consent", "reference"),
    )
    held = customer_id if customer.value is not None else None
    recorded, unrecorded = use_look(shell, "customer", customer_id, held)
    title, back = t("consent.title"), f"/customers/{customer_id}?show=profile"
    refusal = customer.refusal or found.refusal or unrecorded
    if refusal is not None:
        return frame.screen(shell, [refusal_card(refusal)], title=title, back="/customers")
    if customer.value is None or found.value is None or not recorded:
        return frame.screen(shell, [surfaces.skeleton()], title=title, back="/customers")
    body: list[ft.Control] = [words.headline(customer.value.name), words.body(t("consent.text"))]
    body += [keyed(f"scope-{one.scope}", Scope, shell, customer_id, one) for one in found.value]
    return frame.screen(shell, body, title=title, back=back, overlay=privacy.watermark(shell))


@ft.component
def Scope(shell: Shell, customer_id: str, standing: Standing) -> ft.Control:
    """One question. Asked once more, the new answer stands beside the old one."""
    text, scope = standing.text, standing.scope

    def answer(decision: str) -> buttons.Action:
        def act() -> None:
            assert text is not None
            consents.record(shell.store, customer_id, text, decision)
            say(shell, t(f"consent.said.{decision}"))

        return act

    def withdraw() -> None:
        assert standing.answer is not None
        consents.withdraw(shell.store, standing.answer)
        say(shell, t("consent.said.withdrawn"))

    state = t(f"consent.state.{standing.state}")
    lines: list[ft.Control] = [
        ft.Row(
            [
                words.title(text.title if text else choice("scope", scope), expand=True),
                marks.badge(state, _TONES[standing.state]),
            ]
        )
    ]
    if (told := _told(shell, standing)) is not None:
        lines.append(words.faint(told))
    if text is None:
        lines.append(words.body(t("consent.no_text")))
        return surfaces.card(lines)
    lines.append(words.body(text.text))
    if standing.answer is None or standing.outdated:
        lines.append(words.faint(t("consent.version", version=text.version)))
    if standing.outdated:
        lines.append(marks.badge(t("consent.outdated"), "wait"))
    if shell.role in ASKING:
        lines.append(_actions(shell, standing, answer("given"), answer("refused"), withdraw))
    return surfaces.card(lines)


def _actions(
    shell: Shell,
    standing: Standing,
    give: buttons.Action,
    refuse: buttons.Action,
    withdraw: buttons.Action,
) -> ft.Control:
    scope = standing.scope
    if standing.state == "given" and not standing.outdated:
        acts = [buttons.quiet(shell, f"withdraw-{scope}", t("consent.withdraw"), withdraw)]
    else:
        acts = [
            buttons.quiet(shell, f"refuse-{scope}", t("consent.refuse"), refuse),
            buttons.tonal(shell, f"give-{scope}", t("consent.give"), give, icon=ft.Icons.CHECK),
        ]
    return ft.Row(acts, wrap=True, spacing=GAP, alignment=ft.MainAxisAlignment.END)


def _told(shell: Shell, standing: Standing) -> str | None:
    """Who took the answer down and when, and since when it holds no more."""
    answer, now = standing.answer, shell.now()
    if answer is None:
        return None
    staff = shell.store.get(Staff, answer.taken_by)
    told = t(
        "consent.taken", who=staff.name if staff else "", when=formats.when(answer.decided_at, now),
        version=answer.text_version,
    )  # fmt: skip
    if answer.withdrawn_at:
        told += " · " + t("consent.withdrawn_on", when=formats.when(answer.withdrawn_at, now))
    return told
