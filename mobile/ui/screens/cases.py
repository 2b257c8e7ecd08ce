"""The technician's work list: what is under way, to be accepted, to come, and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import flet as ft

from mobile.store.store import Store
from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, surfaces, words
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import keyed, use_state
from mobile.ui.state import Shell, use_now, use_query, use_shell
from mobile.ui.texts import choice, t
from mobile.ui.theme import GAP
from mobile.usecases.repairs import Repairs
from shared.entities import Case, Customer

_GROUPS = {
    "new": "accept", "assigned": "accept", "accepted": "planned", "en_route": "now",
    "on_site": "now", "in_progress": "now", "waiting": "waiting",
}  # fmt: skip
_ORDER = ("now", "accept", "planned", "waiting", "done")
_FEW = 12  # cards of a group before "show all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One card of the list."""

    case: Case
    who: str
    place: str
    pending: bool

    @property
    def at(self) -> datetime:
        """The appointment; a case without one counts from its opening."""
        moment: datetime = self.case.appointment_at or self.case.opened_at
        return moment


@ft.component
def CasesScreen() -> ft.View:
    """Read anew whenever a case changes, and as time passes."""
    shell = use_shell()
    now = use_now()
    found = use_query(work, watch=("case", "customer"))
    if found.value is None:
        assert found.refusal is not None
        body: list[ft.Control] = [refusal_card(found.refusal)]
    elif not any(found.value.values()):
        body = [surfaces.empty(ft.Icons.HANDYMAN, t("repair.none"), t("repair.none.text"))]
    else:
        body = [
            keyed(f"group-{name}", Group, shell, name, found.value[name], now)
            for name in _ORDER
            if found.value[name]
        ]
    return frame.screen(shell, body, title=t("nav.work"), place="work")


def work(store: Store) -> dict[str, list[Line]]:
    """The lists by group, each by its time; what is done, the latest first."""
    repairs = Repairs(store)
    groups: dict[str, list[Line]] = {name: [] for name in _ORDER}
    for case in repairs.mine():
        groups[_GROUPS[case.state]].append(_line(store, case))
    for lines in groups.values():
        lines.sort(key=lambda line: (line.at, line.case.id))
    groups["done"] = [_line(store, case) for case in repairs.done()]
    return groups


def _line(store: Store, case: Case) -> Line:
    customer = store.get(Customer, case.customer_id)
    shown = store.row("case", case.id)
    return Line(
        case=case,
        who=customer.name if customer else "",
        place=case.place or (customer.address if customer else None) or "",
        pending=shown is not None and shown.pending,
    )


@ft.component
def Group(shell: Shell, name: str, lines: Sequence[Line], now: datetime) -> ft.Control:
    """One group; a long one, and what is done, are folded."""
    whole, show_whole = use_state(False)
    few = 3 if name == "done" else _FEW
    shown = lines if whole else lines[:few]
    rows: list[ft.Control] = [_card(shell, line, now) for line in shown]
    if len(shown) < len(lines):
        text = t("action.show_all", count=len(lines))
        rows.append(buttons.quiet(shell, f"all-{name}", text, lambda: show_whole(True)))
    return surfaces.section(t(f"repair.group.{name}"), rows, words.faint(str(len(lines))))


def _card(shell: Shell, line: Line, now: datetime) -> ft.Control:
    case = line.case
    open_ = _GROUPS.get(case.state) is not None
    late = open_ and _GROUPS[case.state] != "now" and line.at < now
    when = formats.when(line.at if open_ else case.resolved_at or case.opened_at, now)
    says = t(
        "today.card", kind=t("entity.case"), who=line.who or t("today.unknown_customer"),
        what=case.title, when=when, state=choice("state", case.state),
    )  # fmt: skip
    badges: list[ft.Control] = [state_badge(case)]
    badges += priority_badge(case)
    if late:
        badges.append(marks.due(line.at, now))
    if (waiting := marks.pending(line.pending)) is not None:
        badges.append(waiting)
    lines: list[ft.Control] = [
        words.title(case.title),
        words.body(line.who or t("today.unknown_customer")),
        words.faint(" · ".join(part for part in (when, line.place) if part)),
        ft.Row(badges, wrap=True, spacing=GAP, run_spacing=4),
    ]
    return surfaces.card(
        [
            surfaces.tappable(
                ft.Column(lines, spacing=4, tight=True),
                key=f"case-{case.id}",
                says=says,
                on_click=lambda _: shell.go(f"/cases/{case.id}"),
            )
        ],
        accent=ft.Colors.ERROR if late else None,
    )


def state_badge(case: Case) -> ft.Control:
    """The state, and while it waits, for what."""
    if case.state != "waiting" or not case.waiting_for:
        return marks.state(case.state)
    words_ = (choice("state", case.state), choice("waiting_for", case.waiting_for))
    return marks.badge(" · ".join(words_), "wait", ft.Icons.PAUSE)


def priority_badge(case: Case) -> list[ft.Control]:
    """Only what is out of the ordinary is marked."""
    if case.priority not in {"critical", "high"}:
        return []
    tone = "error" if case.priority == "critical" else "strong"
    return [marks.badge(choice("priority", case.priority), tone, ft.Icons.PRIORITY_HIGH)]
