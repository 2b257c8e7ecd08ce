"""What is left of a customer's records once the customer was erased (S2 #103, S4 #155).

Everything that says who they are, or that anyone wrote about them in their own words, goes; what
figures are made of stays: that there was a visit, a case, an order, when, of what kind and for how
much. The rule follows the declarations, so that a new personal field is erased without a word here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.declare import Entity, Field, Kind, Personal, fields_of

BLANK = "—"
"""Stands in a required text."""
NO_FILE = "0" * 64

_ALSO = {
    "customer": ("origin_ref", "owner_id", "decision_chain"),
    "case": ("origin_ref", "photo_ids"),
    "asset": ("serial",),
    "visit": ("photo_ids",),
    "report": ("photos_before", "photos_after"),
    "inspection": ("checklist",),
    "order": ("number",),
    "file": ("sha256", "verified_at"),
}
"""Not personal by themselves, but they lead back: numbers of things and of other systems, words of
one's own in a field that is meant for something else, the bytes of photos."""


def blanked(entity: Entity, row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that erasing its customer sets, and to what; None clears. What is so
    already is left out, so that a second time changes nothing."""
    also = _ALSO.get(entity.name, ())
    fresh: dict[str, Any] = {}
    for name, field in entity.fields.items():
        if name not in row:
            continue
        if name in also or field.personal is not Personal.NO:
            value = _nothing(entity.name, field)
        else:
            value = _within(field, row[name])
        if value != row[name]:
            fresh[name] = value
    return fresh


def _nothing(entity: str, field: Field) -> Any:
    if not field.required:
        return None
    return NO_FILE if entity == "file" and field.name == "sha256" else BLANK


def _within(field: Field, value: Any) -> Any:
    """A struct, or a list of them, without its personal fields."""
    if field.struct is None or value is None:
        return value
    inner = fields_of(field.struct)
    if field.kind is Kind.MANY:
        return [_plain(inner, item) for item in value]
    return _plain(inner, value)


def _plain(inner: Mapping[str, Field], item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: BLANK if name in inner and inner[name].required and _speaks(inner, name) else value
        for name, value in item.items()
        if not _speaks(inner, name) or inner[name].required
    }


def _speaks(inner: Mapping[str, Field], name: str) -> bool:
    return name in inner and inner[name].personal is not Personal.NO
