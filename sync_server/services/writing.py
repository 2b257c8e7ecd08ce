"""The one way to write on the server: decide in memory, then store everything at once.

A `Unit` collects what a request writes. Nothing reaches the database before `flush`, which takes
the organisation's lock, gives the numbers and writes each record in all its homes: typed row,
history, the feed of every bucket it lies in, and their heads. So the lock is held for the writing
only, never for the deciding (design §5, Feed), and a failing change is undone by forgetting it.

    write(db, org_id, now, lambda unit: unit.update("customer", customer_id, {"tier": "high"}))

Until `flush` numbers are promises: negative, counted from the unit's beginning (`Unit.final`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, select

from shared.clock import to_wire
from shared.declare import ENTITIES
from shared.errors import Code, Refusal
from sync_server.db.among import among
from sync_server.db.base import Database, lock_organisation
from sync_server.db.records import RECORDS, to_row
from sync_server.db.sealing import Sealed
from sync_server.services.storing import Stale, store

T = TypeVar("T")
_IN = 5000
"""Ids asked for at once: well under SQLite's 32,766 parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who writes: a member of staff on a device, or the server itself (all empty).

    `number` is the device's own order, by which its earlier changes are no conflict with its
    later ones.
    """

    staff_id: str | None = None
    device_id: str | None = None
    number: int = 0
    at: datetime | None = None
    change_id: str | None = None


SERVER = Author()


class Version(NamedTuple):
    """Who last wrote a field: the write's number, the device and its own order, the person, the
    time."""

    seq: int
    device_id: str | None = None
    number: int = 0
    staff_id: str | None = None
    at: str | None = None

    def seen_by(self, author: Author, base: int) -> bool:
        """Whether an author knew of this write: it is no newer than `base`, the number that their
        screen showed, or it is their own device's earlier word."""
        if self.device_id == author.device_id and 0 < self.number < author.number:
            return True
        return 0 <= self.seq <= base


@dataclass(slots=True)
class Held:
    """A record as the unit sees it. `stored` is what the database had (None: nothing); `versions`
    maps each field, or ``*`` for all that the creation set, to the parts of its `Version`."""

    entity: str
    id: str
    row: dict[str, Any]
    seq: int = 0
    versions: dict[str, list[Any]] = field(default_factory=dict)
    stored: dict[str, Any] | None = None
    stored_seq: int = 0
    past: list[tuple[int, int, str | None, dict[str, Any]]] = field(default_factory=list)
    dirty: bool = False

    def version(self, name: str) -> Version:
        """A field's last write; number 0 for one that was never set."""
        found = self.versions.get(name)
        if found is None and name in self.row:
            found = self.versions.get("*")
        return Version(*found) if found else Version(0)


Key = tuple[str, str]


