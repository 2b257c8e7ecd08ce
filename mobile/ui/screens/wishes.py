"""Who asks a store manager to see what, and for how long: approved or refused on the phone, with a
word of answer (S3 #149, #151). Works without a network; the hours run from when the server hears.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, marks, surfaces, words
from mobile.ui.components.entry import entry
from mobile.ui.components.messages import confirm, say
from mobile.ui.hooks import Held
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import choice, t
from mobile.ui.theme import GAP
from mobile.usecases import access
from mobile.usecases.access import Wish

WATCHED = ("access_request", "staff", "customer", "case", "callback")
_LATELY = 5


@ft.component
def Wishes(shell: Shell) -> ft.Control:
    """A section of the inbox; nothing where nobody asks."""
    open_ = use_query(access.waiting_wishes, watch=WATCHED)
    decided = use_query(lambda store: access.decided_wishes(store, store.now()), watch=WATCHED)
    found: list[ft.Control] = []
    if open_.value:
        cards = [_card(shell, one) for one in open_.value]
        trailing = marks.badge(str(len(cards)), "error")
        found.append(surfaces.section(t("wishes.title"), cards, trailing))
    if decided.value:
        lines = [_line(shell, one) for one in decided.value[:_LATELY]]
        found.append(surfaces.section(t("wishes.lately"), [surfaces.card(lines)]))
    return ft.Column(
        found, spacing=16, tight=True, visible=bool(found),
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )  # fmt: skip


def _what(one: Wish) -> str:
    subject = t(f"wishes.subject.{one.request.subject}")
    return " · ".join(part for part in (one.customer, subject, one.called) if part)


def _card(shell: Shell, one: Wish) -> ft.Control:
    request = one.request
    role = choice("role", one.role) if one.role else ""
    who = one.asker or t("conflict.someone")
    when = formats.when(request.asked_at, shell.now())
    hours = t("ask.hours", count=request.hours)
    badges: list[ft.Control] = [marks.badge(hours, "wait", ft.Icons.LOCK_CLOCK)]
    lines: list[ft.Control] = [
        words.title(t("wishes.who", who=who, role=role) if role else who),
        words.body(_what(one)),
        words.body(t("wishes.reason", reason=request.reason)),
        ft.Row([*badges, words.faint(when)], wrap=True, spacing=GAP),
    ]

    def approve() -> None:
        access.decide(shell.store, request, approve=True)
        say(shell, t("wishes.approved", who=who, count=request.hours))

    async def refuse() -> None:
        answer = await _ask_why(shell, who)
        if answer is not None:
            access.decide(shell.store, request, approve=False, answer=answer)
            say(shell, t("wishes.refused", who=who))

    lines.append(
        ft.Row(
            [
                buttons.tonal(
                    shell, f"approve-{request.id}", t("wishes.approve"), approve,
                    icon=ft.Icons.CHECK,
                ),
                buttons.quiet(shell, f"refuse-{request.id}", t("wishes.refuse"), refuse),
            ],
            wrap=True,
            spacing=GAP,
        )
    )  # fmt: skip
    return surfaces.card(lines, key=f"wish-{request.id}")


async def _ask_why(shell: Shell, who: str) -> str | None:
    """A word to whoever asked, which may be empty; None: after all not."""
    answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
    said = Held("")

    def reply(value: str | None) -> None:
        if not answer.done():
            answer.set_result(value)
            shell.page.pop_dialog()

    shell.page.show_dialog(
        ft.AlertDialog(
            modal=True,
            title=ft.Text(t("wishes.refuse.ask", who=who)),
            content=entry(
                "answer", t("wishes.answer"), said, max_length=200, multiline=True, min_lines=2,
                max_lines=4, autofocus=True,
            ),
            actions=[
                ft.TextButton(
                    t("action.cancel"), key="refuse-no", height=48, on_click=lambda _: reply(None)
                ),
                ft.FilledButton(
                    t("wishes.refuse"), key="refuse-yes", height=48,
                    on_click=lambda _: reply(said.current),
                ),
            ],
        )
    )  # fmt: skip
    return await answer


def _line(shell: Shell, one: Wish) -> ft.Control:
    request = one.request
    when = formats.when(access.decided_at(request), shell.now())
    word = choice("decision", request.decision or "")
    if request.ended_at is not None:
        word = t("wishes.ended")
    trailing = marks.pending(one.pending)
    if access.runs(request, shell.now()):
        trailing = buttons.quiet(shell, f"end-{request.id}", t("wishes.end"), _ending(shell, one))
    return surfaces.line(
        f"decided-{request.id}",
        f"{one.asker or t('conflict.someone')} · {_what(one)}",
        icon=ft.Icons.LOCK_OPEN if request.decision == "approved" else ft.Icons.BLOCK,
        text=f"{word} · {t('ask.hours', count=request.hours)} · {when}",
        trailing=trailing,
    )


def _ending(shell: Shell, one: Wish) -> Callable[[], Awaitable[None]]:
    who = one.asker or t("conflict.someone")

    async def end() -> None:
        sure = await confirm(
            shell, t("wishes.end.sure", who=who), t("wishes.end.text"), t("wishes.end"),
            dangerous=True,
        )  # fmt: skip
        if sure:
            access.end(shell.store, one.request)
            say(shell, t("wishes.end.said", who=who))

    return end
