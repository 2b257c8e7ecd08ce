"""Sealing everything anew under the newest key of the ring, while the server runs.

Old keys must stay in the ring until this has gone through once without finding anything, and for
as long as backups are kept. It may be stopped and begun again at any time: what is done is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, LargeBinary, Table, bindparam, func, select, type_coerce, update

from sync_server.db.base import METADATA, Database
from sync_server.db.sealing import KeyRing, Sealed
from sync_server.services.file_store import FileStore

_PART = 500
_ROUNDS = 4
_HEAD = 3  # format and version of the key (`sealing`)


@dataclass(slots=True)
class Opened:
    """How many sealed values open, and how many don't."""

    opened: int = 0
    unreadable: int = 0


@dataclass(slots=True)
class Rotated:
    """How many values and files were sealed anew, and how many values are left under an old key."""

    values: int = 0
    files: int = 0
    left: int = 0


def reseal(db: Database) -> Iterator[tuple[str, int]]:
    """(table, rows sealed anew in it) for every table that holds sealed values.

    Writers go on meanwhile: a value that changed between being read and being written is left to
    whoever changed it, who sealed it under the newest key that they knew.
    """
    for table, columns in _sealed_tables():
        yield table.name, sum(_reseal_column(db, table, column) for column in columns)


def rotate(
    db: Database, files: FileStore, progress: Callable[[str, float], None], wait: Callable[[], None]
) -> Rotated:
    """Seals everything anew, files last, until nothing is left under an older key.

    Running servers learn of a new key when they first meet a value that is under it, or at their
    next housekeeping; what one of them wrote before is done in the next round, after `wait`. Gives
    up after a few rounds: `left` then says how many values a server still writes under an old key.
    """
    done = Rotated()
    tables = sum(1 for _ in _sealed_tables())
    for again in range(_ROUNDS):
        if again:
            wait()
        for place, (_table, count) in enumerate(reseal(db)):
            done.values += count
            progress("database", place / tables)
        done.left = sum(count for key, count in versions(db).items() if key != db.ring.current)
        if not done.left:
            break
    done.files = files.reseal()
    return done


def versions(db: Database) -> Counter[int]:
    """How many values of all tables are sealed under each version of the data key. Reads their
    heads alone."""
    found: Counter[int] = Counter()
    with db.read() as connection:
        for _table, columns in _sealed_tables():
            for column in columns:
                head = func.substr(type_coerce(column, LargeBinary), 1, _HEAD, type_=LargeBinary)
                query = select(head, func.count()).where(column.is_not(None)).group_by(head)
                for raw, count in connection.execute(query):
                    found[KeyRing.version_of(bytes(raw))] += count
    return found


def open_all(db: Database) -> Opened:
    """Opens every sealed value of every table: what a restored backup is worth."""
    found = Opened()
    with db.read() as connection:
        for _table, columns in _sealed_tables():
            raws = [type_coerce(column, LargeBinary) for column in columns]
            contexts = [_context(column) for column in columns]
            for row in connection.execution_options(yield_per=_PART).execute(select(*raws)):
                for raw, context in zip(row, contexts, strict=True):
                    if raw is None:
                        continue
                    try:
                        db.ring.open(bytes(raw), context)
                        found.opened += 1
                    except ValueError:
                        found.unreadable += 1
    return found


def _sealed_tables() -> Iterator[tuple[Table, list[Column[Any]]]]:
    for table in METADATA.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, Sealed)]
        if columns:
            yield table, columns


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
                # On PostgreSQL others may write meanwhile: only what still stands is replaced.
                connection.execute(
                    update(table)
                    .where(
                        *(c == bindparam(f"key_{c.name}") for c in key),
                        type_coerce(column, LargeBinary) == bindparam("was", type_=LargeBinary),
                    )
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
    context = _context(column)
    plain = ring.open(bytes(row.raw), context)
    values = {f"key_{c.name}": row._mapping[c] for c in key}
    return values | {"was": bytes(row.raw), "fresh": ring.seal(plain, context)}


def _context(column: Column[Any]) -> bytes:
    context: str = column.type.context  # type: ignore[attr-defined]  # only Sealed columns come here
    return context.encode()
