"""After a grant's end the open store goes on under a new key; the old one opens nothing (L4)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import apsw
import pytest

from mobile.store.files import DirectoryFiles
from mobile.store.pool import MemoryDisk, MemoryFiles
from mobile.store.vault import checkpoint, open_vault, rekey, transaction
from shared.entities import Customer
from shared.errors import Code, Refusal
from shared.wire import Drop
from tests.mobile.store_world import ME, World, an_id, customer
from tests.sim.stored import readable

OLD, NEW = bytes(32), bytes(range(32))
ZHANG, WANG = customer("张伟", needs="绝密的需求"), customer("王芳")


def test_the_open_store_goes_on_under_the_new_key(tmp_path: Path) -> None:
    files = DirectoryFiles(tmp_path)
    asyncio.run(files.claim("vault"))
    world = World(db=open_vault(files, "vault", OLD))
    gone, kept = (f"customer:{row['id']}" for row in (ZHANG, WANG))
    rows = (world.line("customer", ZHANG), world.line("customer", WANG))
    world.hold(gone, kept, f"user:{ME}", rows=rows)
    seen = world.store.get(Customer, ZHANG["id"])
    assert seen is not None
    with world.store.unit() as unit:
        unit.update(seen, needs="还没发出的话")
        unit.commit()
    drop = Drop(grant_id=an_id("grant", gone), bucket=gone, reason="reassigned")
    world.pull(lease=world.lease(kept, f"user:{ME}", drops=[drop]))
    assert world.store.inbound.rekey_due()
    rekey(world.db, NEW)
    world.store.inbound.rekeyed(world.store.inbound.rekey_due())
    assert [c.name for c in world.store.find(Customer)] == ["王芳"]
    assert [hit.id for hit in world.store.search("wf")] == [WANG["id"]]
    assert world.store.waiting()[0].values == {"needs": "还没发出的话"}
    world.store.save_draft("d", {"notes": "接着写"})
    world.db.close()
    with pytest.raises(Refusal) as refused:
        open_vault(files, "vault", OLD)
    assert refused.value.code is Code.VAULT_WRONG_KEY
    again = World(db=open_vault(files, "vault", NEW))
    assert again.store.draft("d") == {"notes": "接着写"}
    everything = "".join(again.db.execute("SELECT group_concat(body) FROM server_row").get)
    assert "绝密的需求" not in everything and "王芳" in everything
    again.db.close()
    asyncio.run(files.release("vault"))


def test_no_unused_part_of_a_page_takes_what_was_deleted_over_to_the_new_key() -> None:
    """Rows that grow are spread over neighbouring pages, and now and then the page that they left
    keeps a copy which no deletion clears."""
    for seed in range(100):
        disk = MemoryDisk()
        db = _much_written(disk, Random(seed))
        with transaction(db):
            db.execute("DELETE FROM t WHERE body LIKE 'KANARIE%'")
        left = _seen(db, disk, OLD)
        rekey(db, NEW)
        assert not _seen(db, disk, NEW)
        db.close()
        if left:
            return
    raise AssertionError("SQLite clears everything by itself now: no need to build pages anew")


def _much_written(disk: MemoryDisk, chance: Random) -> apsw.Connection:
    files = MemoryFiles(disk=disk)
    asyncio.run(files.claim("vault"))
    db = open_vault(files, "vault", OLD)
    db.execute("CREATE TABLE t (id INTEGER UNIQUE, body TEXT)")
    with transaction(db):
        for _ in range(300):
            row = chance.randrange(40)
            if chance.random() < 0.2:
                db.execute("DELETE FROM t WHERE id = ?", (row,))
                continue
            body = ("KANARIE " if row % 2 else "nothing ") * chance.randrange(1, 120)
            db.execute("INSERT OR REPLACE INTO t VALUES (?, ?)", (row, body))
    return db


def _seen(db: apsw.Connection, disk: MemoryDisk, key: bytes) -> list[str]:
    """Where the word can be read by whoever has the files and the key."""
    checkpoint(db)
    contents = {name: bytes(data) for name, data in disk.files.items()}
    return [place for place, text in readable(contents, key).items() if "KANARIE" in text]
