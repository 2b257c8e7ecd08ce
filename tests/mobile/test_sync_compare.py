"""Comparing bucket by bucket with a real server, as the doctor has it done."""

from __future__ import annotations

from mobile.store.vitals import vitals
from shared.errors import Code
from tests.mobile.sync_world import handset
from tests.server.phones import Field


async def test_buckets_that_agree_are_counted_by_kind(world: Field) -> None:
    phone = await handset(world, "lin")
    report = await phone.engine.compare()
    assert report.ok and report.agreed
    assert report.agreement is not None
    held = {kind.kind: kind.held for kind in vitals(phone.store.parts).buckets}
    assert report.agreement == {kind: (count, 0) for kind, count in held.items()}
    assert vitals(phone.store.parts).repaired is None


async def test_a_row_that_differs_is_found_and_its_bucket_is_fetched_anew(world: Field) -> None:
    phone = await handset(world, "lin")
    whole = phone.db.execute("SELECT id, body FROM server_row ORDER BY id").fetchall()
    phone.db.execute(
        "UPDATE server_row SET digest = digest + 1, body = replace(body, '}', ' }')"
        " WHERE rowid = (SELECT min(rowid) FROM server_row WHERE entity = 'customer')"
    )
    report = await phone.engine.compare()
    assert (report.agreed, report.repaired) == (True, 1)
    assert phone.db.execute("SELECT id, body FROM server_row ORDER BY id").fetchall() == whole
    repaired = vitals(phone.store.parts).repaired
    assert repaired is not None and repaired["buckets"] == 1


async def test_without_a_way_to_the_server_nothing_is_claimed(world: Field) -> None:
    phone = await handset(world, "lin")
    phone.line.up = False
    report = await phone.engine.compare()
    assert report.code is Code.OFFLINE
    assert report.agreement is None
