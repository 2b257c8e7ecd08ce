"""The sync doctor's judgement, and that its bundle tells nothing of any customer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mobile.store.meta import STAFF
from mobile.store.vitals import vitals
from mobile.usecases.doctor import Examined, Finding, Mend, State, judge, worst
from mobile.usecases.services import Installation, Storage
from mobile.usecases.support_bundle import support_bundle
from mobile.usecases.syncing import Exchange
from shared.clock import to_wire
from shared.declare import ENTITIES
from shared.errors import Code
from shared.rows import RowLine, body_text
from shared.wire import Change, Outcome, PullHeader
from tests.canaries import Aviary
from tests.mobile.store_world import MORNING, World, an_id, customer

BUCKET = f"customer:{an_id('held')}"


def looked(world: World, **facts: Any) -> Examined:
    """What the doctor sees on a phone where all is well, but for `facts`."""
    well: dict[str, Any] = {
        "at": world.clock.at,
        "vitals": vitals(world.store.parts),
        "exchanges": [Exchange(world.clock.at, 1, 2, None)],
        "agreement": None,
        "storage": Storage(persisted=True, usage_bytes=5_000_000, quota_bytes=1_000_000_000),
        "durable": True,
        "app": Installation(version="1.0"),
        "platform": "browser",
        "sealed_entries": 0,
        "sealed_damage": 0,
        "online": True,
    }
    return Examined(**{**well, **facts})


@pytest.fixture
def world() -> World:
    """A phone after its first sync, a moment ago."""
    world = World()
    world.hold(BUCKET)
    world.store.inbound.finished()
    return world


def found(seen: Examined, topic: str) -> Finding:
    (one,) = [finding for finding in judge(seen) if finding.topic == topic]
    return one


def write(world: World, number: int, at: datetime = MORNING, **facts: Any) -> str:
    """A change that waits in the outbox."""
    change_id = an_id("change", str(number))
    change = Change(
        **{
            "change_id": change_id, "number": number, "grant_id": an_id("grant", BUCKET),
            "entity": "customer", "record_id": an_id("held"), "kind": "update",
            "fields": {"name": "x"}, "claimed_at": to_wire(at), "boot_id": "boot-1",
            "monotonic_ms": 0, **facts,
        }
    )  # fmt: skip
    with world.store.parts.commits.begin():
        world.store.parts.outbox.add(change, BUCKET)
    return change_id


def test_a_phone_in_step_is_well(world: World) -> None:
    findings = judge(looked(world))
    assert {one.state for one in findings} == {State.GOOD}, findings
    assert worst(findings) is State.GOOD


def test_what_waits_is_counted_with_its_oldest(world: World) -> None:
    write(world, 1)
    write(world, 2, MORNING + timedelta(hours=1))
    one = found(looked(world), "waiting")
    assert (one.state, one.word) == (State.GOOD, "some")
    assert one.values == {"count": 2, "since": MORNING}


def test_looks_are_nobodys_work_and_are_told_to_support_alone(world: World) -> None:
    write(world, 1, entity="look", record_id=an_id("look"), kind="create", fields={"number": 1})
    seen = looked(world)
    assert found(seen, "waiting").word == "none"
    assert len(json.loads(support_bundle(seen, judge(seen), "1.0"))["waiting"]) == 1


def test_work_that_waits_for_long_needs_a_look(world: World) -> None:
    write(world, 1)
    world.clock.advance(hours=9)
    one = found(looked(world), "waiting")
    assert (one.state, one.word, one.mend) == (State.ATTENTION, "long", Mend.SYNC)


def test_work_that_the_server_holds_back_is_wrong(world: World) -> None:
    world.store.inbound.held_back(_number(world), Code.SERVER_FAULT)
    one = found(looked(world), "waiting")
    assert (one.state, one.word, one.values["held"]) == (State.BAD, "held", 1)


def _number(world: World) -> int:
    write(world, 1)
    return 1


def test_an_ended_lease_is_wrong_and_one_that_ends_soon_needs_a_look(world: World) -> None:
    world.clock.advance(hours=71)
    assert found(looked(world), "lease").word == "short"
    world.clock.advance(hours=2)
    one = found(looked(world), "lease")
    assert (one.state, one.word) == (State.BAD, "ended")


def test_a_clock_that_was_set_back_is_wrong(world: World) -> None:
    world.clock.set_back = True
    one = found(looked(world), "clock")
    assert (one.state, one.word) == (State.BAD, "suspended")


@pytest.mark.parametrize(("minutes", "word"), [(9, "fast"), (-9, "slow"), (1, "right")])
def test_a_clock_beside_the_servers_is_told_by_how_much(
    world: World, minutes: int, word: str
) -> None:
    seen = looked(world)
    lag = timedelta(minutes=minutes)
    one = found(replace(seen, vitals=replace(seen.vitals, server_lag=lag)), "clock")
    assert one.word == word
    assert word == "right" or one.values == {"span": timedelta(minutes=9)}


def test_storage_that_may_be_cleared_can_be_asked_for(world: World) -> None:
    one = found(looked(world, storage=Storage(persisted=False)), "storage")
    assert (one.state, one.mend) == (State.ATTENTION, Mend.PERSIST)
    full = Storage(persisted=True, usage_bytes=95, quota_bytes=100)
    assert found(looked(world, storage=full), "storage").word == "full"
    assert found(looked(world, durable=False), "storage").word == "not_durable"


def test_checksums_that_differ_are_wrong_and_a_repair_is_told_of(world: World) -> None:
    world.store.inbound.repair([BUCKET])
    findings = judge(looked(world, agreement={"customer": (3, 1), "user": (1, 0)}))
    told = {one.topic: one for one in findings}
    assert told["checksums"].values == {"count": 5, "differ": 1}
    assert told["checksums"].state is State.BAD
    assert told["repaired"].values == {"at": MORNING, "count": 1}


def test_a_failed_exchange_is_wrong_and_a_missing_network_is_not(world: World) -> None:
    failed = [Exchange(world.clock.at, 0, 0, Code.SERVER_FAULT)]
    assert found(looked(world, exchanges=failed), "exchange").state is State.BAD
    away = [Exchange(world.clock.at, 0, 0, Code.OFFLINE)]
    one = found(looked(world, exchanges=away), "exchange")
    assert (one.state, one.word) == (State.GOOD, "offline")


def test_an_outdated_app_is_wrong(world: World) -> None:
    world.pull(outdated=True)
    assert found(looked(world), "app").state is State.BAD


# ── the bundle ────────────────────────────────────────────────────────────────────────────


def full_of_canaries() -> tuple[World, Aviary]:
    """A vault with canaries wherever text, a figure or an id can stand: in rows of every entity, in
    what waits, what came of it, drafts, files, grants, and who is working."""
    world, aviary = World(), Aviary()
    held = aviary.word("bucket")
    bucket = f"customer:{held}"
    rows = [(name, aviary.row(name)) for name in ENTITIES for _ in range(2)]
    grant = world.grant(
        bucket, id=aviary.word("grant"), purpose=aviary.word("purpose"), role=aviary.word("role")
    )
    world.pull(lease=world.lease(grant))
    lines = [RowLine(bucket, name, row["id"], 101, body_text(row)) for name, row in rows]
    world.fetch_whole(*lines)
    parts = world.store.parts
    world.pull(epoch=aviary.word("epoch"))
    for number, (name, row) in enumerate(rows, 1):
        write(
            world, number, change_id=aviary.word("change"), entity=name, record_id=row["id"],
            fields={**row, aviary.word("field"): aviary.word("strange")},
            grant_id=aviary.word("grant"), boot_id=aviary.word("boot"),
        )  # fmt: skip
    with parts.commits.begin():
        parts.meta.put(STAFF, {"id": aviary.word("staff"), "name": aviary.word("name")})
        for number in range(0, len(rows), 3):
            parts.outbox.hold(number + 1, aviary.word("held"))
        changes = parts.db.execute("SELECT change_id FROM outbox WHERE number % 3 = 0")
        outcomes = [
            Outcome(
                change_id=change_id, verdict="rejected", seq=7, code=aviary.word("code"),
                field=aviary.word("field"),
            )
            for (change_id,) in changes.fetchall()
        ]  # fmt: skip
        parts.outbox.settle(outcomes)
        content = aviary.word("content").encode()
        parts.blobs.add(aviary.word("file"), aviary.word("media"), content, verified=False)
    key = aviary.word("draft")
    about = ("visit", aviary.word("visit"))
    world.store.save_draft(key, {"notes": aviary.word("notes")}, about=about)
    return world, aviary


_TABLES = ("server_row", "outbox", "draft", "meta", "held_grant", "bucket")


def test_the_canaries_are_really_in_the_vault() -> None:
    world, aviary = full_of_canaries()
    stored = b"".join(
        str(row).encode()
        for table in (*_TABLES, "blob", "blob_part")
        for row in world.db.execute(f"SELECT * FROM {table}")
    )
    assert set(aviary.escaped(stored)) == aviary.words


def test_no_customers_data_and_no_id_is_in_the_bundle() -> None:
    world, aviary = full_of_canaries()
    seen = looked(world)
    data = support_bundle(seen, judge(seen), aviary.word("version") + " of")
    assert aviary.escaped(data) == []
    told = json.loads(data)
    assert len(told["waiting"]) + len(told["outcomes"]) == 2 * len(ENTITIES)
    assert {one["entity"] for one in told["waiting"]} <= set(ENTITIES)
    assert told["grants"][0]["purpose"] == "?", "a word that this version does not know"


def test_equal_ids_are_equal_within_a_bundle_and_unknown_in_the_next() -> None:
    world = World()
    world.hold(BUCKET)
    write(world, 1)
    write(world, 2)
    write(world, 3, record_id=an_id("another"))
    seen = looked(world)
    first, second = (json.loads(support_bundle(seen, judge(seen), "1.0")) for _ in range(2))
    one, same, other = (entry["record"] for entry in first["waiting"])
    assert one == same != other
    assert second["waiting"][0]["record"] not in {one, other}
    assert first["findings"] == second["findings"]


def test_the_bundle_says_how_things_stand(world: World) -> None:
    write(world, 1)
    world.store.inbound.pulled(
        PullHeader(
            epoch="epoch-1", cursor=321, more=False, server_time=to_wire(MORNING), backed_up_to=300
        ),
        None,
        [world.line("customer", customer(id=an_id("held")), BUCKET)],
    )
    seen = looked(world, agreement={"customer": (1, 0)})
    told = json.loads(support_bundle(seen, judge(seen), "1.0"))
    assert told["position"]["cursor"] == 321
    assert told["position"]["backed_up_to"] == 300
    assert told["buckets"] == {"customer": {"held": 1, "whole": 1, "rows": 1}}
    assert told["checksums"] == {"customer": {"agree": 1, "differ": 0}}
    (waiting,) = told["waiting"]
    assert (waiting["entity"], waiting["fields"]) == ("customer", ["name"])
    assert waiting["made_at"] == to_wire(MORNING)
