"""Whom something new is about: the customer that the address names, or the customer of its case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flet as ft

from mobile.store.store import Store
from mobile.ui.components import frame
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import keyed
from mobile.ui.state import Shell, use_query, use_shell
from shared.entities import Case, Customer
from shared.errors import Code, Refusal


@dataclass(frozen=True, slots=True)
class Subject:
    """`asset_id` is what the address asks for (`?asset=`), else what the case is about."""

    customer: Customer
    case: Case | None = None
    asset_id: str | None = None

    @property
    def about(self) -> tuple[str, str]:
        """The record with which a draft shows and hides."""
        return ("case", self.case.id) if self.case else ("customer", self.customer.id)

    @property
    def back(self) -> str:
        """Where one came from."""
        return f"/cases/{self.case.id}" if self.case else f"/customers/{self.customer.id}"


def for_subject(title: str, component: Callable[..., Any]) -> ft.View:
    """The screen that `component(shell, subject)` draws for the address's subject, or why there is
    none (a hook)."""
    shell = use_shell()
    subject, refusal = _use_subject(shell)
    if subject is None:
        return frame.screen(shell, [refusal_card(refusal)], title=title, back="/customers")
    drawn: ft.View = keyed(f"{title} at {subject.back}", component, shell, subject)
    return drawn


def _use_subject(shell: Shell) -> tuple[Subject | None, Refusal]:
    """The subject of `/customers/:customer_id/…` or `/cases/:case_id/…` (a hook), or why there is
    none."""
    params = ft.use_route_params()
    customer_id, case_id = params.get("customer_id", ""), params.get("case_id", "")
    asked = parse_qs(urlsplit(shell.page.route or "").query).get("asset", [None])[0]
    found = use_query(
        lambda store: _read(store, customer_id, case_id, asked),
        [customer_id, case_id, asked],
        ("customer", "case"),
    )
    return found.value, found.refusal or Refusal(Code.RECORD_MISSING)


def _read(store: Store, customer_id: str, case_id: str, asset_id: str | None) -> Subject:
    case = store.get(Case, case_id) if case_id else None
    customer = store.get(Customer, case.customer_id if case else customer_id)
    if customer is None or bool(case_id) != (case is not None):
        raise Refusal(Code.RECORD_MISSING)
    return Subject(customer, case, asset_id or (case.asset_id if case else None))
