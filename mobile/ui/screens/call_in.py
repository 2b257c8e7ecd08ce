"""A customer calls: who, what, and a case of it in under a minute (S0 #13; S2 #81, #89, #112).
Works without a network, also for somebody whom this phone does not know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import flet as ft

from mobile.ui.components import buttons, frame, marks, surfaces, words
from mobile.ui.components.entry import text_entry
from mobile.ui.components.form import Form, use_form
from mobile.ui.components.messages import refusal_card, say
from mobile.ui.hooks import Held, keyed, use_held, use_state
from mobile.ui.screens.case.eight_steps import complaint_label
from mobile.ui.screens.customer.looking import use_search_look
from mobile.ui.screens.topics import Topics
from mobile.ui.state import Shell, use_query, use_shell, watch
from mobile.ui.texts import label, t
from mobile.usecases import complaints
from mobile.usecases.complaints import CALL_DRAFT, CALL_FIELDS, Caller
from mobile.usecases.customer_records import may_add_customers
from shared.clock import to_wire
from shared.declare import Personal
from shared.entities import Case, Customer
from shared.masking import mask

_FEW = 6  # hits that are shown
_WAIT_SECONDS = 0.25


@ft.component
def CallInScreen() -> ft.View:
    """The number is given when the case is saved. Who calls is part of the draft: a kill in the
    middle of a call costs no name and no number."""
    shell = use_shell()
    back = "/"
    form = use_form(
        shell,
        Case,
        draft=CALL_DRAFT,
        start={"kind": "complaint", "priority": "moderate", "occurred_at": to_wire(shell.now())},
    )
    watch(form.state)
    known_id = form.get("customer_id")
    form.about = ("customer", known_id) if known_id else None
    found = use_query(
        lambda store: store.get(Customer, known_id) if known_id else None, [known_id], ("customer",)
    )
    known = found.value  # whose access may end while one talks
    lacking, set_lacking = use_state(False)

    def save() -> None:
        name, phone = form.get("name") or "", form.get("phone") or ""
        nobody = known is None and not name.strip()
        set_lacking(nobody)
        if not form.complete(required=("kind", "title")) or nobody:
            return
        caller = Caller(known.id if known else None, name, phone)
        case = complaints.register(shell.store, caller, form.values)
        form.done()
        say(shell, t("customer.case.opened", number=case.number))
        shell.back(back)
        shell.go(f"/cases/{case.id}")

    title = t("call.title")
    if not may_add_customers(shell.role):
        return frame.screen(shell, [words.body(t("call.not_yours"))], title=title, back=back)
    who = (
        _chosen(shell, known, lambda: form.set("customer_id", None))
        if known is not None
        else keyed("who", Who, shell, form, lacking)
    )
    return frame.screen(
        shell,
        [who, form.field("kind"), keyed("facts", Facts, shell, form), form.saved_line()],
        title=title,
        back=back,
        bottom=[buttons.primary(shell, "save", t("call.register"), save, icon=ft.Icons.CHECK)],
    )


@ft.component
def Who(shell: Shell, form: Form, lacking: bool) -> ft.Control:
    """Name and number as they are said; whom this phone knows stands below to be tapped."""
    query, set_query = use_state(_told(form))
    typing: Held[asyncio.Task[None] | None] = use_held(None)
    found = use_query(
        lambda store: store.search(query, _FEW) if query else [], [query], ("customer",)
    )
    hits = [hit.record for hit in found.value or [] if isinstance(hit.record, Customer)]
    note, unrecorded = use_search_look(shell, query, len(hits))

    async def look_up() -> None:
        await asyncio.sleep(_WAIT_SECONDS)
        set_query(_told(form))

    def line(key: str, **more: Any) -> ft.Control:
        def typed(text: str) -> None:
            form.set(key, text, render=False)
            if typing.current is not None:
                typing.current.cancel()
            typing.current = asyncio.ensure_future(look_up())

        return text_entry(key, label(key), form.get(key) or "", typed, **more)

    def take(customer: Customer) -> Callable[[object], None]:
        def taken(_event: object) -> None:
            note()
            form.set("customer_id", customer.id)

        return taken

    error = t("form.required") if lacking else None
    lines: list[ft.Control] = [
        line("phone", keyboard_type=ft.KeyboardType.PHONE),
        line("name", error=error),
    ]
    if unrecorded is not None:
        lines.append(refusal_card(unrecorded))
    elif hits:
        lines.append(words.faint(t("call.known")))
        lines += [
            surfaces.line(
                f"known-{one.id}", one.name, take(one), icon=ft.Icons.PERSON_OUTLINE,
                text=mask(one.phone or "", Personal.PHONE), trailing=marks.tier(one.tier, one.vip),
            )
            for one in hits
        ]  # fmt: skip
    elif query:
        lines.append(words.faint(t("call.unknown")))
    return surfaces.section(t("call.who"), [surfaces.card(lines)])


def _told(form: Form) -> str:
    """What is looked up: the number or, before there is one, the name; "" for a first letter."""
    told = str(form.get("phone") or form.get("name") or "").strip()
    return told if len(told) > 1 else ""


@ft.component
def Facts(shell: Shell, form: Form) -> ft.Control:
    """What it is about; a complaint asks for time, place, course and impact (S2 #89)."""
    watch(form.state)
    complaint = form.get("kind") == "complaint"
    rows: list[ft.Control] = []
    for name in CALL_FIELDS:
        if name == "category":
            rows.append(keyed("topics", Topics, shell, form, "category"))
        elif name not in {"occurred_at", "impact"} or complaint:
            heading = complaint_label(name) if complaint else None
            more = {"lines": 3} if name in {"description", "impact"} else {}
            rows.append(form.field(name, label=heading, **more))
    return ft.Column(
        rows, spacing=16, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )


def _chosen(shell: Shell, customer: Customer, other: Callable[[], None]) -> ft.Control:
    badge = marks.tier(customer.tier, customer.vip)
    lines: list[ft.Control] = [words.title(customer.name, expand=True)]
    if badge is not None:
        lines.append(badge)
    lines.append(buttons.icon(shell, "other", ft.Icons.CLOSE, t("call.other"), other))
    return surfaces.card([ft.Row(lines)])
