"""The outbox: changes as their authors made them, kept until the server has backed them up (L1,
L2).

An entry is written once and never rewritten; only what became of it changes. It leaves when
`backed_up_to` has passed its number, and not before a person has seen an outcome that concerns
them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import apsw

from mobile.store.meta import BACKED_UP_TO, CURSOR, SEALED_FROM, SEALED_LAST, Meta
from mobile.store.sql import rows
from shared.clock import from_wire
from shared.messages import dump
from shared.wire import SETTLED, Change, Outcome

CONCERNING = frozenset({"conflict", "late", "quarantined", "rejected"})
"""Outcomes that stay in the author's list until dismissed."""

SEALED_TOGETHER = 250
SEALED_BYTES = 250_000
"""Of one entry of the sealed log, unless a single change has more: damage costs a whole entry."""

Touched = tuple[str, str]
"""(entity, id) of a record that changed."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change that waits, or whose outcome its author should see.

    `verdict` is None until the server has settled it; `code` then says why it does not move on.
    `values` are its fields as authored: what a rejected change held is still here.
    """

    number: int
    change_id: str
    entity: str
    record_id: str
    kind: str
    values: dict[str, Any]
    made_at: datetime
    verdict: str | None = None
    code: str | None = None
    field: str | None = None
    backed_up: bool = False
    conflicts: list[str] = dataclasses.field(default_factory=list)


