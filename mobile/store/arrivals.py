"""Storing rows as they arrive: the body word for word, beside it what it is found by.

A line that comes twice, or behind a newer one, changes nothing: within one round of fetching the
higher number stands. In a new round (another epoch, a repair) whatever comes replaces what was
there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import apsw

from mobile.store import schema, search_text
from mobile.store.holdings import Holdings
from mobile.store.outbox import Touched
from shared.declare import ENTITIES, Entity
from shared.rows import RawLine, RowLine, digest_of, raw_lines

# The columns come as UTF-8, as they stood in the reply: decoding a body only for SQLite to encode
# it again costs as much as storing it.
_STORE = """
    INSERT INTO server_row VALUES (CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, CAST(? AS TEXT),
        CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, CAST(? AS TEXT))
    ON CONFLICT (entity, id, bucket) DO UPDATE SET
        seq = excluded.seq, customer_id = excluded.customer_id, case_id = excluded.case_id,
        at = excluded.at, state = excluded.state, digest = excluded.digest,
        round = excluded.round, body = excluded.body
    WHERE excluded.seq >= server_row.seq OR excluded.round <> server_row.round
"""
_FIND = """
    INSERT OR REPLACE INTO finding SELECT ?1, ?2, ?3, 0, ?4 WHERE EXISTS (
        SELECT 1 FROM server_row WHERE entity = ?1 AND id = ?2 AND bucket = ?3 AND seq = ?5)
"""
_REMOVE = "DELETE FROM server_row WHERE entity = ? AND id = ? AND bucket = ? AND seq <= ?"
_LOSE = """
    DELETE FROM finding WHERE entity = ?1 AND id = ?2 AND bucket = ?3 AND pending = 0
    AND NOT EXISTS (SELECT 1 FROM server_row WHERE entity = ?1 AND id = ?2 AND bucket = ?3)
"""


def store(db: apsw.Connection, holdings: Holdings, lines: Iterable[RowLine]) -> set[Touched]:
    """Store the lines of one reply inside the caller's transaction; returns the records they name.

    Lines of a bucket that is not held are passed over (L3). An entity that this version does not
    know is kept all the same: the checksum counts it, and a newer version will show it.
    """
    raw = raw_lines(lines)
    many = len(raw) > _MANY
    named = None if many else {line[0].decode() for line in raw}
    arrival = _Arrival(holdings.numbers(named))
    with _counted_anew(db) if many else nullcontext():
        db.executemany(_STORE, arrival.rows(raw))
    db.executemany(_FIND, arrival.texts)
    db.executemany(_REMOVE, arrival.gone)
    db.executemany(_LOSE, [key[:3] for key in arrival.gone])
    return arrival.touched


@contextmanager
def _counted_anew(db: apsw.Connection) -> Iterator[None]:
    """Forgets what all buckets came to, in place of the triggers that forget row by row: those
    take as long as a sixth of the storing. An exception undoes it with the transaction."""
    db.execute("DELETE FROM temp.bucket_sum; DELETE FROM temp.whole_sum").fetchall()
    db.execute(schema.UNWATCH).fetchall()
    yield
    db.execute(schema.WATCH).fetchall()


class _Arrival:
    """What one reply brings, sorted while its rows are handed to SQLite one by one."""

    def __init__(self, held: dict[str, tuple[int, int]]) -> None:
        self._held = {name.encode(): numbers for name, numbers in held.items()}
        self.touched: set[Touched] = set()
        self.texts: list[tuple[str, str, int, str, int]] = []
        self.gone: list[tuple[str, str, int, int]] = []

    def rows(self, lines: Iterable[RawLine]) -> Iterator[tuple[Any, ...]]:
        """Values for `_STORE`."""
        for bucket, name, record_id, number, body in lines:
            numbers = self._held.get(bucket)
            if numbers is None:
                continue
            no, fetch_round = numbers
            sort = _SORTS.get(name) or _sort(name)
            record, seq = record_id.decode(), int(number)
            self.touched.add((sort.name, record))
            if not body:
                self.gone.append((sort.name, record, no, seq))
                continue
            found = None if sort.places is None else _columns(sort.places, body)
            if found is None:
                columns, text = _parsed(sort, body)
                if text:
                    self.texts.append((sort.name, record, no, text, seq))
            else:
                columns = found
            digest = digest_of(name, record_id, body)
            yield (name, record_id, no, seq, *columns, digest, fetch_round, body)


_MANY = 200
"""Rows from which on it is worth while."""

_Places = tuple[bytes | None, ...]
_MADE = b'"created_at":"'


class _Sort(NamedTuple):
    """What is done with the rows of one entity. `places`: the beginnings of its index columns in
    the body, by which they are read without parsing it; None where it has to be parsed."""

    name: str
    entity: Entity | None
    places: _Places | None


_SORTS: dict[bytes, _Sort] = {}
"""By the entity's name in UTF-8; few, as the server knows few."""


def _sort(name: bytes) -> _Sort:
    text = name.decode()
    entity = ENTITIES.get(text)
    sort = _Sort(text, entity, None if entity is None else _places(entity))
    if entity is not None:
        _SORTS[name] = sort
    return sort


def _places(entity: Entity) -> _Places | None:
    """None for an entity that is searched for: its text takes the whole row."""
    if any(field.search for field in entity.fields.values()):
        return None
    state = "state" if "state" in entity.fields else None
    keys = (entity.customer, entity.case, entity.at, state)
    return tuple(f'"{key}":"'.encode() if key else None for key in keys)


def _columns(places: _Places, body: bytes) -> tuple[bytes | None, ...] | None:
    """The index columns of a flat object, found by their keys: within a text the quotes are
    escaped, so a key with its quotes and colon is the key. None where the row has to be parsed:
    something is nested in it, or a column is not plain text."""
    if body.find(b"{", 1) >= 0:
        return None
    customer, case, at, state = [place and _value(place, body) for place in places]
    columns = (customer, case, at or _value(_MADE, body), state)
    return None if b"\\" in body and any(c and b"\\" in c for c in columns) else columns


def _value(place: bytes, body: bytes) -> bytes | None:
    begin = body.find(place)
    if begin < 0:
        return None
    begin += len(place)
    return body[begin : body.find(b'"', begin)]


def _parsed(sort: _Sort, body: bytes) -> tuple[tuple[Any, ...], str]:
    if sort.entity is None:
        return (None, None, None, None), ""
    row = json.loads(body)
    return schema.index_columns(sort.entity, row), search_text.of(sort.entity, row)
