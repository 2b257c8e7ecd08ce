"""The one search box: names, phones, serial and case numbers, results as one types (ux.md, Search).

A scan of one narrow text per record: 10,000 customers take some ten milliseconds in the browser,
which no index of single characters would beat for words of one or two Chinese characters.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import apsw

from mobile.store.gate import Gate
from mobile.store.search_text import SEPARATOR, words_of
from shared.codec import read
from shared.declare import ENTITIES, Record

_KINDS = ("customer", "contact", "case", "asset", "order")


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One record that was found. Hits come grouped by `kind` (its entity), the best of each kind
    first."""

    kind: str
    id: str
    customer_id: str | None
    record: Record


def search(db: apsw.Connection, gate: Gate, text: str, limit: int = 8) -> list[SearchHit]:
    """At most `limit` hits of each kind: those that begin with the words first, then those that
    hold them.

    An empty text finds nothing. Refuses as the gate does.
    """
    gate.open()
    words = words_of(text)
    if not words:
        return []
    hits: list[SearchHit] = []
    for kind in _KINDS:
        hits += _of_kind(db, kind, words, limit)
    return hits


def _of_kind(db: apsw.Connection, kind: str, words: list[str], limit: int) -> list[SearchHit]:
    holds = " AND ".join("instr(f.text, ?) > 0" for _ in words)
    begins = " + ".join("(instr(f.text, ?) > 0)" for _ in words)
    rows = db.execute(
        f"""
        WITH found AS MATERIALIZED (
            SELECT f.id, max({begins}) AS begun, min(length(f.text)) AS length
            FROM finding f WHERE f.entity = ? AND {holds}
            AND f.bucket IN (SELECT no FROM temp.open_bucket)
            GROUP BY f.id ORDER BY 2 DESC, 3, f.id LIMIT ?)
        SELECT s.id, s.customer_id, s.body FROM found
        CROSS JOIN shown_row s ON s.entity = ? AND s.id = found.id
        ORDER BY found.begun DESC, found.length, s.id
        """,
        (*(SEPARATOR + word for word in words), kind, *words, limit, kind),
    )
    return [_hit(kind, *row) for row in rows]


def _hit(kind: str, record_id: str, customer_id: str | None, body: str) -> SearchHit:
    row: dict[str, Any] = json.loads(body)
    return SearchHit(kind, record_id, customer_id, read(ENTITIES[kind].cls, row))
