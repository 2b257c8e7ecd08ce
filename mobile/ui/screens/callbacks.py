"""Whom to call back, the most urgent first, each for as long as its access lasts (S3 #151)."""

from __future__ import annotations

from datetime import datetime

import flet as ft

from mobile.store.store import Store
from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, surfaces, words
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import keyed, use_state
from mobile.ui.state import Shell, use_now, use_query, use_shell
from mobile.ui.texts import choice, t
from mobile.ui.theme import GAP, PAD
from mobile.usecases.callbacks import Call, Callbacks
from shared.declare import Personal
from shared.masking import mask

_FEW = 15  # cards of a group before "show all"


@ft.component
def CallbacksScreen() -> ft.View:
    """Read anew as calls come, windows end and time passes."""
    shell = use_shell()
    now = use_now()
    minute = now.replace(second=0, microsecond=0)
    found = use_query(_queue, [minute], watch=("callback", "customer", "case", "contact"))
    if found.value is None:
        assert found.refusal is not None
        body: list[ft.Control] = [refusal_card(found.refusal)]
    elif not found.value:
        body = [
            surfaces.empty(ft.Icons.PHONE_CALLBACK, t("callback.none"), t("callback.none.text"))
        ]
    else:
        due = tuple(call for call in found.value if call.due_at <= now)
        later = tuple(call for call in found.value if call.due_at > now)
        groups = {"due": due, "later": later}
        body = [
            keyed(f"group-{name}", Group, shell, name, calls, now)
            for name, calls in groups.items()
            if calls
        ]
    return frame.screen(shell, body, title=t("nav.callbacks"), place="callbacks")


def _queue(store: Store) -> tuple[Call, ...]:
    return tuple(Callbacks(store).queue())


@ft.component
def Group(shell: Shell, name: str, calls: tuple[Call, ...], now: datetime) -> ft.Control:
    """What is due, or what comes; long ones are folded."""
    whole, show_whole = use_state(False)
    shown = calls if whole else calls[:_FEW]
    rows: list[ft.Control] = [_card(shell, call, now) for call in shown]
    if len(shown) < len(calls):
        text = t("action.show_all", count=len(calls))
        rows.append(buttons.quiet(shell, f"all-{name}", text, lambda: show_whole(True)))
    return surfaces.section(t(f"callback.group.{name}"), rows, words.faint(str(len(calls))))


def _card(shell: Shell, call: Call, now: datetime) -> ft.Control:
    callback = call.callback
    who = call.customer.name if call.customer else t("today.unknown_customer")
    when = formats.when(call.due_at, now)
    kind = choice("kind", callback.kind)
    says = t(
        "today.card", kind=t("entity.callback"), who=who, what=kind, when=when,
        state=choice("state", callback.state),
    )  # fmt: skip
    about = f"{call.case.number} · {call.case.title}" if call.case else ""
    phone = mask(call.phone[0], Personal.PHONE) if call.phone else t("phone.none")
    lines: list[ft.Control] = [
        words.title(who),
        words.body(" · ".join(part for part in (kind, about) if part)),
        words.faint(f"{when} · {phone}"),
        ft.Row(badges(call, now), wrap=True, spacing=GAP, run_spacing=4),
    ]
    late = call.due_at < now
    return surfaces.card(
        [
            surfaces.tappable(
                ft.Column(lines, spacing=4, tight=True),
                key=f"call-{callback.id}",
                says=says,
                on_click=lambda _: shell.go(f"/callbacks/{callback.id}"),
                padding=PAD,
            )
        ],
        accent=ft.Colors.ERROR if late else None,
        padding=0,
    )


def badges(call: Call, now: datetime, *, access: bool = True) -> list[ft.Control]:
    """How late, how often tried, and with `access` how long it may still be read."""
    callback = call.callback
    found: list[ft.Control] = [marks.due(call.due_at, now)]
    if callback.state == "in_progress":
        found.append(marks.state(callback.state))
    if callback.attempts:
        text = t("callback.attempts", count=len(callback.attempts))
        found.append(marks.badge(text, "wait", ft.Icons.PHONE_MISSED_OUTLINED))
    if access and callback.window_ends_at is not None:
        left = formats.due(callback.window_ends_at, now)
        found.append(marks.badge(t("callback.access", left=left), "calm", ft.Icons.LOCK_CLOCK))
    return found
