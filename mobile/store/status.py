"""Where things stand, for the sync chip: what waits, what was received, what is backed up (ux.md,
Sync chip)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

import apsw

from mobile.store import sealed_copies
from mobile.store.gate import Gate
from mobile.store.meta import BACKED_UP_TO, LAST_SYNC_AT, UPDATE_WANTED, Meta
from mobile.store.outbox import CONCERNING
from shared.clock import from_wire
from shared.errors import Code


@dataclass(frozen=True, slots=True)
class Status:
    """Changes that are saved here alone (`unsent`), at the server (`received`), and in its backup
    (`backed_up`); files that the server has not verified; outcomes that someone should look
    at."""

    unsent: int
    unsent_files: int
    concerning: int
    received: int
    backed_up: int
    buckets_fetching: int
    last_sync_at: datetime | None
    lease_ends_at: datetime | None
    suspended: Code | None
    update_wanted: bool
    sealed_bytes: int
    """What the sealed copies of photos and documents take on this device."""


_COUNTS = """
    SELECT count(*) FILTER (WHERE verdict IS NULL AND entity <> 'look'),
           count(*) FILTER (WHERE verdict IS NULL),
           count(*) FILTER (WHERE verdict IS NOT NULL AND seq > :backed_up_to),
           count(*) FILTER (WHERE dismissed = 0
               AND verdict IN (SELECT value FROM json_each(:concerning)))
    FROM outbox
"""


def status(db: apsw.Connection, meta: Meta, gate: Gate) -> Status:
    """The present state; readable whatever the gate says."""
    unsent, unsettled, received, concerning = db.execute(
        _COUNTS,
        {
            "backed_up_to": meta.get(BACKED_UP_TO, 0),
            "concerning": json.dumps(sorted(CONCERNING)),
        },
    ).get
    made = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").get or 0
    files = db.execute("SELECT count(*) FROM blob WHERE verified = 0").get
    fetching = db.execute("SELECT count(*) FROM bucket WHERE complete = 0").get
    last = meta.get(LAST_SYNC_AT)
    return Status(
        unsent=unsent,
        unsent_files=files,
        concerning=concerning,
        received=received,
        backed_up=made - unsettled - received,
        buckets_fetching=fetching,
        last_sync_at=from_wire(last) if last else None,
        lease_ends_at=gate.lease_ends_at(),
        suspended=gate.suspended(),
        update_wanted=bool(meta.get(UPDATE_WANTED)),
        sealed_bytes=sealed_copies.size(meta),
    )
