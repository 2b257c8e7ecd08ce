"""Sealing everything anew under the newest key of the ring, while the server runs.

Old keys must stay in the ring until this has gone through once without finding anything. It may
be stopped and begun again at any time: what is done is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, LargeBinary, Table, bindparam, select, type_coerce, update

from sync_server.db.base import METADATA, Database
from sync_server.db.sealing import KeyRing, Sealed

_PART = 500


def reseal(db: Database) -> Iterator[tuple[str, int]]:
    """(table, rows sealed anew in it) for every table that holds sealed values."""
    for table in METADATA.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, Sealed)]
        if columns:
            yield table.name, sum(_reseal_column(db, table, column) for column in columns)


def _reseal_column(db: Database, table: Table, column: Column[Any]) -> int:
    key = list(table.primary_key.columns)
    raw = type_coerce(column, LargeBinary).label("raw")
    after: tuple[Any, ...] | None = None
    done = 0
    while True:
        with db.write() as connection:
            query = select(*key, raw).order_by(*key).limit(_PART)
            if after is not None:
                query = query.where(_behind(key, after))
            rows = connection.execute(query).all()
            old = [row for row in rows if row.raw and _is_old(row.raw, db.ring)]
            if old:
                connection.execute(
                    update(table)
                    .where(*(c == bindparam(f"key_{c.name}") for c in key))
                    .values({column.name: bindparam("fresh", type_=LargeBinary)}),
                    [_fresh(row, key, column, db.ring) for row in old],
                )
        done += len(old)
        if len(rows) < _PART:
            return done
        after = tuple(rows[-1][: len(key)])


def _behind(key: list[Column[Any]], after: tuple[Any, ...]) -> Any:
    """Rows behind `after` in the order of the key, in a form that both databases know."""
    condition: Any = key[-1] > after[-1]
    for column, value in zip(reversed(key[:-1]), reversed(after[:-1]), strict=True):
        condition = (column > value) | ((column == value) & condition)
    return condition


def _is_old(sealed: bytes, ring: KeyRing) -> bool:
    return KeyRing.version_of(bytes(sealed)) != ring.current


def _fresh(row: Any, key: list[Column[Any]], column: Column[Any], ring: KeyRing) -> dict[str, Any]:
    context = column.type.context.encode()  # type: ignore[attr-defined]  # only Sealed columns come here
    plain = ring.open(bytes(row.raw), context)
    values = {f"key_{c.name}": row._mapping[c] for c in key}
    return values | {"fresh": ring.seal(plain, context)}
