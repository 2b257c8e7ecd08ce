"""After a grant's end the open store goes on under a new key; the old one opens nothing (L4)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mobile.store.files import DirectoryFiles
from mobile.store.vault import open_vault, rekey
from shared.entities import Customer
from shared.errors import Code, Refusal
from shared.wire import Drop
from tests.mobile.store_world import ME, World, an_id, customer

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
    world.store.inbound.rekeyed()
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