class Unit:
    """What one transaction reads and writes of one organisation's records."""

    def __init__(
        self, db: Database, connection: Connection, org_id: str, now: datetime, *, locked: bool
    ) -> None:
        self.db = db
        self.connection = connection
        self.org_id = org_id
        self.now = now
        self.now_text = to_wire(now)
        self.locked = locked
        self.held: dict[Key, Held] = {}
        self.missing: set[Key] = set()
        self.log: list[tuple[Any, dict[str, Any]]] = []
        self._given = 0
        self._base = 0
        self._indexes: dict[tuple[str, str], dict[Any, set[str]]] = {}
        self._undo: dict[Key, Held | None] | None = None
        self._mark = (0, 0)

    def lock(self) -> None:
        """Has the organisation's lock from here on, before it reads a record: for what is decided
        by rows that `Stale` does not watch, such as whether the same is there already."""
        assert not self.held and not self.missing, "what was read may be stale by now"
        if not self.locked:
            lock_organisation(self.connection, self.org_id)
            self.locked = True

    # ── reading ───────────────────────────────────────────────────────────────────────────

    def load(self, entity: str, ids: Iterable[str]) -> None:
        """Has these records at hand, in as few statements as can be. Ids that name nothing are
        remembered as such."""
        wanted = sorted(
            {i for i in ids if (entity, i) not in self.held and (entity, i) not in self.missing}
        )
        table = RECORDS[entity]
        for start in range(0, len(wanted), _IN):
            part = wanted[start : start + _IN]
            found = self.connection.execute(
                select(table).where(
                    table.c.org_id == self.org_id, among(self.connection, table.c.id, part)
                )
            )
            for stored in found:
                self._hold(entity, stored)
            self.missing.update((entity, i) for i in part if (entity, i) not in self.held)

    def get(self, entity: str, record_id: str | None) -> Held | None:
        """The record as it stands in this unit, or None."""
        if record_id is None:
            return None
        key = (entity, record_id)
        if key not in self.held and key not in self.missing:
            self.load(entity, [record_id])
        return self.held.get(key)

    def find(self, entity: str, **equal: Any) -> list[Held]:
        """Records whose columns have these values (a tuple or list: any of them), this unit's own
        writes included. Name the most telling column first, and never a sealed one alone: those
        are compared when they are opened."""
        table = RECORDS[entity]
        query = select(table).where(table.c.org_id == self.org_id)
        for name, value in equal.items():
            column = table.c[name]
            if isinstance(column.type, Sealed):
                continue
            if isinstance(value, (tuple, list)):
                query = query.where(column.in_(value))
            else:
                query = query.where(column.is_(None) if value is None else column == value)
        found: dict[str, Held] = {}
        for stored in self.connection.execute(query):
            held = self.held.get((entity, stored.id))
            found[stored.id] = held if held is not None else self._hold(entity, stored)
        for record_id in self._written(entity, equal):
            found.setdefault(record_id, self.held[entity, record_id])
        return [held for held in found.values() if _matches(held.row, equal)]

    def _written(self, entity: str, equal: Mapping[str, Any]) -> list[str]:
        """Ids of this unit's own writes that may match: by an index on the first field asked for,
        as a batch of hundreds of new customers asks hundreds of times."""
        name = next(iter(equal))
        index = self._indexes.get((entity, name))
        if index is None:
            index = self._indexes[entity, name] = {}
            for held in self.held.values():
                if held.entity == entity and held.dirty:
                    index.setdefault(held.row.get(name), set()).add(held.id)
        value = equal[name]
        values = value if isinstance(value, (tuple, list)) else (value,)
        ids = {i for v in values for i in index.get(v, ()) if (entity, i) in self.held}
        return sorted(ids)

    def _note(self, held: Held) -> None:
        """Keeps the indexes of `_written`. An entry may outlive its value: it is matched again."""
        for (entity, name), index in self._indexes.items():
            if entity == held.entity:
                index.setdefault(held.row.get(name), set()).add(held.id)

    def _hold(self, entity: str, stored: Any) -> Held:
        row = to_row(entity, stored)
        held = Held(
            entity,
            stored.id,
            row,
            stored.seq,
            dict(stored.versions or {"*": [stored.seq]}),
            dict(row),
            stored.seq,
        )
        self.held[entity, stored.id] = held
        return held

    # ── writing ───────────────────────────────────────────────────────────────────────────

    def create(self, entity: str, row: Mapping[str, Any], author: Author = SERVER) -> Held:
        """A new record. Marks that the row brings (an importer's) stay; others are set from the
        author.

        The caller knows that there is none of this id: `bulk`, and whoever asked `get` before.
        """
        key = (entity, row["id"])
        self._remember(key)
        at = to_wire(author.at or self.now)
        filled = {n: v for n, v in row.items() if v is not None and v != []}
        filled.setdefault("created_at", at)
        filled.setdefault("updated_at", filled["created_at"])
        if author.staff_id:
            filled.setdefault("created_by", author.staff_id)
            filled.setdefault("updated_by", author.staff_id)
        seq = self.number()
        held = Held(entity, row["id"], filled, seq, dirty=True)
        held.versions = {"*": _version(seq, author)}
        self.held[key] = held
        self.missing.discard(key)
        self._note(held)
        return held

    def update(
        self, entity: str, record_id: str, fields: Mapping[str, Any], author: Author = SERVER
    ) -> Held:
        """Sets fields (None clears). Fields that stay as they are are not written; if none
        changes, nothing is.

        Refuses (`RECORD_MISSING`) where there is no such record.
        """
        held = self.get(entity, record_id)
        if held is None:
            raise Refusal(Code.RECORD_MISSING, entity=entity)
        changed = {n: v for n, v in fields.items() if _plain(held.row.get(n)) != _plain(v)}
        if not changed:
            return held
        self._remember((entity, record_id))
        seq = self.number()
        change_id = author.change_id
        if change_id and held.past and held.past[-1][2] == change_id:
            # What a change brings with it joins its version: nobody saw the one in between (L2).
            before, _, _, row = held.past.pop()
            held.past.append((before, seq, change_id, row))
        else:
            if any(said == change_id for _, _, said, _ in held.past):
                change_id = None  # the server wrote in between, and what it replaced is kept (L1)
            held.past.append((held.seq, seq, change_id, dict(held.row)))
        for name, value in changed.items():
            if _plain(value) is None:
                held.row.pop(name, None)
            else:
                held.row[name] = value
            held.versions[name] = _version(seq, author)
        held.row["updated_at"] = to_wire(author.at or self.now)
        if author.staff_id:
            held.row["updated_by"] = author.staff_id
        held.seq, held.dirty = seq, True
        self._note(held)
        return held

    def append(self, table: Any, values: dict[str, Any]) -> None:
        """A row for one of the tables beside the records. A negative `seq` is resolved with the
        others."""
        self.log.append((table, values))

    def number(self) -> int:
        """The promise of the next number."""
        self._given += 1
        return -self._given

    def final(self, seq: int) -> int:
        """The number that a promise became; known after `flush`."""
        return seq if seq >= 0 else self._base - seq

    # ── one change of several ─────────────────────────────────────────────────────────────

    def begin_change(self) -> None:
        """From here `undo_change` forgets everything up to the next `begin_change`."""
        self._undo = {}
        self._mark = (len(self.log), self._given)

    def undo_change(self) -> None:
        for key, before in (self._undo or {}).items():
            if before is None:
                del self.held[key]
                self.missing.add(key)
            else:
                self.held[key] = before
        del self.log[self._mark[0] :]
        self._given = self._mark[1]
        self._undo = {}

    def _remember(self, key: Key) -> None:
        if self._undo is None or key in self._undo:
            return
        held = self.held.get(key)
        self._undo[key] = held and replace(
            held, row=dict(held.row), versions=dict(held.versions), past=list(held.past)
        )

    def flush(self) -> None:
        """Gives the numbers and stores everything. `Stale`: someone changed meanwhile what this
        unit read."""
        if not self.locked:
            lock_organisation(self.connection, self.org_id)
        self._base = store(
            self.db,
            self.connection,
            self.org_id,
            self.now,
            list(self.held.values()),
            [] if self.locked else sorted(self.missing),
            self.log,
            self._given,
        )
        self.locked = True
        self.held, self.missing, self.log, self._indexes = {}, set(), [], {}
        self._undo = None


