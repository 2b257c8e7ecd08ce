"""Today: overdue, now, next. The first screen after unlocking, also from a cold start without a
network.
"""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, privacy, surfaces, words
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import keyed, use_state
from mobile.ui.screens.notices import Notices
from mobile.ui.state import Shell, use_now, use_query, use_shell
from mobile.ui.texts import choice, t
from mobile.ui.theme import GAP, PAD
from mobile.usecases.agenda import Agenda, Item, agenda
from mobile.usecases.customer_records import may_add_customers
from shared.declare import Personal
from shared.masking import mask

_ICON = {
    "visit": ft.Icons.HANDSHAKE_OUTLINED,
    "repair": ft.Icons.HANDYMAN_OUTLINED,
    "callback": ft.Icons.PHONE_CALLBACK_OUTLINED,
    "update": ft.Icons.CAMPAIGN_OUTLINED,
    "retention_plan": ft.Icons.VOLUNTEER_ACTIVISM_OUTLINED,
}
_CLOSED_LISTS = 8  # cards shown of each list before "show all"


@ft.component
def TodayScreen() -> ft.View:
    """Reads the agenda anew whenever one of its records changes, and as time passes."""
    shell = use_shell()
    now = use_now()
    minute = now.replace(second=0, microsecond=0)
    found = use_query(
        lambda store: agenda(store, now, formats.midnight(now, 1)),
        [minute],
        watch=("visit", "case", "case_event", "callback", "retention_plan", "customer", "contact"),
    )
    body: list[ft.Control] = [_greeting(shell, now.astimezone(formats.zone()).hour)]
    if found.value is None:
        assert found.refusal is not None
        connect = buttons.tonal(shell, "connect", t("sync.now"), shell.syncing.now)
        body.append(refusal_card(found.refusal, connect))
    else:
        body += [keyed("notices", Notices, shell), _counters(found.value)]
        body += _lists(shell, found.value)
    return frame.screen(
        shell,
        body,
        title=t("nav.today"),
        broad=True,
        place="today",
        actions=[
            *_call_in(shell),
            buttons.icon(
                shell, "refresh", ft.Icons.REFRESH, t("today.refresh"), lambda: shell.syncing.now()
            ),
        ],
        on_scroll=lambda event: _pulled(shell, event),
    )


def _call_in(shell: Shell) -> list[ft.Control]:
    """A customer on the phone is one tap away (S2 #112)."""
    if not may_add_customers(shell.role):
        return []
    says = t("call.title")
    return [
        buttons.icon(
            shell, "call-in", ft.Icons.ADD_IC_CALL_OUTLINED, says, lambda: shell.go("/calls/new")
        )
    ]


def _pulled(shell: Shell, event: ft.OnScrollEvent) -> None:
    """Pulling down beyond the top synchronises."""
    if event.event_type == ft.ScrollType.OVERSCROLL and (event.overscroll or 0) < -30:
        shell.page.run_task(shell.syncing.now)


def _greeting(shell: Shell, hour: int) -> ft.Control:
    part = "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"
    return words.headline(t("today.greeting", name=shell.staff.name, part=t(f"today.part.{part}")))


def _counters(today: Agenda) -> ft.Control:
    counts = {
        "overdue": len(today.overdue),
        "today": today.today,
        "week": len(today.next),
        "done": today.done_today,
    }
    cells: list[ft.Control] = []
    for name, count in counts.items():
        alarming = name == "overdue" and count
        cells.append(
            ft.Container(
                ft.Column(
                    [
                        words.figure(str(count), color=ft.Colors.ERROR if alarming else None),
                        words.faint(t(f"today.count.{name}"), text_align=ft.TextAlign.CENTER),
                    ],
                    spacing=0,
                    tight=True,
                    horizontal_alignment=ft.CrossAxisAlignment.CENTER,
                ),
                expand=True,
                padding=ft.Padding.symmetric(vertical=12, horizontal=4),
                border_radius=12,
                bgcolor=ft.Colors.SURFACE_CONTAINER_HIGH,
            )
        )
    return ft.Row(cells, spacing=GAP)


