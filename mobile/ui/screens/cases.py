"""The work list: what is under way, to be accepted, to come, and what waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from mobile.ui.theme import GAP, PAD
from mobile.usecases.case_clocks import Clocks
from mobile.usecases.repairs import Repairs
from shared.declare import Personal
from shared.entities import Case, Customer, Transfer
from shared.flows import ESCALATED
from shared.masking import mask
from shared.queueing import Place, place_in_queue

_GROUPS = {
    "new": "accept", "assigned": "accept", "accepted": "planned", "en_route": "now",
    "on_site": "now", "in_progress": "now", "waiting": "waiting",
}  # fmt: skip
_ORDER = ("asked", "now", "accept", "planned", "waiting", "done")
_FEW = 12  # cards of a group before "show all"


@ft.component
def CasesScreen() -> ft.View:
    """Read anew whenever a case changes, and as time passes."""
    shell = use_shell()
    now = use_now()
    found = use_query(work, [now], watch=("case", "customer", "transfer"))
    if found.value is None:
        assert found.refusal is not None
        body: list[ft.Control] = [refusal_card(found.refusal)]
    elif not any(found.value.groups.values()):
        body = [surfaces.empty(ft.Icons.HANDYMAN, t("repair.none"), t("repair.none.text"))]
    else:
        clocks = found.value.clocks
        body = [
            keyed(f"group-{name}", Group, shell, name, cases, now, clocks)
            for name, cases in found.value.groups.items()
            if cases
        ]
    return frame.screen(shell, body, title=t("nav.work"), place="work")


@dataclass(frozen=True, slots=True)
class Work:
    """The list as it is read. Its cards ask the same clocks by which it was sorted."""

    groups: Mapping[str, list[Case]]
    clocks: Clocks


def work(store: Store) -> Work:
    """The cases by group, each by its time; what is done, the latest first."""
    repairs = Repairs(store)
    groups: dict[str, list[Case]] = {name: [] for name in _ORDER}
    for case in repairs.mine():
        groups[_GROUPS[case.state]].append(case)
    policy = store.policy()
    clocks = Clocks(store)
    due = {c.id: clocks.due_at(c) or c.opened_at for cases in groups.values() for c in cases}
    vips = {customer_id for (customer_id,) in store.columns(Customer, ("id",), vip=True)}

    def urgent(case: Case) -> tuple[Place, str]:
        vip = case.customer_id in vips
        return place_in_queue(policy, due[case.id], vip=vip, priority=case.priority), case.id

    for name, cases in groups.items():
        # What has its appointment keeps it; what waits goes by the queue (S2 #86).
        timed = name in {"now", "planned"}
        cases.sort(key=(lambda case: (due[case.id], case.id)) if timed else urgent)
    groups["asked"] = asked_of_me(store)
    groups["done"] = repairs.done()
    return Work(groups, clocks)


def asked_of_me(store: Store) -> list[Case]:
    """Cases about which I was asked as an expert and have not answered, by what was promised."""
    me = store.staff().id
    open_ = sorted(
        (t for t in store.find(Transfer, expert_id=me) if t.answered_at is None),
        key=lambda t: (t.promised_at, t.id),
    )
    found = {t.case_id: store.get(Case, t.case_id) for t in open_}
    return [case for case in found.values() if case is not None]


@ft.component
def Group(
    shell: Shell, name: str, cases: Sequence[Case], now: datetime, clocks: Clocks
) -> ft.Control:
    """One group; a long one, and what is done, are folded. Only what is shown is looked up."""
    whole, show_whole = use_state(False)
    few = 3 if name == "done" else _FEW
    shown = cases if whole else cases[:few]
    told = use_query(
        lambda store: [_look_up(store, case, clocks, shell.role) for case in shown],
        [shown, clocks],
        watch=("case", "customer"),
    )
    rows: list[ft.Control] = [_card(shell, one, now) for one in told.value or []]
    if len(shown) < len(cases):
        text = t("action.show_all", count=len(cases))
        rows.append(buttons.quiet(shell, f"all-{name}", text, lambda: show_whole(True)))
    return surfaces.section(t(f"repair.group.{name}"), rows, words.faint(str(len(cases))))


@dataclass(frozen=True, slots=True)
class Told:
    """A case, with what its card takes from elsewhere. `due_at`: None once it is solved."""

    case: Case
    customer: Customer | None
    pending: bool
    due_at: datetime | None
    escalated_to: str | None


def _look_up(store: Store, case: Case, clocks: Clocks, role: str) -> Told:
    row, open_ = store.row("case", case.id), case.state in _GROUPS
    escalates = open_ and role in ESCALATED
    return Told(
        case,
        store.get(Customer, case.customer_id),
        row is not None and row.pending,
        clocks.due_at(case) if open_ else None,
        clocks.of(case).escalated_to if escalates else None,
    )


def _card(shell: Shell, one: Told, now: datetime) -> ft.Control:
    case, customer, due = one.case, one.customer, one.due_at
    who = customer.name if customer else t("today.unknown_customer")
    place = mask(case.place or (customer.address if customer else None) or "", Personal.ADDRESS)
    under_way = _GROUPS.get(case.state) == "now"
    late = due if due is not None and not under_way and due < now else None
    when = formats.when(due or case.resolved_at or case.opened_at, now)
    if due is not None and case.appointment_at is None:
        when = t("repair.clock.by", when=when)
    says = t(
        "today.card", kind=t("entity.case"), who=who, what=case.title, when=when,
        state=choice("state", case.state),
    )  # fmt: skip
    badges: list[ft.Control] = [state_badge(case)]
    badges += priority_badge(case)
    if one.escalated_to == shell.role:
        text = t("clock.escalated", role=choice("role", shell.role))
        badges.append(marks.badge(text, "error", ft.Icons.NOTIFICATION_IMPORTANT_OUTLINED))
    if customer is not None and (vip := marks.tier(None, customer.vip)) is not None:
        badges.append(vip)
    if late is not None:
        badges.append(marks.due(late, now))
    if (waiting := marks.pending(one.pending)) is not None:
        badges.append(waiting)
    lines: list[ft.Control] = [
        words.title(case.title),
        words.body(who),
        words.faint(" · ".join(part for part in (when, place) if part)),
        ft.Row(badges, wrap=True, spacing=GAP, run_spacing=4),
    ]
    return surfaces.card(
        [
            surfaces.tappable(
                ft.Column(lines, spacing=4, tight=True),
                key=f"case-{case.id}",
                says=says,
                on_click=lambda _: shell.go(f"/cases/{case.id}"),
                padding=PAD,
            )
        ],
        accent=ft.Colors.ERROR if late is not None else None,
        padding=0,
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
