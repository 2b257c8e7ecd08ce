"""What stands in a record's field, in words."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from shared.clock import from_wire
from shared.declare import Field, Kind
from sync_server.admin.texts import Words


def field_words(words: Words, field: Field, value: Any) -> str:
    """What a person reads for a value in wire form. What does not fit its field, as a change that
    nobody has judged may have it, is shown as it came."""
    if value in (None, "", []):
        return "–"
    if isinstance(value, bool):
        return words("policy.on" if value else "policy.off")
    if isinstance(value, list):
        texts = field.item is not None and field.item.kind is Kind.TEXT
        return words("policy.list_mark").join(map(str, value)) if texts else str(len(value))
    if isinstance(value, dict):
        return "…"
    if field.kind is Kind.CHOICE and words.has(f"choice.{field.name}.{value}"):
        return words.choice(field.name, value)
    if field.kind is Kind.MONEY and isinstance(value, int):
        return f"{value / 100:,.2f}"
    if field.kind is Kind.INSTANT and isinstance(value, str):
        with suppress(ValueError):
            return words.when(from_wire(value))
    return str(value)


__all__ = ["field_words"]
