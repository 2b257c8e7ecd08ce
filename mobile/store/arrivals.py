"""Storing rows as they arrive: the body word for word, beside it what it is found by.

A line that comes twice, or behind a newer one, changes nothing: within one round of fetching the
higher number stands. In a new round (another epoch, a repair) whatever comes replaces what was
there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import apsw

from mobile.store import search_text
from mobile.store.holdings import Holdings
from mobile.store.outbox import Touched
from mobile.store.schema import IndexColumns, index_columns
from shared.declare import ENTITIES
from shared.rows import RowLine, digest

_STORE = """
    INSERT INTO server_row VALUES (?,?,?,?,?,?,?,?,?,?,?)
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
_UNKNOWN = IndexColumns(None, None, None, None)


def store(db: apsw.Connection, holdings: Holdings, lines: Iterable[RowLine]) -> set[Touched]:
    """Store the lines of one reply inside the caller's transaction; returns the records they name.

    Lines of a bucket that is not held are passed over (L3). An entity that this version does not
    know is kept all the same: the checksum counts it, and a newer version will show it.
    """
    held = holdings.numbers()
    rows, texts, gone, lost = [], [], [], []
    touched: set[Touched] = set()
    for line in lines:
        if line.bucket not in held:
            continue
        no, fetch_round = held[line.bucket]
        key = (line.entity, line.id, no)
        touched.add((line.entity, line.id))
        if line.gone:
            gone.append((*key, line.seq))
            lost.append(key)
            continue
        columns, text = _read(line)
        rows.append(
            (
                *key,
                line.seq,
                *columns,
                digest(line.entity, line.id, line.body),
                fetch_round,
                line.body,
            )
        )
        if text:
            texts.append((*key, text, line.seq))
    db.executemany(_STORE, rows)
    db.executemany(_FIND, texts)
    db.executemany(_REMOVE, gone)
    db.executemany(_LOSE, lost)
    return touched


def _read(line: RowLine) -> tuple[IndexColumns, str]:
    entity = ENTITIES.get(line.entity)
    if entity is None:
        return _UNKNOWN, ""
    row = json.loads(line.body)
    return index_columns(entity, row), search_text.of(entity, row)
