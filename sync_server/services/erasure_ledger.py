"""Who was erased, beside the backups: a backup that was taken before knows nothing of it.

A line for each, with ids alone, appended to a file in the backups' folder when it happens; after a
restore from that folder they are erased again, before any device comes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from shared.clock import to_wire
from shared.errors import Code, Refusal
from sync_server.db.base import Database
from sync_server.services import audit
from sync_server.services.erasing import erase
from sync_server.services.file_store import FileStore

_NAME = "erasures.jsonl"


def note_erasure(folder: Path | None, org_id: str, customer_id: str, now: datetime) -> None:
    """Durable when this returns. Nothing to do without a folder for backups."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"org_id": org_id, "customer_id": customer_id, "at": to_wire(now)}) + "\n"
    descriptor = os.open(folder / _NAME, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def erase_again(db: Database, files: FileStore, folder: Path, now: datetime) -> int:
    """Erases whoever a restored backup has brought back; says how many. Harmless twice."""
    done = 0
    for org_id, customer_id in dict.fromkeys(_noted(folder)):
        try:
            erase(db, files, audit.by_itself(org_id), customer_id, None, None, now, cause="restore")
        except Refusal as refusal:
            if refusal.code not in (Code.CUSTOMER_ERASED, Code.RECORD_MISSING):
                raise
        else:
            done += 1
    return done


def _noted(folder: Path) -> Iterator[tuple[str, str]]:
    path = folder / _NAME
    if not path.exists():
        return
    for line in path.read_text("utf-8").splitlines():
        try:
            told = json.loads(line)
            yield str(told["org_id"]), str(told["customer_id"])
        except (ValueError, KeyError, TypeError):
            continue  # a line that a power cut left half
