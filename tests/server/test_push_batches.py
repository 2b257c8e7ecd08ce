"""A batch is its changes one by one: same rows, same numbers, same feed; and what can't be settled
now holds back what builds on it, and nothing else (L1, L2)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from shared.ids import new_id
from shared.messages import dump
from shared.wire import Change, Outcome
from sync_server.db.base import Database
from sync_server.db.log import BUCKET_HEAD, CHANGE_LOG, FEED, HISTORY, ORG_STATE
from sync_server.db.records import RECORDS
from sync_server.services import push as pushing
from sync_server.services.changes import read_push
from sync_server.services.push import push
from tests.databases import database_at
from tests.server.field_org import Device, World, body_of

SHOWN = (RECORDS["visit"], FEED, BUCKET_HEAD, HISTORY, CHANGE_LOG, ORG_STATE)


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def sent(world: World, an: Device, changes: Sequence[dict[str, Any]]) -> list[Outcome]:
    body = body_of(dump(an.envelope([])) | {"changes": list(changes)})
    return push(world.db, an.caller, read_push(body), world.now).outcomes


def everything(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All that a push writes, decrypted, in an order of its own."""
    with db.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in SHOWN
        }


def a_days_mix(world: World, an: Device) -> list[dict[str, Any]]:
    """Good, repeated, malformed, forged, forbidden, of unknown records, on top of each other."""
    first, second = world.customer("an"), world.customer("an")
    foreign = world.customer("bai")
    an.sync()
    at_first = f"customer:{first}"
    visits = [an.visit(first, notes=f"第 {n} 次") for n in range(4)]
    elsewhere = an.visit(second, position={"latitude": 31.2, "longitude": 1e-7, "accuracy_m": 5.0})
    edit = an.update("visit", visits[0].record_id, {"notes": "改过"}, at_first)
    again = an.update(
        "visit", visits[0].record_id, {"notes": "再改", "next_step": "报价"}, at_first
    )
    cleared = an.update("visit", visits[0].record_id, {"next_step": None}, at_first)
    stranger = an.update("visit", new_id(), {"notes": "无此单"}, at_first)
    theirs = dump(an.visit(first)) | {"fields": {**visits[0].fields, "customer_id": foreign}}
    return [
        dump(visits[0]),
        dump(elsewhere),
        dump(visits[1]) | {"colour": "red"},
        dump(edit),
        dump(visits[2]),
        dump(again),
        dump(edit),  # twice
        dump(stranger),
        theirs,
        dump(visits[3]) | {"fields": {**visits[3].fields, "purpose": "gossip"}},
        dump(cleared),
    ]


def test_a_batch_writes_what_its_changes_write_one_by_one(
    sqlite_template: Path, tmp_path: Path
) -> None:
    shutil.copy(sqlite_template, tmp_path / "a.sqlite3")
    db = database_at(f"sqlite:///{tmp_path / 'a.sqlite3'}")
    world = World(db)
    an = world.device("an")
    changes = a_days_mix(world, an)
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(tmp_path / "a.sqlite3", tmp_path / "b.sqlite3")
    other = database_at(f"sqlite:///{tmp_path / 'b.sqlite3'}")
    together = sent(world, an, changes)
    world.db = other
    one_by_one = [outcome for change in changes for outcome in sent(world, an, [change])]
    assert together == one_by_one
    assert {o.verdict for o in together} == {"applied", "rejected"}
    assert everything(db) == everything(other)
    world.db = db
    an.sync()
    db.close()
    other.close()


def test_a_mixed_batch_sent_again_changes_nothing(world: World) -> None:
    an = world.device("an")
    changes = a_days_mix(world, an)
    first = sent(world, an, changes)
    before = everything(world.db)
    rewritten = [dict(reversed(change.items())) for change in changes]
    assert sent(world, an, rewritten) == first
    assert everything(world.db) == before
    an.sync()


def test_a_digest_of_the_first_version_still_knows_its_change(world: World, an: Device) -> None:
    customer = world.customer("an")
    an.sync()
    visit = dump(an.visit(customer))
    (first,) = sent(world, an, [visit])
    old = json.dumps(visit, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    with world.db.write() as connection:
        connection.execute(CHANGE_LOG.update().values(body=old, digest=b"o" * 32))
    assert sent(world, an, [visit]) == [first]


@pytest.fixture
def an(world: World) -> Device:
    return world.device("an")


def failing(monkeypatch: pytest.MonkeyPatch, *record_ids: str) -> None:
    """Has the server stumble over these records, through no fault of the change."""
    real = pushing.judge_and_apply

    def stumble(desk: Any, change: Any, *rest: Any) -> Any:
        if change.record_id in record_ids:
            raise RuntimeError("not the change's fault")
        return real(desk, change, *rest)

    monkeypatch.setattr(pushing, "judge_and_apply", stumble)


def test_what_builds_on_a_change_that_waits_waits_with_it_however_far_down(
    world: World, an: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = world.customer("an")
    an.sync()
    mine = an.create("customer", {"name": "新客户"}, f"user:{an.caller.staff_id}")
    visit = an.create(
        "visit",
        an.visit(held).fields | {"customer_id": mine.record_id},
        f"user:{an.caller.staff_id}",
    )
    edit = Change(**(dump(visit) | {"change_id": new_id(), "kind": "update", "number": 90}))
    edit.fields.clear()
    edit.fields["notes"] = "后来"
    apart = an.visit(held)
    changes = [dump(mine), dump(visit), dump(edit), dump(apart)]
    failing(monkeypatch, mine.record_id)
    assert [o.verdict for o in sent(world, an, changes)] == ["retry"] * 3 + ["applied"]
    monkeypatch.undo()
    assert [o.verdict for o in sent(world, an, changes)] == ["applied"] * 4
