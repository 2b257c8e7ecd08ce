"""One editor per kind of field. Each writes wire values into its form; what is none is refused
at the field.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import flet as ft

from mobile.ui import formats
from mobile.ui.components import chips, words
from mobile.ui.components.entry import text_entry
from mobile.ui.texts import choice, label, t
from mobile.ui.theme import TARGET
from shared.clock import from_wire, to_wire
from shared.declare import Field, Kind

if TYPE_CHECKING:
    from mobile.ui.components.form import Form

_CHIPS_UP_TO = 7
_LONG_TEXT = 200


def editor(form: Form, field: Field, **more: Any) -> ft.Control:
    """The editor of one field. Lists and structs have none: their screens draw them."""
    return _EDITORS[field.kind](form, field, more)


def _heading(field: Field, more: dict[str, Any]) -> str:
    return more.get("label") or label(field.name)


def _text(form: Form, field: Field, more: dict[str, Any]) -> ft.Control:
    lines = more.get("lines", 4 if field.limit > _LONG_TEXT else 1)
    return text_entry(
        field.name,
        _heading(field, more),
        form.get(field.name) or "",
        lambda text: form.set(field.name, text, render=False),
        hint_text=more.get("hint"),
        error=form.errors.get(field.name),
        max_length=field.limit,
        counter=None if lines > 1 else "",
        multiline=lines > 1,
        align_label_with_hint=lines > 1,
        min_lines=lines if lines > 1 else None,
        max_lines=lines + 6 if lines > 1 else 1,
        keyboard_type=_KEYBOARDS.get(field.name, ft.KeyboardType.TEXT),
    )


_KEYBOARDS = {"phone": ft.KeyboardType.PHONE, "email": ft.KeyboardType.EMAIL}


def _number(read: Callable[[str], Any], show: Callable[[Any], str]) -> Any:
    def edit(form: Form, field: Field, more: dict[str, Any]) -> ft.Control:
        value = form.get(field.name)
        kept = form.typed.get(field.name)

        def tell(text: str) -> None:
            try:
                number = read(text.strip()) if text.strip() else None
            except (ValueError, ArithmeticError):
                form.refuse(field.name, t("form.no_number"))
            else:
                form.set(field.name, number, render=False)
            form.typed[field.name] = text  # "12." is on its way to a number: leave it as it stands

        low, high = field.low, field.high
        bounded = field.kind is not Kind.MONEY and low is not None and high is not None
        return text_entry(
            field.name,
            _heading(field, more),
            kept if kept is not None else "" if value is None else show(value),
            tell,
            error=form.errors.get(field.name),
            helper=t("form.between", low=f"{low:g}", high=f"{high:g}") if bounded else None,
            keyboard_type=ft.KeyboardType.NUMBER,
        )

    return edit


def _boolean(form: Form, field: Field, more: dict[str, Any]) -> ft.Control:
    control = ft.Switch(
        key=field.name,
        label=_heading(field, more),
        value=bool(form.get(field.name)),
        on_change=lambda _: form.set(field.name, not form.get(field.name)),
    )
    return _with_error(form, field, ft.Row([control], height=TARGET))


def _choice(form: Form, field: Field, more: dict[str, Any]) -> ft.Control:
    if len(field.choices) > _CHIPS_UP_TO:
        return ft.Dropdown(
            key=field.name,
            label=_heading(field, more),
            value=form.get(field.name),
            options=[ft.DropdownOption(key=w, text=choice(field.name, w)) for w in field.choices],
            error_text=form.errors.get(field.name),
            expand=True,
            on_select=lambda event: form.set(field.name, event.data),
        )
    picked = form.get(field.name)

    options = [(word, choice(field.name, word)) for word in more.get("only", field.choices)]

    def pick(word: str | None) -> None:
        form.set(field.name, word)

    row = chips.chips(field.name, options, picked, pick)
    box = ft.Column([words.faint(_heading(field, more)), row], spacing=4, tight=True)
    return _with_error(form, field, box)


def _day(form: Form, field: Field, more: dict[str, Any]) -> ft.Control:
    value = form.get(field.name)
    shown = formats.day(date.fromisoformat(value), form.shell.now()) if value else ""

    def open_picker(_event: Any) -> None:
        pick_day(form, date.fromisoformat(value) if value else None, chosen)

    def chosen(day: date) -> None:
        form.set(field.name, day.isoformat())

    return _picked(form, field, more, shown, open_picker, ft.Icons.EVENT)


def _instant(form: Form, field: Field, more: dict[str, Any]) -> ft.Control:
    value = form.get(field.name)
    moment = from_wire(value) if value else None
    shown = formats.when(moment, form.shell.now())

    def open_picker(_event: Any) -> None:
        start = formats.local(moment or form.shell.now() + timedelta(hours=1))
        pick_day(form, start.date(), lambda day: pick_time(form, start.time(), day, chosen))

    def chosen(day: date, at: time) -> None:
        local = datetime.combine(day, at.replace(second=0, microsecond=0), formats.zone())
        form.set(field.name, to_wire(local.astimezone(UTC)))

    return _picked(form, field, more, shown, open_picker, ft.Icons.SCHEDULE)


def pick_day(form: Form, start: date | None, chosen: Callable[[date], None]) -> None:
    """Opens the calendar; `chosen` is called with the day, or never."""
    today = formats.local(form.shell.now()).date()

    def changed(event: ft.Event[ft.DatePicker]) -> None:
        if event.control.value is not None:
            chosen(_picked_day(event.control.value))

    form.shell.page.show_dialog(
        ft.DatePicker(
            value=datetime.combine(start or today, time(12)),
            first_date=datetime(1920, 1, 1, 12),  # noqa: DTZ001 - a calendar's day has no zone
            last_date=datetime(today.year + 10, 12, 31, 12),  # noqa: DTZ001 - as above
            on_change=changed,
        )
    )


def _picked_day(value: date | datetime) -> date:
    """The client hands the chosen day over as the instant of its local midnight."""
    if not isinstance(value, datetime):
        return value
    return (value.astimezone() if value.tzinfo else value).date()


def pick_time(form: Form, start: time, day: date, chosen: Callable[[date, time], None]) -> None:
    """Opens the clock after the calendar; `chosen` is called with both, or never."""

    def changed(event: ft.Event[ft.TimePicker]) -> None:
        if event.control.value is not None:
            chosen(day, event.control.value)

    form.shell.page.show_dialog(
        ft.TimePicker(value=time(start.hour, start.minute), on_change=changed)
    )


def _picked(
    form: Form, field: Field, more: dict[str, Any], shown: str, open_picker: Any, icon: ft.IconData
) -> ft.Control:
    heading = _heading(field, more)
    row: list[ft.Control] = [
        ft.OutlinedButton(
            f"{heading}{t('form.colon')}{shown or t('form.choose')}",
            key=field.name,
            icon=icon,
            expand=True,
            style=ft.ButtonStyle(
                shape=ft.RoundedRectangleBorder(radius=12),
                padding=ft.Padding.symmetric(horizontal=16, vertical=16),
                alignment=ft.Alignment.CENTER_LEFT,
            ),
            on_click=open_picker,
        )
    ]
    if shown and not field.required:
        row.append(
            ft.IconButton(
                ft.Icons.CLOSE,
                key=f"{field.name}-clear",
                tooltip=f"{t('action.clear')} {heading}",
                width=TARGET,
                height=TARGET,
                on_click=lambda _: form.set(field.name, None),
            )
        )
    return _with_error(form, field, ft.Row(row))


def _with_error(form: Form, field: Field, control: ft.Control) -> ft.Control:
    problem = form.errors.get(field.name)
    if not problem:
        return control
    return ft.Column([control, words.faint(problem, color=ft.Colors.ERROR)], spacing=2, tight=True)


def _cents(text: str) -> int:
    """Cents of an amount as typed, also with full-width digits or a yuan sign before it."""
    from decimal import Decimal

    plain = unicodedata.normalize("NFKC", text).replace(",", "").lstrip("\u00a5")
    cents = Decimal(plain) * 100
    if cents != int(cents):
        raise ValueError("a cent is not divided")
    return int(cents)


_EDITORS: dict[Kind, Callable[[Any, Field, dict[str, Any]], ft.Control]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _number(int, str),
    Kind.NUMBER: _number(float, lambda value: f"{value:g}"),
    Kind.MONEY: _number(_cents, lambda cents: f"{cents / 100:.2f}"),
    Kind.BOOLEAN: _boolean,
    Kind.CHOICE: _choice,
    Kind.DAY: _day,
    Kind.INSTANT: _instant,
}