def _lists(shell: Shell, today: Agenda) -> list[ft.Control]:
    if today.empty:
        return [surfaces.empty(ft.Icons.EVENT_AVAILABLE, t("today.empty"), t("today.empty.text"))]
    lists = {"now": today.now, "overdue": today.overdue, "next": today.next}
    shown: dict[str, ft.Control] = {
        name: keyed(f"list-{name}", AgendaList, shell, name, items)
        for name, items in lists.items()
        if items
    }
    if shell.window.wide and len(shown) > 1 and "next" in shown:
        coming = shown.pop("next")
        return [surfaces.columns(list(shown.values()), [coming])]
    return list(shown.values())


@ft.component
def AgendaList(shell: Shell, name: str, items: tuple[Item, ...]) -> ft.Control:
    """One of the three lists; long ones are cut until asked for."""
    whole, show_whole = use_state(False)
    shown = items if whole else items[:_CLOSED_LISTS]
    rows: list[ft.Control] = [_card(shell, item, late=name == "overdue") for item in shown]
    if len(shown) < len(items):
        more = t("action.show_all", count=len(items))
        rows.append(buttons.quiet(shell, f"all-{name}", more, lambda: show_whole(True)))
    return surfaces.section(t(f"today.{name}"), rows, words.faint(str(len(items))))


def _card(shell: Shell, item: Item, *, late: bool) -> ft.Control:
    now = shell.now()
    who = item.who or t("today.unknown_customer")
    field = {"visit": "purpose", "callback": "kind", "retention_plan": "cause"}.get(item.kind, "")
    what = item.what if item.titled else choice(field, item.what)
    if item.kind == "update":
        what = t("today.what.update", title=item.what)
    when = formats.when(item.at, now)
    says = t(
        "today.card",
        kind=t(f"entity.{'case' if item.kind in {'repair', 'update'} else item.kind}"),
        who=who, what=what, when=when, state=choice("state", item.state),
    )  # fmt: skip
    marks_: list[ft.Control] = [marks.state(item.state)]
    if late:
        marks_.append(marks.due(item.at, now))
    if (vip := marks.tier(None, item.vip)) is not None:
        marks_.append(vip)
    if (waiting := marks.pending(item.pending)) is not None:
        marks_.append(waiting)
    head = ft.Row(
        [
            ft.Icon(_ICON[item.kind], color=ft.Colors.PRIMARY),
            ft.Column([words.title(who), words.body(what)], spacing=0, tight=True, expand=True),
        ],
        vertical_alignment=ft.CrossAxisAlignment.START,
        spacing=12,
    )
    place = mask(item.place, Personal.ADDRESS)
    where = [words.faint(" · ".join(part for part in (when, place) if part))]
    top = surfaces.tappable(
        ft.Column([head, *where, ft.Row(marks_, wrap=True, spacing=GAP)], spacing=6, tight=True),
        key=f"open-{item.id}",
        says=says,
        on_click=lambda _: shell.go(item.route),
        padding=ft.Padding.only(left=PAD, top=PAD, right=PAD, bottom=4),
    )
    actions = ft.Container(
        _actions(shell, item), padding=ft.Padding.only(left=4, right=PAD, bottom=12)
    )
    return surfaces.card([top, actions], padding=0, spacing=0)


def _actions(shell: Shell, item: Item) -> ft.Control:
    verb = "continue" if item.begun else "start"
    row: list[ft.Control] = []
    if item.phone:
        dial = privacy.call(shell, item.phone, "customer", item.customer_id, item.customer_id)
        row.append(
            buttons.icon(shell, f"call-{item.id}", ft.Icons.CALL_OUTLINED, t("action.call"), dial)
        )
    if item.place and item.kind != "callback":
        there = privacy.way(shell, item.place, "customer", item.customer_id, item.customer_id)
        row.append(
            buttons.icon(
                shell, f"map-{item.id}", ft.Icons.DIRECTIONS_OUTLINED, t("action.directions"), there
            )
        )
    row.append(ft.Container(expand=True))
    row.append(
        buttons.tonal(
            shell, f"start-{item.id}", t(f"today.{verb}.{item.kind}"), lambda: shell.go(item.route)
        )
    )
    return ft.Row(row, spacing=GAP)
