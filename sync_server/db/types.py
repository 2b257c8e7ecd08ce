"""Column types that hold wire values: what goes in and comes out is exactly what a row has.

On PostgreSQL times are ``timestamptz`` and days ``date``; on SQLite both are their own text,
which sorts rightly.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Date, DateTime, Float, String, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from shared.clock import from_wire, to_wire
from shared.declare import Field, Kind
from sync_server.db.sealing import Sealed


class Instant(TypeDecorator[str]):
    """A moment in its wire form, ``2026-11-21T08:30:00.000Z``."""

    impl = String(24)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return DateTime(timezone=True) if dialect.name == "postgresql" else String(24)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "postgresql":
            return value
        return from_wire(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 (its base's signature)
        return to_wire(value) if isinstance(value, datetime) else value


class Day(TypeDecorator[str]):
    """A calendar day in its wire form, ``2026-11-21``."""

    impl = String(10)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Date() if dialect.name == "postgresql" else String(10)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "postgresql":
            return value
        return date.fromisoformat(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 (its base's signature)
        return value.isoformat() if isinstance(value, date) else value


JsonValue = JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

_TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.TEXT: Text(),
    Kind.INTEGER: BigInteger(),
    Kind.NUMBER: Float(),
    Kind.BOOLEAN: Boolean(),
    Kind.INSTANT: Instant(),
    Kind.DAY: Day(),
    Kind.CHOICE: String(40),
    Kind.REFERENCE: String(36),
    Kind.MONEY: BigInteger(),
    Kind.STRUCT: JsonValue,
    Kind.MANY: JsonValue,
    Kind.JSON: JsonValue,
}


def column_type(field: Field, context: str) -> TypeEngine[Any]:
    """The type of a declared field's column; `context` is ``table.column``."""
    if field.holds_personal:
        return Sealed(context, as_json=field.kind is not Kind.TEXT)
    return _TYPES[field.kind]