class Outbox:
    """The outbox of one open vault. Writing happens inside the caller's transaction."""

    def __init__(self, db: apsw.Connection, meta: Meta) -> None:
        self._db = db
        self._meta = meta

    def next_number(self) -> int:
        """The number that the next change gets: from 1, rising, never given twice."""
        last = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").get
        return (last or 0) + 1

    def add(self, change: Change, bucket: str) -> None:
        """Store one authored change, under its number."""
        text = json.dumps(dump(change), ensure_ascii=False, separators=(",", ":"))
        self._db.execute(
            "INSERT INTO outbox (number, change_id, entity, record_id, bucket, change, made_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                change.number,
                change.change_id,
                change.entity,
                change.record_id,
                bucket,
                text,
                change.claimed_at,
            ),
        )

    def unsettled(self, most: int, most_bytes: int, after: int = 0) -> list[tuple[int, str]]:
        """(number, JSON) of changes to send, in order: as many as fit, and at least one if there
        is one."""
        found = rows(
            self._db,
            "SELECT number, change FROM outbox WHERE verdict IS NULL AND number > ?"
            " ORDER BY number LIMIT ?",
            (after, most),
        )
        return _up_to(found, most_bytes)

    def settle(self, outcomes: Iterable[Outcome]) -> set[Touched]:
        """Write down what became of changes. A `retry` only leaves its code; settled ones are not
        settled anew."""
        settled, held, ids = [], [], []
        for outcome in outcomes:
            ids.append(outcome.change_id)
            if outcome.verdict in SETTLED:
                conflicts = json.dumps(outcome.conflicts) if outcome.conflicts else "[]"
                settled.append(
                    (outcome.verdict, outcome.code, outcome.field, conflicts, outcome.seq)
                    + (outcome.change_id,)
                )
            else:
                held.append((outcome.code, outcome.change_id))
        self._db.executemany(
            "UPDATE outbox SET verdict = ?, code = ?, field = ?, conflicts = ?, seq = ?,"
            " held_by = NULL WHERE change_id = ? AND verdict IS NULL",
            settled,
        )
        self._db.executemany(
            "UPDATE outbox SET held_by = ? WHERE change_id = ? AND verdict IS NULL", held
        )
        return set(
            rows(
                self._db,
                "SELECT entity, record_id FROM outbox"
                " WHERE change_id IN (SELECT value FROM json_each(?))",
                (json.dumps(ids),),
            )
        )

    def uncovered(self, outcomes: Iterable[Outcome]) -> set[Touched]:
        """Of these settled changes' records, those over which the change no longer lies: it was
        rejected or waits for a manager, or the server's row had come before the outcome."""
        found = rows(
            self._db,
            "SELECT DISTINCT entity, record_id FROM outbox WHERE change_id IN"
            " (SELECT value FROM json_each(?)) AND"
            " (verdict IN ('rejected', 'quarantined') OR (verdict IS NOT NULL AND seq <= ?))",
            (json.dumps([o.change_id for o in outcomes]), self._meta.get(CURSOR, 0)),
        )
        return set(found)

    def hold(self, number: int, code: str) -> None:
        """Note why change `number` does not move on."""
        self._db.execute("UPDATE outbox SET held_by = ? WHERE number = ?", (code, number))

    def send_again(self) -> set[Touched]:
        """A new epoch: everything that was not backed up counts as unsent. The server knows
        doubles by their ids."""
        entries = rows(
            self._db,
            "UPDATE outbox SET verdict = NULL, code = NULL, field = NULL, conflicts = NULL, seq = 0"
            " WHERE verdict IS NOT NULL AND seq > ? RETURNING entity, record_id",
            (self._meta.get(BACKED_UP_TO, 0),),
        )
        return set(entries)

    def forget_backed_up(self) -> bool:
        """Remove what the server has backed up and the pull has passed, but for outcomes that
        nobody has seen yet. Whether any of it was about what this device holds no more: its last
        trace is in pages that were let go (L4)."""
        gone = rows(
            self._db,
            "DELETE FROM outbox WHERE verdict IS NOT NULL AND seq <= min(?, ?)"
            " AND (verdict IN ('applied', 'merged') OR dismissed = 1)"
            " RETURNING entity = 'look' OR EXISTS (SELECT 1 FROM server_row s"
            "   WHERE s.entity = outbox.entity AND s.id = outbox.record_id)",
            (self._meta.get(BACKED_UP_TO, 0), self._meta.get(CURSOR, 0)),
        )
        return any(not held for (held,) in gone)

    def dismiss(self, number: int) -> None:
        """The author has seen this outcome. Changes that still wait can't be dismissed."""
        self._db.execute(
            "UPDATE outbox SET dismissed = 1 WHERE number = ? AND verdict IS NOT NULL", (number,)
        )

    def waiting(self) -> list[Waiting]:
        """What waits and what its author should see, in the order of making. Looks go up unseen:
        they are no work of anyone's."""
        backed_up_to = self._meta.get(BACKED_UP_TO, 0)
        entries = rows(
            self._db,
            "SELECT number, change, verdict, coalesce(code, held_by), field, seq, conflicts"
            " FROM outbox WHERE entity <> 'look' AND (verdict IS NULL OR (dismissed = 0 AND"
            " verdict IN (SELECT value FROM json_each(?)))) ORDER BY number",
            (json.dumps(sorted(CONCERNING)),),
        )
        found = []
        for number, text, verdict, code, field_name, seq, conflicts in entries:
            change = json.loads(text)
            found.append(
                Waiting(
                    number=number,
                    change_id=change["change_id"],
                    entity=change["entity"],
                    record_id=change["record_id"],
                    kind=change["kind"],
                    values=change["fields"],
                    made_at=from_wire(change["claimed_at"]),
                    verdict=verdict,
                    code=code,
                    field=field_name,
                    backed_up=verdict is not None and seq <= backed_up_to,
                    conflicts=json.loads(conflicts or "[]"),
                )
            )
        return found

    def unsealed(self, most: int = SEALED_TOGETHER) -> list[tuple[int, str]]:
        """(number, JSON) of changes without a sealed copy, in order: as many as one entry of the
        sealed log is to hold."""
        found = rows(
            self._db,
            "SELECT number, change FROM outbox WHERE sealed = 0 ORDER BY number LIMIT ?",
            (most,),
        )
        return _up_to(found, SEALED_BYTES)

    def mark_sealed(self, first: int, last: int, log_seq: int) -> None:
        """The sealed copies of what was unsealed from `first` to `last` are on disk as entry
        `log_seq` of the sealed log."""
        self._db.execute(
            "UPDATE outbox SET sealed = ? WHERE sealed = 0 AND number BETWEEN ? AND ?",
            (log_seq, first, last),
        )
        if self._meta.get(SEALED_FROM) is None:
            self._meta.put(SEALED_FROM, log_seq)
        self._meta.put(SEALED_LAST, log_seq)

    def sealed_and_backed_up(self) -> int:
        """The sealed log's entry up to which all that this vault sealed is backed up; or 0."""
        waiting: int | None = self._db.execute(
            "SELECT min(sealed) FROM outbox WHERE sealed > 0 AND (verdict IS NULL OR seq > ?)",
            (self._meta.get(BACKED_UP_TO, 0),),
        ).get
        last: int = self._meta.get(SEALED_LAST, 0)
        return last if waiting is None else waiting - 1


def _up_to(changes: list[tuple[int, str]], most_bytes: int) -> list[tuple[int, str]]:
    """As many of these as have `most_bytes` together, and at least one if there is one."""
    size = 0
    for place, (_, text) in enumerate(changes):
        size += len(text) if text.isascii() else len(text.encode())
        if place and size > most_bytes:
            return changes[:place]
    return changes
