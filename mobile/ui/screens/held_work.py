"""Work that is held for a store manager: what phones brought that were no longer trusted. Asked of
the server each time, so it needs a network and says so where there is none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.messages import confirm, notice, refusal_card, say
from mobile.ui.components.values import listed
from mobile.ui.hooks import use_maybe, use_state, use_task
from mobile.ui.state import Shell
from mobile.ui.texts import label, t
from mobile.ui.theme import GAP
from mobile.usecases import decisions
from mobile.usecases.decisions import HeldWork
from shared.declare import ENTITIES
from shared.errors import Code, Refusal
from shared.wire import HeldChange

_SHOWN_FIELDS = 6
_AWAY = frozenset({Code.OFFLINE, Code.CUT_SHORT})


@ft.component
def HeldSection(shell: Shell) -> ft.Control:
    """A section of the inbox: loading, unreachable, nothing, or the work by person and customer."""
    asked, ask = use_state(0)
    work, set_work = use_maybe(list)
    refusal, set_refusal = use_maybe(Refusal)

    async def load() -> None:
        set_refusal(None)
        try:
            set_work(await decisions.held_work(shell.syncing, shell.store))
        except Refusal as refused:
            set_refusal(refused)

    use_task(load, [asked])

    def again() -> None:
        ask(asked + 1)

    return surfaces.section(t("held.title"), _content(shell, work, refusal, again))


def _content(
    shell: Shell, work: list[HeldWork] | None, refusal: Refusal | None, again: Callable[[], None]
) -> list[ft.Control]:
    retry = buttons.tonal(shell, "held-retry", t("action.retry"), again, icon=ft.Icons.REFRESH)
    if refusal is not None and refusal.code in _AWAY:
        return [
            notice(ft.Icons.CLOUD_OFF_OUTLINED, t("held.offline"), t("held.offline.text"), retry)
        ]
    if refusal is not None:
        return [refusal_card(refusal, retry)]
    if work is None:
        return [surfaces.skeleton(1)]
    if not work:
        return [words.body(t("held.none"), color=ft.Colors.ON_SURFACE_VARIANT)]
    return [words.faint(t("held.text")), *(_card(shell, one, again) for one in work)]


def _card(shell: Shell, work: HeldWork, again: Callable[[], None]) -> ft.Control:
    who = work.who or t("conflict.someone")
    since = formats.when(work.since, shell.now())
    lines: list[ft.Control] = [
        words.title(t("held.from", who=who, customer=work.customer)),
        words.faint(t("held.count", count=len(work.changes), when=since)),
    ]
    lines += [_change(shell, change) for change in work.changes]

    async def accept() -> None:
        await decisions.release(shell.syncing, work)
        say(shell, t("held.accepted"))
        again()

    async def turn_down() -> None:
        sure = await confirm(
            shell, t("held.refuse.sure"), t("held.refuse.text"), t("held.refuse"), dangerous=True
        )
        if sure:
            await decisions.refuse(shell.syncing, work)
            say(shell, t("held.refused"))
            again()

    lines.append(_choices(shell, work, accept, turn_down))
    return surfaces.card(lines, key=f"held-{work.key}")


def _choices(
    shell: Shell,
    work: HeldWork,
    accept: Callable[[], Awaitable[None]],
    turn_down: Callable[[], Awaitable[None]],
) -> ft.Control:
    return ft.Row(
        [
            buttons.tonal(
                shell, f"accept-{work.key}", t("held.accept"), accept, icon=ft.Icons.CHECK
            ),
            buttons.quiet(shell, f"refuse-{work.key}", t("held.refuse"), turn_down),
        ],
        wrap=True,
        spacing=GAP,
    )


def _change(shell: Shell, change: HeldChange) -> ft.Control:
    """What was written, in the words of its fields."""
    entity = ENTITIES.get(change.entity)
    fields = entity.fields if entity else {}
    now = shell.now()
    told = [
        t("held.field", field=label(name), value=value)
        for name, raw in change.fields.items()
        if name in fields and not name.endswith("_id")
        and (value := listed(fields[name], raw, now))
    ]  # fmt: skip
    key = "held.new" if change.kind == "create" else "held.edit"
    head = t(key, entity=t(f"entity.{change.entity}"))
    text = "\n".join(told[:_SHOWN_FIELDS])
    return ft.Column([words.body(head), words.faint(text)], spacing=0, tight=True)
