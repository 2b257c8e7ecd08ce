"""A stored value in words, by its field's declaration."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from mobile.ui import formats
from mobile.ui.texts import choice, t
from shared.clock import from_wire
from shared.declare import Field, Kind
from shared.masking import mask


def listed(field: Field, value: Any, now: datetime) -> str:
    """`shown`, as a list may show it: numbers and addresses masked."""
    return mask(shown(field, value, now), field.personal)


def shown(field: Field, value: Any, now: datetime) -> str:
    """What a person reads for a value in wire form; empty for none."""
    if value in (None, "", []):
        return ""
    match field.kind:
        case Kind.CHOICE:
            return choice(field.name, str(value))
        case Kind.BOOLEAN:
            return t("value.yes" if value else "value.no")
        case Kind.INSTANT:
            return formats.when(from_wire(str(value)), now)
        case Kind.DAY:
            return formats.day(date.fromisoformat(str(value)), now)
        case Kind.MONEY:
            return formats.money(int(value), None)
        case Kind.MANY:
            if field.item is not None and field.item.kind is Kind.TEXT:
                return " · ".join(map(str, value))
            return t("value.items", count=len(value))
        case Kind.STRUCT | Kind.JSON:
            return "…"
        case _:
            return str(value)
