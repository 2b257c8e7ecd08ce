"""The call itself: what to say first, dialling, and when nobody is reached, when to try again
(S2 #96, S3 #136).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, privacy, surfaces, words
from mobile.ui.components.form import Form
from mobile.ui.components.messages import say
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import choice, language, t
from mobile.ui.theme import GAP
from mobile.usecases.callbacks import Call, Callbacks
from mobile.usecases.visit_questions import said
from shared.entities import Callback

_NOT_REACHED = ("no_answer", "busy", "wrong_number", "refused")
_MORNING = 10  # o'clock, local: when someone who said "tomorrow" is called


@ft.component
def Calling(shell: Shell, call: Call, form: Form) -> ft.Control:
    """Dialling puts the look at the number on record and the call under way."""
    callback = call.callback
    script = use_query(
        lambda store: Callbacks(store).script(callback.kind), [callback.kind], watch=("reference",)
    ).value
    opening = said((script or {}).get("opening"), language())
    opening = opening.replace("{organisation}", shell.staff.organisation)
    opening = opening.replace("{agent}", shell.staff.name)

    async def dial() -> None:
        assert call.phone is not None
        number, entity, record_id = call.phone
        Callbacks(shell.store).begin(callback)
        await privacy.call(shell, number, entity, record_id, callback.customer_id)()

    lines: list[ft.Control] = []
    if opening:
        lines += [words.faint(t("callback.opening")), words.body(opening, selectable=True)]
    if call.phone is not None:
        lines.append(buttons.tonal(shell, "dial", t("callback.dial"), dial, icon=ft.Icons.CALL))
    lines += [
        words.faint(t("callback.not_reached")),
        ft.Row(
            [
                buttons.secondary(
                    shell,
                    f"result-{word}",
                    choice("result", word),
                    _missed(shell, call, form, word),
                )
                for word in _NOT_REACHED
            ],
            wrap=True,
            spacing=GAP,
            run_spacing=GAP,
        ),
        words.faint(t("callback.later")),
        ft.Row(
            [
                buttons.secondary(shell, f"later-{name}", t(text), _later(shell, call, form, name))
                for name, text in _LATER.items()
            ],
            wrap=True,
            spacing=GAP,
            run_spacing=GAP,
        ),
    ]
    return surfaces.section(t("callback.call"), [surfaces.card(lines)])


_LATER = {
    "hour": "callback.later.hour",
    "tomorrow": "callback.later.tomorrow",
    "days": "callback.later.days",
}


def later(name: str, now: datetime) -> datetime:
    """When the customer is called who asked for it: in an hour, or on a morning."""
    if name == "hour":
        return now + timedelta(hours=1)
    days = {"tomorrow": 1, "days": 3}[name]
    return formats.midnight(now, days) + timedelta(hours=_MORNING)


def _missed(shell: Shell, call: Call, form: Form, result: str) -> Callable[[], None]:
    def missed() -> None:
        form.save()
        made = Callbacks(shell.store).not_reached(call.callback, result)
        if made.next_attempt_at is None:
            text = t("callback.given_up", count=len(made.attempts))
        else:
            text = t("callback.again", when=formats.when(made.next_attempt_at, shell.now()))
        _back_with_undo(shell, made, call.callback, text)

    return missed


def _later(shell: Shell, call: Call, form: Form, name: str) -> Callable[[], None]:
    def put_off() -> None:
        form.save()
        moment = later(name, shell.now())
        made = Callbacks(shell.store).call_again_at(call.callback, moment)
        text = t("callback.again", when=formats.when(moment, shell.now()))
        _back_with_undo(shell, made, call.callback, text)

    return put_off


def _back_with_undo(shell: Shell, made: Callback, before: Callback, text: str) -> None:
    say(shell, text, undo=lambda: Callbacks(shell.store).take_back(made, before))
    shell.visit("/callbacks")
