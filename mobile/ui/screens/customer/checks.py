"""The two checks that are due by the calendar: contact details monthly (S0 #5), needs quarterly
(S0 #6). They stand with the customer, and in the visit that is due anyway."""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, marks, surfaces, words
from mobile.ui.components.messages import say
from mobile.ui.screens.visit.seen import Seen
from mobile.ui.state import Shell
from mobile.ui.texts import t
from mobile.ui.theme import GAP
from mobile.usecases import customer_records
from mobile.usecases.customer_page import Checks, checks
from shared.entities import Customer


def both(shell: Shell, customer: Customer, due: Checks) -> ft.Control:
    """Both of them, one tap each."""
    return surfaces.card([_row(shell, customer, due, name) for name in ("contacts", "needs")])


def along(shell: Shell, seen: Seen) -> list[ft.Control]:
    """What falls due until this visit and is done along with it; nothing for who may not."""
    if not customer_records.may_add_customers(shell.role):
        return []
    customer = seen.customer
    due = checks(customer, customer.created_at or shell.now(), shell.store.policy())
    names = due.until(max(seen.visit.planned_at, shell.now()))
    if not names:
        return []
    rows = [_row(shell, customer, due, name) for name in names]
    return [surfaces.section(t("visit.section.along"), [surfaces.card(rows)])]


def _row(shell: Shell, customer: Customer, due: Checks, name: str) -> ft.Control:
    now = shell.now()

    def verify() -> None:
        customer_records.verify_contact_details(shell.store, customer)
        say(shell, t("customer.verified"))

    def review() -> None:
        customer_records.review_needs(shell.store, customer)
        say(shell, t("customer.reviewed"))

    asked = {
        "contacts": ("verify", customer.contact_verified_at, due.contacts_due_at, verify),
        "needs": ("review", customer.needs_reviewed_at, due.needs_due_at, review),
    }
    key, last, due_at, act = asked[name]
    said = (
        t("customer.check.last", when=formats.ago(last, now)) if last else t("customer.check.never")
    )
    lines: list[ft.Control] = [words.body(t(f"customer.check.{name}")), words.faint(said)]
    if due_at < now:
        lines.append(marks.badge(t("customer.check.due"), "wait", ft.Icons.SCHEDULE))
    return ft.Row(
        [
            ft.Column(lines, spacing=2, tight=True, expand=True),
            buttons.tonal(shell, key, t(f"customer.check.{key}"), act),
        ],
        spacing=GAP,
    )


__all__ = ["along", "both"]
