"""What waits to be decided: conflicts, field by field, from this phone; levels of customers, for
who sits in the panel; for a store manager also who asks to see customers, and work that is held,
which is only known online.
"""

from __future__ import annotations

import flet as ft

from mobile.store.store import Store
from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, surfaces, words
from mobile.ui.components.messages import refusal_card, say
from mobile.ui.components.values import listed
from mobile.ui.hooks import keyed
from mobile.ui.screens.held_work import HeldSection
from mobile.ui.screens.plan_proposals import PlanProposals
from mobile.ui.screens.tier_proposals import TierProposals
from mobile.ui.screens.wishes import Wishes
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import label, t
from mobile.usecases.access import DECIDED, decisions_waiting
from mobile.usecases.decisions import (
    Disputed,
    decided_conflicts,
    losing_value,
    open_conflicts,
    restore,
)
from mobile.usecases.outbox import staff_name
from shared.declare import ENTITIES, Role
from shared.entities import Conflict, Customer

_WATCHED = ("conflict", "customer", "contact", "visit", "case", "report", "asset", "staff")
_LATELY = 5


@ft.component
def DecisionsScreen() -> ft.View:
    """The inbox. Conflicts are in the vault, so that it works without a network."""
    shell = use_shell()
    found = use_query(open_conflicts, watch=_WATCHED)
    waiting = use_query(decisions_waiting, watch=DECIDED)
    decided = use_query(_decided_lately, watch=("conflict", "customer"))
    body: list[ft.Control] = []
    if found.refusal is not None:
        body.append(refusal_card(found.refusal))
    elif not waiting.value:
        body.append(surfaces.empty(ft.Icons.CHECK, t("decisions.none"), t("decisions.none.text")))
    elif found.value:
        count = sum(len(one.conflicts) for one in found.value)
        cards = [_card(shell, one) for one in found.value]
        trailing = marks.badge(str(count), "error")
        body.append(surfaces.section(t("decisions.conflicts"), cards, trailing))
    body.append(keyed("tiers", TierProposals, shell))
    if shell.role == Role.STORE_MANAGER:
        body.insert(0, keyed("wishes", Wishes, shell))
        body.append(keyed("plans", PlanProposals, shell))
        body.append(keyed("held", HeldSection, shell))
    if decided.value:
        lines = [_line(shell, *one) for one in decided.value]
        body.append(surfaces.section(t("decisions.lately"), [surfaces.card(lines)]))
    return frame.screen(shell, body, title=t("nav.decisions"), place="decisions")


def _decided_lately(store: Store) -> list[tuple[Conflict, Customer | None]]:
    found = decided_conflicts(store, store.now())[:_LATELY]
    return [(one, store.get(Customer, one.customer_id)) for one in found]


def _card(shell: Shell, one: Disputed) -> ft.Control:
    """One record: what it is, whose customer, and a line for each field that is disputed."""
    head = t(f"entity.{one.entity}")
    who = " · ".join(part for part in (one.customer, one.called) if part)
    lines: list[ft.Control] = [words.faint(head), words.title(who or head)]
    if one.owner and one.owner != shell.staff.name:
        lines.append(words.faint(t("decisions.owner", who=one.owner)))
    lines += [_field(shell, conflict) for conflict in one.conflicts]
    return surfaces.card(lines, key=f"disputed-{one.record_id}")


def _field(shell: Shell, conflict: Conflict) -> ft.Control:
    field = ENTITIES[conflict.entity].fields[conflict.field]
    now = shell.now()
    sides = [
        t(
            "decisions.side",
            who=_who(shell, by),
            value=listed(field, value, now) or t("conflict.empty"),
        )
        for by, value in (
            (conflict.kept_by, conflict.kept_value),
            (conflict.other_by, conflict.other_value),
        )
    ]
    found = t("decisions.found", when=formats.ago(conflict.found_at, now))
    return surfaces.line(
        f"conflict-{conflict.id}",
        label(conflict.field),
        lambda _: shell.go(f"/decisions/{conflict.id}"),
        icon=ft.Icons.CALL_SPLIT,
        text="\n".join([*sides, found]),
    )


def _who(shell: Shell, staff_id: str | None) -> str:
    if staff_id == shell.staff.id:
        return t("decisions.me")
    return staff_name(shell.store, staff_id) or t("conflict.someone")


def _line(shell: Shell, conflict: Conflict, customer: Customer | None) -> ft.Control:
    """A decision of the last weeks; what it left aside can come back."""
    field = ENTITIES[conflict.entity].fields[conflict.field]
    value = listed(field, losing_value(conflict), shell.now()) or t("conflict.empty")

    def bring_back() -> None:
        restore(shell.store, conflict)
        say(shell, t("decisions.restored", field=label(conflict.field)))

    whose = customer.name if customer else t(f"entity.{conflict.entity}")
    return surfaces.line(
        f"decided-{conflict.id}",
        f"{whose} · {label(conflict.field)}",
        text=t("decisions.aside", value=value),
        trailing=buttons.quiet(shell, f"restore-{conflict.id}", t("decisions.restore"), bring_back),
    )
