"""The call's address: on record first (L7), and readable only within its window (S3 #151)."""

from __future__ import annotations

import flet as ft

from mobile.ui.components import buttons, frame, privacy, surfaces
from mobile.ui.components.form import Form, use_form
from mobile.ui.components.messages import confirm, refusal_card, say
from mobile.ui.hooks import keyed, use_effect, use_maybe, use_state
from mobile.ui.screens.callback.calling import Calling
from mobile.ui.screens.callback.head import about_case, attempts, head
from mobile.ui.screens.callback.questions import Questions
from mobile.ui.screens.callback.record import record as written
from mobile.ui.screens.callback.result import Result
from mobile.ui.state import Shell, use_now, use_query, use_shell
from mobile.ui.texts import t
from mobile.usecases.callbacks import Call, Callbacks, draft_key
from shared.codec import read, write
from shared.entities import Answer, Callback
from shared.errors import Code, Refusal
from shared.states import OPEN_CALLBACK_STATES

WATCHED = ("callback", "customer", "contact", "case", "report", "reference")


@ft.component
def CallbackScreen() -> ft.View:
    """After its window nothing of the call is built, and it says why and what can be done."""
    shell = use_shell()
    callback_id = ft.use_route_params()["callback_id"]
    now = use_now(30)
    minute = now.replace(second=0, microsecond=0)
    recorded, set_recorded = use_state(False)
    unrecorded, set_unrecorded = use_maybe(Refusal)
    found = use_query(
        lambda store: Callbacks(store).get(callback_id), [callback_id, minute], watch=WATCHED
    )
    call = found.value

    def record() -> None:
        if call is None:
            return
        try:
            customer = call.callback.customer_id
            privacy.record_look(shell, "callback", callback_id, customer, "opened")
            set_recorded(True)
        except Refusal as refusal:
            set_unrecorded(refusal)

    use_effect(record, [callback_id, call is None])
    about = ("callback", callback_id)
    title, refusal = t("entity.callback"), found.refusal or unrecorded
    if refusal is not None:
        gone = refusal.code in (Code.RECORD_MISSING, Code.GRANT_ENDED)
        body = privacy.ended(shell, about, t("callback.ended")) if gone else refusal_card(refusal)
        return frame.screen(shell, [body], title=title, back="/callbacks")
    if call is None or not recorded:
        return frame.screen(shell, [surfaces.skeleton()], title=title, back="/callbacks")
    if call.callback.state in OPEN_CALLBACK_STATES:
        return keyed(f"calling-{callback_id}", OpenCall, shell, call)
    return frame.screen(
        shell,
        [
            head(shell, call),
            keyed("return", privacy.GiveBack, shell, about),
            *about_case(shell, call),
            written(shell, call),
            *attempts(shell, call),
        ],
        title=title,
        back="/callbacks",
        bottom=_once_more(shell, call),
        overlay=privacy.watermark(shell),
    )


def _once_more(shell: Shell, call: Call) -> list[ft.Control]:
    """Who could not be reached may be called again; a finished call stays as it is."""
    if call.callback.state != "unreachable":
        return []
    return [
        buttons.primary(
            shell, "once-more", t("callback.once_more"),
            lambda: Callbacks(shell.store).schedule_again(call.callback), icon=ft.Icons.REPLAY,
        )
    ]  # fmt: skip


@ft.component
def OpenCall(shell: Shell, call: Call) -> ft.View:
    """What the call needs from top to bottom: whom, script, questions, result."""
    callback = call.callback
    form = use_form(
        shell,
        Callback,
        draft=draft_key(callback.id),
        start=write(callback),
        about=("callback", callback.id),
    )
    until = use_query(lambda store: store.access_ends("callback", callback.id), [callback.id])

    async def finish() -> None:
        if not form.complete(required=("outcome", "satisfaction")):
            say(shell, t("callback.incomplete"))
            return
        if not await confirm(
            shell, t("callback.finish.ask"), t("callback.finish.text"), t("callback.finish")
        ):
            return
        _finish(shell, callback, form)
        form.done()
        say(shell, t("callback.finished"))
        shell.visit("/callbacks")

    def content() -> ft.Control:
        about = [head(shell, call), *about_case(shell, call), *attempts(shell, call)]
        work: list[ft.Control] = [
            keyed("calling", Calling, shell, call, form),
            keyed("questions", Questions, shell, callback.kind, form),
            keyed("result", Result, shell, call, form),
            buttons.quiet(
                shell, "to-surveys", t("surveys.ask"),
                lambda: shell.go(f"/surveys/for/{callback.customer_id}"), icon=ft.Icons.BALLOT,
            ),
            form.saved_line(),
        ]  # fmt: skip
        if shell.window.wide:
            return surfaces.columns(about, work)
        return ft.Column(
            [*about, *work], spacing=16, tight=True,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        )  # fmt: skip

    ends_at = until.value or callback.window_ends_at
    about = ("callback", callback.id)
    body = (
        keyed("access", privacy.AccessCountdown, shell, ends_at, content, about)
        if ends_at is not None
        else content()
    )
    return frame.screen(
        shell,
        [body],
        title=t("entity.callback"),
        back="/callbacks",
        bottom=[
            buttons.primary(shell, "finish", t("callback.finish"), finish, icon=ft.Icons.CHECK)
        ],
        broad=True,
        overlay=privacy.watermark(shell),
    )


def _finish(shell: Shell, callback: Callback, form: Form) -> None:
    answers = tuple(read(Answer, answer) for answer in form.get("answers") or ())
    Callbacks(shell.store).finish(
        callback,
        outcome=form.get("outcome"),
        satisfaction=form.get("satisfaction"),
        answers=answers,
        notes=form.get("notes"),
        reopen=bool(form.get("reopened_case")),
    )
