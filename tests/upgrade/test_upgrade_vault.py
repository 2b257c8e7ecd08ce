"""Steps of the vault's schema: whole or not at all, and never backwards."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path

import apsw
import pytest

from mobile.store import schema
from mobile.store.files import DirectoryFiles
from mobile.store.pool import MemoryDisk, MemoryFiles
from mobile.store.vault import close_vault, faults, open_vault
from shared.errors import Code, Refusal
from tests.mobile.failing_disk import WHAT_A_CUT_KEEPS, FailingDisk, FailingFiles, PowerCut
from tests.upgrade.company import VAULT
from tests.upgrade.kept import Kept
from tests.upgrade.keys import VAULT_KEY

NEXT_STEPS = (
    """
    CREATE TABLE marked (change_id TEXT PRIMARY KEY, note TEXT NOT NULL) WITHOUT ROWID;
    ALTER TABLE outbox ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;
    INSERT INTO marked SELECT change_id, 'seen' FROM outbox;
    UPDATE outbox SET marked = 1;
    """,
    "CREATE INDEX outbox_marked ON outbox (marked); DROP TABLE marked;",
)
"""Two steps as a later version may have them: new places, and old rows rewritten."""


def on_a_disk(version: Kept, disk: MemoryDisk, folder: Path) -> MemoryDisk:
    for file in version.lay_out_phone(folder).iterdir():
        disk.files[file.name] = bytearray(file.read_bytes())
    return disk


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> int:
    """The app of two versions on; the number of its schema."""
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS + NEXT_STEPS)
    return len(schema.MIGRATIONS)


def opened(files: MemoryFiles) -> apsw.Connection:
    asyncio.run(files.claim(VAULT))
    return open_vault(files, VAULT, VAULT_KEY)


@pytest.mark.parametrize("kept_by_disk", WHAT_A_CUT_KEEPS)
def test_a_power_cut_in_an_upgrade_leaves_a_whole_version(
    version: Kept, later: int, kept_by_disk: str, tmp_path: Path
) -> None:
    seen: set[int] = set()
    start = on_a_disk(version, MemoryDisk(), tmp_path).files
    steps, done = 0, False
    while not done:
        disk = FailingDisk()
        disk.files = {name: bytearray(data) for name, data in start.items()}
        disk.flushed = {name: bytes(data) for name, data in start.items()}
        cut = opened(FailingFiles(disk))
        disk.steps_left = steps
        try:
            schema.prepare(cut)
        except (PowerCut, Refusal, apsw.Error):
            pass
        else:
            done = True
        found = MemoryFiles(disk=disk.after_the_cut(kept_by_disk))
        disk.steps_left = None
        cut.close(True)
        steps += 1
        db = opened(found)
        number = db.execute("PRAGMA user_version").get
        seen.add(number)
        assert faults(db) == [] and whole(db, number, later), (steps, number)
        assert outbox(db) == [c["change"] for c in version.changes]
        db.close()
    assert {version.client_schema, later} <= seen and steps > 10


def whole(db: apsw.Connection, number: int, later: int) -> bool:
    """Whether the two last steps are there as the schema's number says, each whole or not at
    all."""
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
    columns = {row[1] for row in db.execute("PRAGMA table_info(outbox)")}
    if number < later - 1:
        return "marked" not in tables | columns
    unmarked = db.execute("SELECT count(*) FROM outbox WHERE marked = 0").get
    first = unmarked == 0 and ("marked" in tables) == (number == later - 1)
    return first and ("outbox_marked" in tables) == (number == later)


def outbox(db: apsw.Connection) -> list[object]:
    return [json.loads(text) for (text,) in db.execute("SELECT change FROM outbox ORDER BY number")]


async def test_a_vault_of_a_newer_app_is_refused_and_stays_as_it_is(
    version: Kept, tmp_path: Path
) -> None:
    folder = version.lay_out_phone(tmp_path)
    files = DirectoryFiles(folder)
    await files.claim(VAULT)
    db = open_vault(files, VAULT, VAULT_KEY)
    schema.prepare(db)
    db.execute(f"PRAGMA user_version={len(schema.MIGRATIONS) + 1}")
    close_vault(db)
    before = digests(folder)
    db = open_vault(files, VAULT, VAULT_KEY)
    with pytest.raises(Refusal) as refused:
        schema.prepare(db)
    assert refused.value.code is Code.VAULT_NEWER
    close_vault(db)
    await files.release(VAULT)
    assert digests(folder) == before


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.stat().st_size and ".lock" not in path.name
    }