def write(db: Database, org_id: str, now: datetime, work: Callable[[Unit], T]) -> T:
    """Runs `work` in one transaction and stores what it wrote; an exception undoes all of it.

    On PostgreSQL `work` decides without a lock; if another transaction overtook it, it is run
    once more with the lock held from the start, and if the database undid it (`Database.again`)
    from the beginning, so it must be harmless to run twice.
    """
    return db.again(lambda: _write(db, org_id, now, work))


def _write(db: Database, org_id: str, now: datetime, work: Callable[[Unit], T]) -> T:
    for locked in (db.is_postgres is False, True):
        try:
            with db.write() as connection:
                if locked:
                    lock_organisation(connection, org_id)
                unit = Unit(db, connection, org_id, now, locked=locked)
                result = work(unit)
                unit.flush()
                return result
        except Stale:
            if locked:
                raise
    raise AssertionError("the second round holds the lock")


def bulk(
    unit: Unit, rows: Iterable[tuple[str, Mapping[str, Any]]], size: int = 4000
) -> Iterator[int]:
    """Writes many records inside the unit's transaction; yields how many are done after each part.

    Records that are there already are updated where they differ, so that importing twice changes
    nothing. The rows are the importer's own: they are not checked again (`codec.check` is its
    business).
    """
    part: list[tuple[str, Mapping[str, Any]]] = []
    done = 0
    for item in rows:
        part.append(item)
        if len(part) == size:
            done += _write_part(unit, part)
            part = []
            yield done
    done += _write_part(unit, part)
    yield done


def _write_part(unit: Unit, part: list[tuple[str, Mapping[str, Any]]]) -> int:
    ids: dict[str, list[str]] = {}
    for entity, row in part:
        ids.setdefault(entity, []).append(row["id"])
    for entity, wanted in ids.items():
        unit.load(entity, wanted)
    for entity, row in part:
        if (entity, row["id"]) in unit.held:
            declared = ENTITIES[entity].fields
            unit.update(entity, row["id"], {n: v for n, v in row.items() if n in declared})
        else:
            unit.create(entity, row)
    unit.flush()
    return len(part)


def _version(seq: int, author: Author) -> list[Any]:
    if author.device_id is None and author.staff_id is None:
        return [seq]
    at = to_wire(author.at) if author.at else None
    return [seq, author.device_id, author.number, author.staff_id, at]


def _plain(value: Any) -> Any:
    return None if value is None or value == [] else value


def _matches(row: Mapping[str, Any], equal: Mapping[str, Any]) -> bool:
    return all(
        row.get(n) in v if isinstance(v, (tuple, list)) else row.get(n) == v
        for n, v in equal.items()
    )
