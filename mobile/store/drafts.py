"""Drafts: what is being written, saved as it is typed, on this device alone (ux.md, Drafts).

A draft is the author's own and is never migrated or deleted by a sync; while the record it is
about may not be read, it does not show either.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import apsw

from mobile.store.sql import rows
from shared.rows import body_text

Draft = dict[str, Any]
SEEN = "_seen"
"""Where a draft may keep the values that its author began with. No entity has a field of this
name."""
OF = "_of"
"""Where a draft may say of which entity its fields are, if not of the record that it is about."""


class Drafts:
    """The drafts of one open vault."""

    def __init__(self, db: apsw.Connection, readable: Callable[[str, str], bool]) -> None:
        """`readable` says whether (entity, id) may be read now."""
        self._db = db
        self._readable = readable

    def get(self, key: str) -> Draft | None:
        """The draft as it was last saved, or None."""
        found = self._db.execute(
            "SELECT body, entity, record_id FROM draft WHERE key = ?", (key,)
        ).fetchone()
        if found is None or (found[1] and not self._readable(found[1], found[2])):
            return None
        draft: Draft = json.loads(found[0])
        return draft

    def save(self, key: str, draft: Draft, at: str, about: tuple[str, str] | None) -> None:
        """Store or replace. Inside a transaction. Wire values only: what JSON can hold."""
        entity, record_id = about or (None, None)
        self._db.execute(
            "INSERT OR REPLACE INTO draft VALUES (?, ?, ?, ?, ?)",
            (key, body_text(draft), at, entity, record_id),
        )

    def discard(self, key: str) -> None:
        """Remove. Inside a transaction; harmless when there is none."""
        self._db.execute("DELETE FROM draft WHERE key = ?", (key,))

    def keys(self, prefix: str) -> list[str]:
        """Keys that begin with `prefix` and whose drafts may be read now, the latest first."""
        found = rows(
            self._db,
            "SELECT key, entity, record_id FROM draft WHERE substr(key, 1, ?) = ?"
            " ORDER BY saved_at DESC",
            (len(prefix), prefix),
        )
        return [k for k, e, i in found if not e or self._readable(e, i)]
