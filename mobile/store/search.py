"""The one search box: names, phones, serial and case numbers, results as one types (ux.md, Search).

A scan of one narrow text per record: 10,000 customers take some ten milliseconds in the browser,
which no index of single characters would beat for words of one or two Chinese characters.
"""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from mobile.store.gate import Gate
from mobile.store.records import Records
from mobile.store.search_text import SEPARATOR, words_of
from mobile.store.sql import rows
from shared.access import customer_of
from shared.codec import read
from shared.declare import ENTITIES, Record

_KINDS = ("customer", "contact", "case", "asset", "order")
_MOST = 500
"""Records of a kind that are ranked: who has typed so little that more match will type on."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One record that was found. Hits come grouped by `kind` (its entity), the best of each kind
    first."""

    kind: str
    id: str
    customer_id: str | None
    record: Record


def search(
    db: apsw.Connection, gate: Gate, records: Records, text: str, limit: int = 8
) -> list[SearchHit]:
    """At most `limit` hits of each kind: words that are just that first, then those that begin so,
    then those that hold it. An empty text finds nothing. Refuses as the gate does.
    """
    gate.open()
    words = words_of(text)
    if not words:
        return []
    return [
        hit
        for kind in _KINDS
        for record_id in _ranked(_candidates(db, kind, words), words)[:limit]
        if (hit := _hit(records, kind, record_id))
    ]


def _candidates(db: apsw.Connection, kind: str, words: list[str]) -> list[tuple[str, str]]:
    """(id, text) of records that hold all words, as far as it makes sense to rank them."""
    holds = " AND ".join("instr(text, ?) > 0" for _ in words)
    return rows(
        db,
        f"SELECT id, text FROM finding WHERE entity = ? AND {holds}"
        " AND EXISTS (SELECT 1 FROM temp.open_bucket WHERE no = bucket) LIMIT ?",
        (kind, *words, _MOST),
    )


def _ranked(found: list[tuple[str, str]], words: list[str]) -> list[str]:
    ranks: dict[str, tuple[int, str, str]] = {}
    for record_id, text in found:
        ended = text + SEPARATOR
        misses = sum(
            (SEPARATOR + word + SEPARATOR not in ended) + (SEPARATOR + word not in text)
            for word in words
        )
        rank = (misses, text, record_id)
        ranks[record_id] = min(rank, ranks.get(record_id, rank))
    return sorted(ranks, key=ranks.__getitem__)


def _hit(records: Records, kind: str, record_id: str) -> SearchHit | None:
    shown = records.unguarded(kind, record_id)
    if shown is None:
        return None
    entity = ENTITIES[kind]
    return SearchHit(kind, record_id, customer_of(entity, shown.row), read(entity.cls, shown.row))
