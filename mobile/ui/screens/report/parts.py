"""Parts that were fitted: added, counted, changed and taken out with one thumb."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.entry import text_entry
from mobile.ui.components.form import Form
from mobile.ui.components.messages import say
from mobile.ui.hooks import keyed, use_maybe
from mobile.ui.state import Shell, use_query, watch
from mobile.ui.texts import label, t
from mobile.usecases.repairs import Job
from shared.entities import Report

Part = dict[str, Any]
NEW = -1
_EDITING = "editing_part"  # the half-typed part, in the draft beside the report's own fields
_MOST = 10_000  # of one part (shared.entities.report)


@ft.component
def Parts(shell: Shell, _job: Job, _report: Report, form: Form, _go: Any) -> ft.Control:
    """The list, and below it the part being typed or the way to add one."""
    watch(form.state)
    parts: list[Part] = form.get("parts") or []
    editing: Part | None = form.get(_EDITING)

    def edit(part: Part | None) -> None:
        form.set(_EDITING, part)

    rows: list[ft.Control] = []
    for place, part in enumerate(parts):
        if editing is not None and editing["place"] == place:
            rows.append(keyed(f"edit-{place}", Editor, shell, form, editing))
        else:
            rows.append(_row(shell, form, place, part, edit))
    if editing is not None and editing["place"] == NEW:
        rows.append(keyed("edit-new", Editor, shell, form, editing))
    elif editing is None:
        rows.append(
            buttons.tonal(
                shell, "add-part", t("report.parts.add"),
                lambda: edit({"place": NEW, "quantity": 1}), icon=ft.Icons.ADD,
            )
        )  # fmt: skip
    if not parts and editing is None:
        rows.insert(0, words.faint(t("report.parts.none")))
    return surfaces.section(label("parts"), rows)


def _row(
    shell: Shell, form: Form, place: int, part: Part, edit: Callable[[Part], None]
) -> ft.Control:
    def count(by: int) -> None:
        quantity = min(max(part["quantity"] + by, 1), _MOST)
        _put(form, place, {**part, "quantity": quantity})

    def remove() -> None:
        before = form.get("parts") or []
        form.set("parts", [p for at, p in enumerate(before) if at != place])
        say(shell, t("report.parts.removed"), undo=lambda: form.set("parts", before))

    name, price = part["name"], part.get("unit_price_cents")
    facts = [part.get("code"), formats.money(price, part.get("currency"))]
    return surfaces.card(
        [
            ft.Row(
                [
                    ft.Column(
                        [
                            words.title(name),
                            words.faint(" · ".join(fact for fact in facts if fact)),
                        ],
                        spacing=0,
                        tight=True,
                        expand=True,
                    ),
                    buttons.icon(
                        shell, f"part-{place}-edit", ft.Icons.EDIT_OUTLINED,
                        f"{t('action.edit')} {name}", lambda: edit({**part, "place": place}),
                    ),
                    buttons.icon(
                        shell, f"part-{place}-remove", ft.Icons.DELETE_OUTLINE,
                        f"{t('action.remove')} {name}", remove,
                    ),
                ]
            ),
            _stepper(shell, f"part-{place}", name, part["quantity"], count),
        ],
        padding=12,
        spacing=0,
    )  # fmt: skip


def _stepper(
    shell: Shell, key: str, name: str, quantity: int, count: Callable[[int], None]
) -> ft.Control:
    return ft.Row(
        [
            words.body(label("quantity"), expand=True),
            buttons.icon(
                shell, f"{key}-less", ft.Icons.REMOVE, t("report.parts.less", name=name),
                lambda: count(-1), disabled=quantity <= 1,
            ),
            words.title(str(quantity), key=f"{key}-quantity"),
            buttons.icon(
                shell, f"{key}-more", ft.Icons.ADD, t("report.parts.more", name=name),
                lambda: count(1),
            ),
        ]
    )  # fmt: skip


def _put(form: Form, place: int, part: Part) -> None:
    """Replaces the part at `place`, or adds it."""
    parts = [*(form.get("parts") or [])]
    if place == NEW:
        parts.append(part)
    else:
        parts[place] = part
    form.set("parts", parts)


@ft.component
def Editor(shell: Shell, form: Form, part: Part) -> ft.Control:
    """A part being typed: in the report's draft, until it is said to join the list."""
    problem, set_problem = use_maybe(str)
    currency = use_query(lambda store: store.currency(), watch=("organisation",)).value or ""
    part = form.get(_EDITING) or part  # typing renders nothing: `part` is as it was at first

    def typed(name: str) -> Callable[[str], None]:
        def tell(text: str) -> None:
            now = {**(form.get(_EDITING) or part), name: text}
            form.set(_EDITING, now, render=False)

        return tell

    def done() -> None:
        now = form.get(_EDITING) or part
        try:
            made = _made(now, currency)
        except (InvalidOperation, ValueError):
            set_problem(t("form.no_number"))
            return
        if not made["name"]:
            set_problem(t("report.parts.nameless"))
            return
        form.set(_EDITING, None)
        _put(form, now["place"], made)

    def entry(name: str, **more: Any) -> ft.Control:
        value = part.get(name)
        called, text = more.pop("called", label(name)), "" if value is None else str(value)
        return text_entry(f"part-{name}", called, text, typed(name), **more)

    price = part.get("unit_price_cents")
    part = {**part, "price": part.get("price", "" if price is None else f"{price / 100:.2f}")}
    lines: list[ft.Control] = [
        entry("name", called=t("report.parts.name"), max_length=120, counter="", autofocus=True),
        entry("code", max_length=40, counter=""),
        ft.Row(
            [
                entry("quantity", keyboard_type=ft.KeyboardType.NUMBER, expand=True),
                entry(
                    "price", called=label("unit_price_cents"), keyboard_type=ft.KeyboardType.NUMBER,
                    suffix=currency or None, expand=True,
                ),
            ]
        ),
    ]  # fmt: skip
    if problem is not None:
        lines.append(words.faint(problem, color=ft.Colors.ERROR))
    lines.append(
        ft.Row(
            [
                buttons.quiet(
                    shell, "part-no", t("action.cancel"), lambda: form.set(_EDITING, None)
                ),
                buttons.tonal(shell, "part-yes", t("action.done"), done),
            ],
            alignment=ft.MainAxisAlignment.END,
        )
    )
    return surfaces.card(lines)


def _made(typed: Part, currency: str) -> Part:
    """The part in wire form. ValueError or InvalidOperation for what is no number."""
    quantity = int(str(typed.get("quantity") or "1"))
    if not 1 <= quantity <= _MOST:
        raise ValueError("out of range")
    made: Part = {"name": str(typed.get("name") or "").strip(), "quantity": quantity}
    if code := str(typed.get("code") or "").strip():
        made["code"] = code
    kept = typed.get("unit_price_cents")
    price = str(typed.get("price", "" if kept is None else kept / 100)).replace(",", "").strip()
    if price:
        made["unit_price_cents"] = int((Decimal(price) * 100).to_integral_exact())
        if currency:
            made["currency"] = typed.get("currency") or currency
    return made
