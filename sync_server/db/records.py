"""One typed table per declared entity, and the way between its rows and the rows of the protocol.

Every table has `org_id`, `id`, the four marks, the declared fields, and two columns of
bookkeeping: `seq`, the number of the record's last write, and `versions`, by whom and when each
field was last written (`merge.Stored.seen`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Row, String, Table

import shared.entities  # noqa: F401 (declares every entity)
from shared.declare import ENTITIES, MARKS, Entity, Kind, Personal
from sync_server.db.base import METADATA
from sync_server.db.sealing import KeyRing
from sync_server.db.types import JsonValue, column_type

_LOOKED_UP = {
    "grant": ("bucket",),
    "assignment": ("subject_id",),
    "conflict": ("record_id", "resolution found_at id", "found_at id"),
    "customer": ("owner_id id", "store_id id", "origin_ref id", "referred_by_id"),
    "staff": ("name id", "store_id id"),
    "store": ("name id",),
    "callback": ("assignee_id",),
    "case": ("state opened_at id",),
    "file": ("sha256",),
    "feedback": ("topic", "due_at id"),
    "look": ("created_by", "seq"),
    "visit": ("owner_id planned_at",),
    "retention_plan": ("state due_at id",),
    "tier_proposal": ("state proposed_at id", "state axis"),
}
"""Columns that the server's own rules and the console's lists search by, beside what the
declarations tie records together by; several in one index have blanks between."""


def table_name(entity: str) -> str:
    """`case`, `order` and `grant` are words of SQL; with the ending none of them needs quotes."""
    return f"{entity}_row"


def _table(entity: Entity) -> Table:
    name = table_name(entity.name)
    fields = {**MARKS, **entity.fields}
    columns = [Column(f, column_type(d, f"{name}.{f}")) for f, d in fields.items()]
    hashes = [Column(f"{f}_hash", String(64)) for f in phone_fields(entity)]
    searched = dict.fromkeys(
        f for f in (entity.customer, entity.case, entity.user) if f and f != "id"
    )
    searched |= dict.fromkeys(f"{f}_hash" for f in phone_fields(entity))
    searched |= dict.fromkeys(_LOOKED_UP.get(entity.name, ()))
    return Table(
        name,
        METADATA,
        Column("org_id", String(36), nullable=False),
        Column("id", String(36), nullable=False),
        *columns,
        *hashes,
        Column("seq", BigInteger, nullable=False),
        Column("versions", JsonValue),
        PrimaryKeyConstraint("org_id", "id"),
        *(Index(None, "org_id", *columns.split()) for columns in searched),
    )


def phone_fields(entity: Entity) -> tuple[str, ...]:
    """Fields that have a keyed hash beside them."""
    return tuple(
        n for n, f in entity.fields.items() if f.personal is Personal.PHONE and f.kind is Kind.TEXT
    )


RECORDS: Mapping[str, Table] = {
    name: _table(entity) for name, entity in ENTITIES.items() if not entity.anonymous
}
"""Typed table by entity name. What is anonymous has none: it is counted (`db.surveys`)."""

ROW_FIELDS: Mapping[str, tuple[str, ...]] = {
    name: ("id", *MARKS, *entity.fields) for name, entity in ENTITIES.items()
}
_PHONES = {name: phone_fields(entity) for name, entity in ENTITIES.items()}


def to_columns(
    org_id: str, entity: str, row: Mapping[str, Any], seq: int, versions: Any, ring: KeyRing
) -> dict[str, Any]:
    """The column values of a record; those that it leaves out are null."""
    values: dict[str, Any] = {**row, "org_id": org_id, "seq": seq, "versions": versions}
    for name in _PHONES[entity]:
        if phone := row.get(name):
            values[f"{name}_hash"] = ring.hash_phone(phone)
    return values


def to_row(entity: str, stored: Row[Any]) -> dict[str, Any]:
    """The protocol's row of a stored record: nulls and empty lists left out."""
    values = stored._mapping
    return {n: v for n in ROW_FIELDS[entity] if (v := values[n]) is not None and v != []}
