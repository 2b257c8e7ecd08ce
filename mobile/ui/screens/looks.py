"""Who looked at a customer, for whoever holds it; and what one looked at oneself. Asked of the
server each time, so it needs a network and says so where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, privacy, surfaces, words
from mobile.ui.components.messages import notice, refusal_card
from mobile.ui.hooks import use_maybe, use_state, use_task
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import choice, t
from mobile.usecases import who_looked
from shared import wire_looks
from shared.clock import from_wire
from shared.errors import Code, Refusal
from shared.wire_looks import LookSeen

_AWAY = frozenset({Code.OFFLINE, Code.CUT_SHORT})
_ICON = {
    "opened": ft.Icons.VISIBILITY_OUTLINED,
    "unmasked": ft.Icons.LOCK_OPEN,
    "dialled": ft.Icons.CALL_OUTLINED,
    "shared": ft.Icons.SHARE_OUTLINED,
    "searched": ft.Icons.SEARCH,
}


@ft.component
def CustomerLooksScreen() -> ft.View:
    """Who looked at this customer."""
    shell = use_shell()
    customer_id = ft.use_route_params().get("customer_id", "")
    return _screen(shell, customer_id, t("looks.of_customer"), f"/customers/{customer_id}")


@ft.component
def OwnLooksScreen() -> ft.View:
    """What I looked at."""
    return _screen(use_shell(), None, t("looks.own"), "/settings")


def _screen(shell: Shell, customer_id: str | None, title: str, back: str) -> ft.View:
    """Hooks and all: a part of the component that calls it."""
    asked, ask = use_state(0)
    found, set_found = use_maybe(list)
    refusal, set_refusal = use_maybe(Refusal)
    whole, set_whole = use_state(False)

    async def load() -> None:
        set_refusal(None)
        known: list[LookSeen] = list(found or []) if asked else []
        after = known[-1].id if known else None
        try:
            page = await who_looked.looks(shell.syncing, customer_id, after)
        except Refusal as refused:
            set_refusal(refused)
            return
        set_whole(len(page) < wire_looks.PAGE)
        set_found([*known, *page])

    use_task(load, [asked])

    def more() -> None:
        ask(asked + 1)

    own = customer_id is None
    whom = use_query(
        lambda store: {
            look.id: who_looked.customer_name(store, look) if own else look.staff
            for look in found or ()
        },
        [found, own],
        watch=("customer",),
    )
    body = _content(shell, found, refusal, whole, more, whom.value or {}, own=own)
    return frame.screen(shell, body, title=title, back=back, overlay=privacy.watermark(shell))


def _content(
    shell: Shell,
    found: list[LookSeen] | None,
    refusal: Refusal | None,
    whole: bool,
    more: Callable[[], None],
    names: Mapping[str, str],
    *,
    own: bool,
) -> list[ft.Control]:
    retry = buttons.tonal(shell, "looks-retry", t("action.retry"), more, icon=ft.Icons.REFRESH)
    if refusal is not None and refusal.code in _AWAY:
        return [notice(ft.Icons.CLOUD_OFF_OUTLINED, t("looks.offline"), t("looks.needs"), retry)]
    if refusal is not None:
        return [refusal_card(refusal, retry)]
    if found is None:
        return [surfaces.skeleton()]
    if not found:
        text = t("looks.own.text") if own else t("looks.none.text")
        return [surfaces.empty(ft.Icons.VISIBILITY_OFF_OUTLINED, t("looks.none"), text)]
    rows: list[ft.Control] = [words.faint(t("looks.text"))]
    now = shell.now()
    days: dict[str, list[ft.Control]] = {}
    for look in found:
        day = formats.day(formats.local(from_wire(look.looked_at)).date(), now)
        days.setdefault(day, []).append(_row(look, names.get(look.id, "")))
    rows += [surfaces.section(day, [surfaces.card(lines)]) for day, lines in days.items()]
    if not whole:
        rows.append(buttons.quiet(shell, "looks-more", t("looks.more"), more))
    return rows


def _row(look: LookSeen, whom: str) -> ft.Control:
    when = formats.time(from_wire(look.looked_at))
    what = choice("what", look.what)
    if look.hits is not None:
        what = t("looks.searched", what=what, count=look.hits)
    elif look.entity != "customer":
        what = t("looks.what", what=what, entity=t(f"entity.{look.entity}"))
    return ft.Row(
        [
            ft.Icon(_ICON.get(look.what, ft.Icons.VISIBILITY_OUTLINED)),
            ft.Column(
                [words.body(whom or t("looks.nobody")), words.faint(f"{when} · {what}")],
                spacing=2,
                tight=True,
                expand=True,
            ),
        ],
        key=f"look-{look.id}",
    )
