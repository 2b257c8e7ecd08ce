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
from sync_server.services.backup_manifest import sync_folder

_NAME = "erasures.jsonl"


def note_erasure(folder: Path | None, org_id: str, customer_id: str, now: datetime) -> None:
    """Durable when this returns. Nothing to do without a folder for backups."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    said = json.dumps({"org_id": org_id, "customer_id": customer_id, "at": to_wire(now)})
    descriptor = os.open(folder / _NAME, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    with open(descriptor, "wb") as file:
        # On a line of its own, whatever a power cut or a full disk left of the one before.
        file.write(f"\n{said}\n".encode())
        file.flush()
        os.fsync(descriptor)
    sync_folder(folder)


def noted(folder: Path) -> Iterator[tuple[str, str]]:
    """Organisation and customer of each line."""
    path = folder / _NAME
    if not path.exists():
        return
    for line in path.read_text("utf-8").splitlines():
        try:
            told = json.loads(line)
            yield str(told["org_id"]), str(told["customer_id"])
        except (ValueError, KeyError, TypeError):
            continue  # empty, or one that a power cut left half
