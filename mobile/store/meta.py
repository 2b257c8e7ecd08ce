"""Single facts that the vault keeps beside its rows, by name: where the sync stands, who this is,
what was promised.

Values are JSON. Nothing here commits by itself: a fact changes in the transaction of what it is
about. A sync reads some thirty facts, most of them again and again, so what was read is remembered
until this connection, the vault's only one, has written a row.
"""

from __future__ import annotations

import json
from typing import Any

import apsw

CURSOR = "cursor"
EPOCH = "epoch"
OUTBOX_EPOCH = "outbox_epoch"  # in which the outbox's numbers were given
LEASE = "lease"  # payload of the last signed lease, as text
BACKED_UP_TO = "backed_up_to"
LAST_SYNC_AT = "last_sync_at"
STAFF = "staff"  # wire.StaffCard
DEVICE_ID = "device_id"
SERVER_KEYS = "server_keys"  # wire.ServerKeys
TOKENS = "tokens"
CASE_NUMBERS = "case_numbers"  # blocks: prefix, first, last
LOOKS = "looks"  # number and hash of the last entry of the chain (L7)
LOOK_CHAIN = "look_chain"  # which chain that is, and with what signed words it began
SEALED_FROM = "sealed_from"  # first entry of the sealed log that this vault wrote
SEALED_LAST = "sealed_last"  # and the last
HANDED_IN = "handed_in"  # how far entries of an earlier vault were handed in (`sync.sealed`)
SEALED_FILES = "sealed_files"  # copies by file: their bytes, and the backup that frees them
HANDED_IN_FILES = "handed_in_files"  # copies of an earlier vault that the server has
REKEY_DUE = "rekey_due"  # an id, set with the deletion that asks for it, cleared when it is done
UPDATE_WANTED = "update_wanted"
GRANTS_DIGEST = "grants_digest"  # of the grants that the last full lease named
RECEIPTS = "receipts"  # what was deleted and is to be signed for (`store.receipts`)
RETURNED = "returned"  # grants given back, of which the server may not have heard
REPAIRED = "repaired"  # of the last repair (L5): when, and how many buckets


class Meta:
    """The facts of one open vault."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._read: dict[str, Any] = {}  # texts, since what a caller gets is the caller's to change
        self._written = -1  # rows that had been written when they were read

    def get(self, key: str, default: Any = None) -> Any:
        """The fact, or `default` where none was ever written."""
        text = self._remembered(key)
        return default if text is None else json.loads(text)

    def _remembered(self, key: str) -> Any:
        """The fact's text. Nothing read within a transaction is kept: it may be undone, and SQLite
        does not count that as writing."""
        if self._db.in_transaction:
            return self._text(key)
        if (written := self._db.total_changes()) != self._written:
            self._read.clear()
            self._written = written
        if key not in self._read:
            self._read[key] = self._text(key)
        return self._read[key]

    def _text(self, key: str) -> Any:
        return self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).get

    def put(self, key: str, value: Any) -> None:
        """Write a fact; None removes it."""
        if value is None:
            self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
            return
        self._db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, json.dumps(value, ensure_ascii=False)),
        )
