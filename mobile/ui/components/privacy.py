"""What protects people in the records: masked numbers, the reader's mark, access that ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from urllib.parse import quote

import flet as ft
import flet.canvas as cv

from mobile.ui import formats
from mobile.ui.components import buttons, marks, words
from mobile.ui.components.messages import confirm, notice, refusal_card, say
from mobile.ui.hooks import keyed, use_state
from mobile.ui.state import Shell, use_query, use_until
from mobile.ui.texts import label, t
from mobile.usecases import access
from shared.declare import Personal
from shared.errors import Code
from shared.masking import mask

_LARGE = 1920, 1080  # dp


def record_look(shell: Shell, entity: str, record_id: str, customer_id: str, what: str) -> None:
    """Puts a look on record (L7) before anything is shown; `what` is one of `evidence.LOOKS`.

    Raises Refusal if it can't be kept: then nothing may be shown.
    """
    with shell.store.unit() as unit:
        unit.look(customer_id, entity, record_id, what)
        unit.commit()


def record_search(shell: Shell, hits: int) -> None:
    """Puts on record that somebody searched and how much was found, never for what. Raises
    Refusal as `record_look` does."""
    with shell.store.unit() as unit:
        unit.search(hits)
        unit.commit()


def call(
    shell: Shell, number: str, entity: str, record_id: str, customer_id: str
) -> Callable[[], Awaitable[None]]:
    """An action that puts the dialling on record and then dials."""

    async def dial() -> None:
        record_look(shell, entity, record_id, customer_id, "dialled")
        await ft.UrlLauncher().launch_url(ft.Url(f"tel:{number}", target=ft.UrlTarget.SELF))

    return dial


@ft.component
def Phone(
    shell: Shell,
    number: str | None,
    entity: str,
    record_id: str,
    customer_id: str,
    key: str = "phone",
) -> ft.Control:
    """A masked number with "show" and, once shown, "call". Each is recorded first."""
    shown, set_shown = use_state(False)

    def show() -> None:
        record_look(shell, entity, record_id, customer_id, "unmasked")
        set_shown(True)

    if not number:
        return words.faint(t("phone.none"))
    text = number if shown else mask(number, Personal.PHONE)
    lines = ft.Column(
        [words.faint(label("phone")), words.body(text, key=f"{key}-number", selectable=shown)],
        spacing=0,
        tight=True,
        expand=True,
    )
    act = (
        buttons.icon(
            shell,
            f"{key}-call",
            ft.Icons.CALL,
            t("action.call"),
            call(shell, number, entity, record_id, customer_id),
        )
        if shown
        else buttons.icon(shell, f"{key}-show", ft.Icons.VISIBILITY_OUTLINED, t("phone.show"), show)
    )
    return ft.Row([lines, act])


def way(
    shell: Shell, address: str, entity: str, record_id: str, customer_id: str
) -> Callable[[], Awaitable[None]]:
    """An action that puts the unmasking on record and then hands the address to a map."""

    async def show_the_way() -> None:
        record_look(shell, entity, record_id, customer_id, "unmasked")
        goal = f"geo:0,0?q={quote(address)}"
        await ft.UrlLauncher().launch_url(ft.Url(goal, target=ft.UrlTarget.SELF))

    return show_the_way


@ft.component
def Address(
    shell: Shell, address: str, entity: str, record_id: str, customer_id: str
) -> ft.Control:
    """Where someone is: the beginning of it until it is asked for, and the way there. Either is
    recorded first."""
    open_, set_open = use_state(False)

    def show() -> None:
        record_look(shell, entity, record_id, customer_id, "unmasked")
        set_open(True)

    text = address if open_ else mask(address, Personal.ADDRESS)
    lines = ft.Column(
        [words.faint(label("address")), words.body(text, key="address", selectable=open_)],
        spacing=0,
        tight=True,
        expand=True,
    )
    acts: list[ft.Control] = [
        buttons.icon(
            shell, "map", ft.Icons.DIRECTIONS_OUTLINED, t("action.directions"),
            way(shell, address, entity, record_id, customer_id),
        )
    ]  # fmt: skip
    if not open_:
        acts.insert(
            0,
            buttons.icon(
                shell, "address-show", ft.Icons.VISIBILITY_OUTLINED, t("address.show"), show
            ),
        )
    return ft.Row([lines, *acts])


@ft.component
def AccessCountdown(
    shell: Shell,
    ends_at: datetime,
    content: Callable[[], ft.Control],
    about: tuple[str, str] | None = None,
) -> ft.Control:
    """Shows `content()` until the access ends, with the time left above it; after that, nothing of
    it is built, by this screen's own clock too.

    `about` is the record: one may ask for more time with it, and give it back.
    """
    now = use_until(ends_at)
    more = None if about is None else _ask_for_more(shell, about)
    if now >= ends_at:
        return notice(ft.Icons.LOCK_CLOCK, t("access.ended"), t("access.ended.text"), more)
    head: list[ft.Control] = [marks.badge(formats.due(ends_at, now), "wait", ft.Icons.LOCK_CLOCK)]
    if more is not None and ends_at - now < timedelta(hours=4):
        head.append(more)
    if about is not None:
        head.append(keyed("return", GiveBack, shell, about))
    shown = content()
    return ft.Column(
        [ft.Row(head, wrap=True), shown],
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        spacing=8,
        expand=shown.expand,
    )


def ended(shell: Shell, about: tuple[str, str], text: str = "") -> ft.Control:
    """What stands where a record was that may be read no more: why, and how to ask for more; of
    what was never one's own, that it is not there."""
    if not access.was_held(shell.store, *about):
        return refusal_card(Code.RECORD_MISSING)
    said, more = text or t("access.ended.text"), _ask_for_more(shell, about)
    return notice(ft.Icons.LOCK_CLOCK, t("access.ended"), said, more, tone="warning")


