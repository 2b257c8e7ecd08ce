"""Unsettled changes laid over the server's row: what the author sees until the server's own row
says it (design §5).

A change stays laid over until its outcome's number lies behind the cursor, because only then has
the server's row, with the change in it, arrived: between receipt and that pull the screen must
not fall back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apsw

from mobile.store import search_text
from mobile.store.meta import CURSOR, STAFF, Meta
from mobile.store.outbox import Touched
from mobile.store.schema import index_columns
from mobile.store.sql import rows
from shared.access import buckets_of
from shared.declare import ENTITIES, Entity
from shared.merge import Stored, Verdict, decide
from shared.rows import body_text

_LAID_OVER = """
    SELECT o.entity, o.record_id, o.change, o.bucket FROM json_each(?1) k CROSS JOIN outbox o
    ON o.entity = k.value ->> 0 AND o.record_id = k.value ->> 1
    WHERE o.verdict IS NULL
        OR (o.seq > ?2 AND o.verdict IN ('applied', 'merged', 'conflict', 'late'))
    ORDER BY o.number
"""
_BASES = """
    SELECT s.entity, s.id, s.bucket, s.seq, s.body FROM json_each(?) k CROSS JOIN server_row s
    ON s.entity = k.value ->> 0 AND s.id = k.value ->> 1
"""


def lay_over(
    entity: Entity,
    row: Mapping[str, Any],
    seq: int,
    changes: Iterable[Mapping[str, Any]],
    author: str | None,
) -> dict[str, Any]:
    """The server's row (number `seq`) with `changes` (wire form, in order) on top.

    Where the server would ask a person, the author goes on seeing their own value.
    """
    shown = dict(row)
    own: set[str] = set()
    for change in changes:
        if change["kind"] == "create" and not shown:
            shown = {"id": change["record_id"], "created_at": change["claimed_at"]}
            shown |= {"created_by": author} if author else {}
        for name, value in change["fields"].items():
            field = entity.fields.get(name)
            if field is None:
                continue  # written by a newer version of the app; the server knows it
            seen = name in own or seq <= change["base"].get(name, 0)
            decision = decide(entity.name, field, Stored(shown.get(name), seen), value)
            shown[name] = value if decision.verdict is Verdict.CONFLICT else decision.value
            own.add(name)
        shown["updated_at"] = change["claimed_at"]
        if author:
            shown["updated_by"] = author
    return shown


def refresh(db: apsw.Connection, records: Iterable[Touched]) -> None:
    """Make the pending rows of these records anew, from the server's rows and the outbox, all of
    them in a few statements. Inside a transaction; harmless twice."""
    keys = sorted(set(records))
    db.executemany("DELETE FROM pending_row WHERE entity = ? AND id = ?", keys)
    db.executemany("DELETE FROM finding WHERE entity = ? AND id = ? AND pending = 1", keys)
    meta = Meta(db)
    entries: dict[Touched, list[tuple[str, str]]] = {}
    for entity, record_id, change, bucket in rows(
        db, _LAID_OVER, (json.dumps(keys), meta.get(CURSOR, 0))
    ):
        entries.setdefault((entity, record_id), []).append((change, bucket))
    if not entries:
        return
    bases: dict[Touched, dict[int, tuple[str, int]]] = {key: {} for key in entries}
    for entity, record_id, no, seq, body in rows(db, _BASES, (json.dumps(sorted(entries)),)):
        bases[entity, record_id][no] = (body, seq)
    author = (meta.get(STAFF) or {}).get("id")
    numbers = dict(rows(db, "SELECT name, no FROM bucket"))
    pending: list[tuple[Any, ...]] = []
    findings: list[tuple[Any, ...]] = []
    for key, laid in entries.items():
        entity = ENTITIES[key[0]]
        if entity.one_way:
            continue
        changes = [json.loads(text) for text, _ in laid]
        names = {name for _, name in laid}
        for no, seq, shown in _shown(entity, changes, names, bases[key], numbers, author):
            columns = index_columns(entity, shown)
            pending.append((*key, no, seq, *columns, body_text(shown)))
            if text := search_text.of(entity, shown):
                findings.append((*key, no, text))
    db.executemany("INSERT INTO pending_row VALUES (?,?,?,?,?,?,?,?,?)", pending)
    db.executemany("INSERT INTO finding VALUES (?,?,?,1,?)", findings)


def _shown(
    entity: Entity,
    changes: list[dict[str, Any]],
    names: set[str],
    bases: Mapping[int, tuple[str, int]],
    numbers: Mapping[str, int],
    author: str | None,
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """(bucket, number of the server's row, row with the changes) wherever a record is shown.
    `names` are the buckets under whose grants it was written: a new record lies in these as well
    as in its own."""
    for no, (body, seq) in bases.items():
        shown = lay_over(entity, json.loads(body), seq, changes, author)
        if "id" in shown:
            yield no, seq, shown
    if changes[0]["kind"] != "create":
        return
    made = lay_over(entity, {}, 0, changes, author)
    names |= {str(bucket) for bucket in buckets_of(entity, made)}
    for no in sorted({numbers[name] for name in names if name in numbers} - bases.keys()):
        if "id" in made:
            yield no, 0, made
