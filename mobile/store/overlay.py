"""Unsettled changes laid over the server's row: what the author sees until the server's own row
says it (design §5).

A change stays laid over until its outcome's number lies behind the cursor, because only then has
the server's row, with the change in it, arrived: between receipt and that pull the screen must
not fall back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import apsw

from mobile.store import search_text
from mobile.store.meta import CURSOR, STAFF, Meta
from mobile.store.schema import index_columns
from mobile.store.sql import rows
from shared.access import buckets_of
from shared.declare import ENTITIES, Entity
from shared.merge import Stored, Verdict, decide
from shared.rows import body_text

_LAID_OVER = """
    SELECT change, bucket FROM outbox
    WHERE entity = ?1 AND record_id = ?2 AND (verdict IS NULL
        OR (seq > ?3 AND verdict IN ('applied', 'merged', 'conflict', 'late')))
    ORDER BY number
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


def refresh(db: apsw.Connection, entity_name: str, record_id: str) -> None:
    """Make the pending rows of one record anew, from the server's rows and the outbox. Inside a
    transaction; harmless twice."""
    meta = Meta(db)
    key = (entity_name, record_id)
    db.execute("DELETE FROM pending_row WHERE entity = ? AND id = ?", key)
    db.execute("DELETE FROM finding WHERE entity = ? AND id = ? AND pending = 1", key)
    entries = rows(db, _LAID_OVER, (*key, meta.get(CURSOR, 0)))
    if not entries or ENTITIES[entity_name].one_way:
        return
    entity = ENTITIES[entity_name]
    changes = [json.loads(text) for text, _ in entries]
    author = (meta.get(STAFF) or {}).get("id")
    bases = {
        bucket: (json.loads(body), seq)
        for bucket, seq, body in db.execute(
            "SELECT bucket, seq, body FROM server_row WHERE entity = ? AND id = ?", key
        )
    }
    if changes[0]["kind"] == "create":
        made = lay_over(entity, {}, 0, changes, author)
        names = {name for _, name in entries} | {str(b) for b in buckets_of(entity, made)}
        for bucket in _held(db, names):
            bases.setdefault(bucket, ({}, 0))
    for bucket, (row, seq) in bases.items():
        shown = lay_over(entity, row, seq, changes, author)
        if "id" not in shown:
            continue
        db.execute(
            "INSERT INTO pending_row VALUES (?,?,?,?,?,?,?,?,?)",
            (*key, bucket, seq, *index_columns(entity, shown), body_text(shown)),
        )
        if text := search_text.of(entity, shown):
            db.execute("INSERT INTO finding VALUES (?,?,?,1,?)", (*key, bucket, text))


def _held(db: apsw.Connection, names: Iterable[str]) -> list[int]:
    wanted = json.dumps(sorted(names))
    found = db.execute(
        "SELECT no FROM bucket WHERE name IN (SELECT value FROM json_each(?))", (wanted,)
    )
    return [no for (no,) in found]