def _ask_for_more(shell: Shell, about: tuple[str, str]) -> ft.Control:
    go = f"/ask/{about[0]}/{about[1]}"
    return buttons.tonal(shell, "access-more", t("access.more"), lambda: shell.go(go))


@ft.component
def GiveBack(shell: Shell, about: tuple[str, str]) -> ft.Control:
    """For who needs it no more; nothing where access does not end by time."""
    may = use_query(lambda store: access.may_give_back(store, *about), [*about])

    async def give_back() -> None:
        sure = await confirm(
            shell, t("access.return.sure"), t("access.return.text"), t("access.return")
        )
        if sure:
            access.give_back(shell.store, *about)
            await shell.syncing.forget_ended()
            say(shell, t("access.return.done"))

    return ft.Container(
        buttons.quiet(shell, "access-return", t("access.return"), give_back),
        visible=bool(may.value),
    )


def watermark(shell: Shell) -> ft.Control:
    """The reader's name and the time, faint and slanted, over customer details; taps go through.

    Hand it to `screen(overlay=…)`.
    """
    line = f"{shell.staff.name} · {formats.when(shell.now(), shell.now())}"
    style = ft.TextStyle(size=13, color=ft.Colors.with_opacity(0.09, ft.Colors.ON_SURFACE))
    # A window may grow without being drawn anew: a wide one is covered as far as a large screen.
    least = _LARGE if shell.window.wide else (0, 0)
    width = max(int(shell.page.width or 0), least[0])
    height = max(int(shell.page.height or 0), least[1])
    marks_: list[cv.Shape] = [
        cv.Text(x + 190 * (row % 2), y, value=line, style=style, rotate=-0.4)
        for row, y in enumerate(range(130, height, 170))
        for x in range(40, width, 380)
    ]
    # Painted, not laid out: controls would stand in the semantics tree, before what they cover, and
    # keep a screen reader's taps from it.
    return ft.TransparentPointer(cv.Canvas(shapes=marks_, expand=True))
