"""Asking for more time, or for a look: how long, and why (S3 #149, #151). Works offline; what was
asked, and what became of it, stands here too.
"""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, chips, frame, surfaces, words
from mobile.ui.components.form import Form, use_form
from mobile.ui.components.messages import notice, refusal_card, say
from mobile.ui.hooks import keyed, use_state
from mobile.ui.state import Shell, use_now, use_query, use_shell, watch
from mobile.ui.texts import t
from mobile.usecases import access
from mobile.usecases.outbox import staff_name
from shared.entities import AccessRequest

_BACK = {"customer": "/customers", "case": "/cases", "callback": "/callbacks"}


@ft.component
def AskScreen() -> ft.View:
    """`subject` is customer, case or callback. An open wish stands in the form's place."""
    shell = use_shell()
    route = ft.use_route_params()
    subject, subject_id = route["subject"], route["subject_id"]
    now = use_now(30)
    back = _BACK.get(subject, "/")
    found = use_query(lambda store: access.about(store, subject, subject_id), [subject, subject_id])
    wish = use_query(
        lambda store: access.last_wish(store, subject, subject_id),
        [subject, subject_id],
        watch=("access_request",),
    )
    if found.refusal is not None:
        return frame.screen(shell, [refusal_card(found.refusal)], title=t("ask.title"), back=back)
    last = wish.value
    if last is not None and last.decision is None:
        return frame.screen(shell, [_asked(shell, last)], title=t("ask.title"), back=back)
    lately = last is not None and access.decided_at(last) >= now - access.DECIDED_FOR
    before = [_answered(shell, last)] if last is not None and lately else []
    return keyed(f"ask-{subject_id}", Asking, shell, subject, subject_id, back, before)


@ft.component
def Asking(
    shell: Shell, subject: str, subject_id: str, back: str, before: list[ft.Control]
) -> ft.View:
    """The form; its draft is kept like any other."""
    form = use_form(
        shell,
        AccessRequest,
        draft=access.draft_key(subject, subject_id),
        start={"hours": shell.store.policy().access_hours},
    )

    def send() -> None:
        if not form.complete(required=("reason",)):
            return
        access.ask(shell.store, subject, subject_id, int(form.get("hours")), form.get("reason"))
        form.done()
        say(shell, t("ask.asked"))
        shell.back(back)

    body = [
        *before,
        words.headline(t(f"ask.about.{subject}")),
        words.body(t("ask.text"), color=ft.Colors.ON_SURFACE_VARIANT),
        keyed("hours", Hours, shell, form),
        form.field("reason", label=t("ask.reason"), hint=t("ask.reason.hint"), lines=3),
        form.saved_line(),
    ]
    send_it = buttons.primary(shell, "ask", t("ask.send"), send, icon=ft.Icons.SEND_OUTLINED)
    return frame.screen(shell, body, title=t("ask.title"), back=back, bottom=[send_it])


@ft.component
def Hours(shell: Shell, form: Form) -> ft.Control:
    """For how long."""
    watch(form.state)
    chosen, choose = use_state(str(form.get("hours")))
    options = [(str(h), t("ask.hours", count=h)) for h in access.hours_to_choose(shell.store)]

    def pick(word: str) -> None:
        choose(word)
        form.set("hours", int(word))

    return chips.pick_one("hours", options, chosen, pick, title=t("ask.for"))


def _asked(shell: Shell, one: AccessRequest) -> ft.Control:
    when = formats.when(one.asked_at, shell.now())
    lines: list[ft.Control] = [
        surfaces.pair(t("ask.for"), t("ask.hours", count=one.hours)),
        surfaces.pair(t("ask.reason"), one.reason),
    ]
    head = notice(ft.Icons.HOURGLASS_TOP, t("ask.open", when=when), t("ask.open.text"))
    return ft.Column(
        [head, surfaces.card(lines)], spacing=16, tight=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )  # fmt: skip


def _answered(shell: Shell, one: AccessRequest) -> ft.Control:
    """What became of the last wish: one may ask again below."""
    who = staff_name(shell.store, one.decided_by) or t("conflict.someone")
    when = formats.when(access.decided_at(one), shell.now())
    text = "\n".join(part for part in (t("ask.by", who=who, when=when), one.answer or "") if part)
    if one.decision == "approved":
        return notice(ft.Icons.LOCK_OPEN, t("ask.approved", count=one.hours), text)
    return notice(ft.Icons.BLOCK, t("ask.refused"), text, tone="warning")
