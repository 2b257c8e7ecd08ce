"""Rows to dataclasses and back, and the check that every value from outside must pass.

`check` is strict, for what a device or a form hands in; `read` is lenient, for what a server of
another version sends: it passes over fields that it does not know.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields as dataclass_fields
from datetime import date, datetime
from typing import Any, TypeVar

from shared.clock import from_wire, to_wire
from shared.declare import MARKS, Entity, Field, Kind, Role, fields_of
from shared.errors import Code, Refusal, repeatable
from shared.ids import is_id

T = TypeVar("T")


def read(cls: type[T], row: Mapping[str, Any]) -> T:
    """The record or struct `cls` of a stored row; unknown fields are passed over, missing ones
    are None."""
    readable = _READABLE.get(cls) or _readable(cls)
    values: dict[str, Any] = {}
    for name, value in row.items():
        if name in readable:
            field = readable[name]
            values[name] = value if field is None or value is None else _inward(field, value)
    return cls(**values)


def _readable(cls: type) -> Mapping[str, Field | None]:
    """What is taken from a row, and the declaration of what has another form inside. Kept, because
    a list of customers reads it ten thousand times."""
    declared = {**MARKS, **fields_of(cls)}
    taken = {f.name: declared.get(f.name) for f in dataclass_fields(cls)}
    _READABLE[cls] = {
        name: field if field and field.kind in _OTHER_INSIDE else None
        for name, field in taken.items()
        if field or name == "id"
    }
    return _READABLE[cls]


_READABLE: dict[type, Mapping[str, Field | None]] = {}
_OTHER_INSIDE = frozenset({Kind.INSTANT, Kind.DAY, Kind.STRUCT, Kind.MANY})


def write(record: Any) -> dict[str, Any]:
    """The row of a record or struct: wire values, nulls and empty lists left out."""
    declared = {**MARKS, **fields_of(type(record))}
    row: dict[str, Any] = {}
    if hasattr(record, "id"):
        row["id"] = record.id
    for name, field in declared.items():
        value = getattr(record, name, None)
        if value is not None and value != ():
            row[name] = to_row_value(field, value)
    return row


def to_row_value(field: Field, value: Any) -> Any:
    """The wire form of one value: what `write` puts into a row and a use case into a change's
    fields."""
    if value is None:
        return None
    if field.kind is Kind.INSTANT and isinstance(value, datetime):
        return to_wire(value)
    if field.kind is Kind.DAY and isinstance(value, date):
        return value.isoformat()
    if field.kind is Kind.STRUCT and not isinstance(value, Mapping):
        return write(value)
    if field.kind is Kind.MANY:
        return [
            (v if isinstance(v, Mapping) else write(v))
            if field.struct
            else to_row_value(field.item, v)  # type: ignore[arg-type]  # a list has one or the other
            for v in value
        ]
    return value


def _inward(field: Field, value: Any) -> Any:
    if field.kind is Kind.INSTANT:
        return from_wire(value)
    if field.kind is Kind.DAY:
        return date.fromisoformat(value)
    if field.kind is Kind.STRUCT and field.struct:
        return read(field.struct, value)
    if field.kind is Kind.MANY:
        if field.struct:
            return tuple(read(field.struct, v) for v in value)
        return tuple(value)
    return value


def check(
    entity: Entity, values: Mapping[str, Any], *, role: Role | None = None, whole: bool = False
) -> dict[str, Any]:
    """`values` in their one wire form, or a `Refusal` that names the field and its limit.

    `role` also checks who may write each field (None: the server itself). `whole` asks for all
    required fields, as a creation does. A None clears a field, unless it is required.
    """
    checked: dict[str, Any] = {}
    for name, value in values.items():
        field = entity.fields.get(name)
        if field is None:
            raise Refusal(Code.UNKNOWN_FIELD, entity=entity.name, field=repeatable(name))
        if role is not None and role not in field.writers:
            raise Refusal(Code.FIELD_NOT_YOURS, entity=entity.name, field=name)
        plain = _PLAIN.get(field.kind)
        if plain is not None and plain(field, value):
            checked[name] = value
        else:
            checked[name] = _checked(field, value, f"{entity.name}.{name}")
    if whole:
        for name in _required(entity):
            if checked.get(name) is None:
                raise Refusal(Code.FIELD_REQUIRED, entity=entity.name, field=name)
    return checked


def _required(entity: Entity) -> list[str]:
    found = _REQUIRED.get(entity.cls)
    if found is None:
        found = _REQUIRED[entity.cls] = [n for n, f in entity.fields.items() if f.required]
    return found


_REQUIRED: dict[type, list[str]] = {}


def _checked(field: Field, value: Any, path: str) -> Any:
    if value is None:
        if field.required:
            raise Refusal(Code.FIELD_REQUIRED, field=path)
        return None
    return _CHECKS[field.kind](field, value, path)


def _invalid(path: str, wanted: str) -> Refusal:
    return Refusal(Code.FIELD_INVALID, field=path, wanted=wanted)


_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff]").search
"""Control characters but newline and tab, and half characters, which no UTF-8 has."""


def _text(field: Field, value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _invalid(path, "text")
    if len(value) > field.limit:
        raise Refusal(Code.FIELD_TOO_LONG, field=path, limit=field.limit, length=len(value))
    if _NO_TEXT(value):
        raise _invalid(path, "text without control characters")
    if field.required and not value.strip():
        raise Refusal(Code.FIELD_REQUIRED, field=path)
    return value


def _whole_number(field: Field, value: Any, path: str) -> int:
    if type(value) is not int:
        raise _invalid(path, "whole number")
    return int(_within(field, value, path))


def _number(field: Field, value: Any, path: str) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise _invalid(path, "number")
    return _within(field, value, path)


def _within(field: Field, value: float, path: str) -> float:
    if (field.low is not None and value < field.low) or (
        field.high is not None and value > field.high
    ):
        raise _invalid(path, f"{field.low:g} to {field.high:g}")
    return value


def _boolean(_field: Field, value: Any, path: str) -> bool:
    if type(value) is not bool:
        raise _invalid(path, "yes or no")
    return value


_WIRE_FORM = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d\.\d{3}Z", re.ASCII).fullmatch


def _instant(_field: Field, value: Any, path: str) -> str:
    try:
        if isinstance(value, datetime):
            return to_wire(value)
        moment = from_wire(value)
        return value if _WIRE_FORM(value) else to_wire(moment)
    except (TypeError, ValueError, OverflowError):
        raise _invalid(path, "time with its zone") from None


def _day(_field: Field, value: Any, path: str) -> str:
    try:
        return (value if type(value) is date else date.fromisoformat(value)).isoformat()
    except (TypeError, ValueError):
        raise _invalid(path, "day") from None


def _choice(field: Field, value: Any, path: str) -> str:
    if value not in field.choices:
        raise _invalid(path, "|".join(field.choices))
    return str(value)


def _reference(_field: Field, value: Any, path: str) -> str:
    if not is_id(value):
        raise _invalid(path, "id")
    return str(value)


def _struct(field: Field, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        if not isinstance(value, field.struct or ()):
            raise _invalid(path, "object")
        value = write(value)
    declared = fields_of(field.struct)  # type: ignore[arg-type]  # a struct field has its class
    for name in value:
        if name not in declared:
            raise Refusal(Code.UNKNOWN_FIELD, field=f"{path}.{repeatable(name)}")
    done = {n: _checked(f, value.get(n), f"{path}.{n}") for n, f in declared.items()}
    return {n: v for n, v in done.items() if v is not None and v != []}


def _many(field: Field, value: Any, path: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise _invalid(path, "list")
    if len(value) > field.limit:
        raise Refusal(Code.FIELD_TOO_LONG, field=path, limit=field.limit, length=len(value))
    if field.struct:
        return [_struct(field, v, f"{path}[{i}]") for i, v in enumerate(value)]
    item = field.item
    assert item is not None  # a list that holds no structs declares its plain element
    return [_CHECKS[item.kind](item, v, f"{path}[{i}]") for i, v in enumerate(value)]


def _json(_field: Field, value: Any, _path: str) -> Any:
    return value


_CHECKS = {
    Kind.TEXT: _text,
    Kind.INTEGER: _whole_number,
    Kind.MONEY: _whole_number,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.INSTANT: _instant,
    Kind.DAY: _day,
    Kind.CHOICE: _choice,
    Kind.REFERENCE: _reference,
    Kind.STRUCT: _struct,
    Kind.MANY: _many,
    Kind.JSON: _json,
}


def _plain_text(field: Field, value: Any) -> bool:
    return (
        type(value) is str
        and 0 < len(value) <= field.limit
        and _NO_TEXT(value) is None
        and (not field.required or not value.isspace())
    )


def _plain_instant(_field: Field, value: Any) -> bool:
    if type(value) is not str or _WIRE_FORM(value) is None:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


_PLAIN: Mapping[Kind, Callable[[Field, Any], bool]] = {
    Kind.TEXT: _plain_text,
    Kind.INSTANT: _plain_instant,
    Kind.CHOICE: lambda field, value: type(value) is str and value in field.choices,
    Kind.REFERENCE: lambda _field, value: is_id(value),
}
"""What certainly passes `_checked` and stays as it is, seen at a glance: nearly every value of a
day's thousand. Everything else goes the long way, which alone refuses and rewrites."""
