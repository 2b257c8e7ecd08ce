"""The one way to write: all or nothing, numbers in order, importing twice, and sealed values."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text

from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.db.log import FEED, HISTORY, ORG_STATE
from sync_server.db.people import STORE_REPORT
from sync_server.db.records import RECORDS
from sync_server.db.sealing import KeyRing, use_ring
from sync_server.services.rekeying import reseal, versions
from sync_server.services.storing import Stale
from sync_server.services.writing import Author, Unit, bulk, write
from tests.databases import RING
from tests.server.field_org import MORNING, ORG, World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def _customer(name: str = "客户") -> dict[str, Any]:
    return {"id": new_id(), "name": name, "phone": "+86 138-0000-1111"}


def test_an_exception_leaves_nothing_behind(world: World) -> None:
    before = world.count(FEED)

    def work(unit: Unit) -> None:
        unit.create("customer", _customer())
        raise RuntimeError("after the deciding")

    with pytest.raises(RuntimeError):
        world.write(work)
    assert world.rows("customer") == [] and world.count(FEED) == before


def test_undoing_a_change_forgets_it_and_keeps_the_one_before(world: World) -> None:
    kept, gone = _customer("留"), _customer("去")

    def work(unit: Unit) -> None:
        unit.begin_change()
        unit.create("customer", kept)
        unit.begin_change()
        unit.create("customer", gone)
        unit.update("customer", kept["id"], {"city": "苏州"})
        unit.undo_change()
        assert unit.get("customer", gone["id"]) is None

    world.write(work)
    (row,) = world.rows("customer")
    assert row["name"] == "留" and "city" not in row


def test_a_unit_finds_what_it_wrote_itself(world: World) -> None:
    customer = world.customer("an")

    def work(unit: Unit) -> None:
        assert [h.id for h in unit.find("customer", owner_id=person("an"))] == [customer]
        unit.update("customer", customer, {"owner_id": person("bai")})
        assert unit.find("customer", owner_id=person("an")) == []
        assert [h.id for h in unit.find("customer", owner_id=person("bai"))] == [customer]

    world.write(work)


def test_a_change_makes_one_version_with_all_that_it_brings_with_it(world: World) -> None:
    customer, change_id = world.customer("an"), new_id()
    author = Author(staff_id=person("an"), change_id=change_id)

    def work(unit: Unit) -> None:
        unit.update("customer", customer, {"city": "苏州"})
        unit.update("customer", customer, {"needs": "备货"}, author)
        unit.update("customer", customer, {"city": "上海"}, author)
        unit.update("customer", customer, {"city": "无锡"})
        unit.update("customer", customer, {"needs": "补货"}, author)

    world.write(work)
    with world.db.read() as connection:
        query = select(HISTORY.c.change_id, HISTORY.c.body).where(HISTORY.c.record_id == customer)
        versions = connection.execute(query.order_by(HISTORY.c.seq)).all()[-4:]
    assert [one.change_id for one in versions] == [None, change_id, None, None]
    assert [json.loads(one.body).get("city") for one in versions] == [None, "苏州", "上海", "无锡"]


def test_writing_what_is_already_so_takes_no_number(world: World) -> None:
    customer = world.customer("an")
    before = _last_seq(world)
    world.write(lambda unit: unit.update("customer", customer, {"name": "华联商厦"}))
    assert _last_seq(world) == before


def _last_seq(world: World) -> int:
    with world.db.read() as connection:
        return int(connection.scalar(select(ORG_STATE.c.last_seq)) or 0)


def test_an_update_of_nothing_is_refused(world: World) -> None:
    with pytest.raises(Refusal) as refused:
        world.write(lambda unit: unit.update("customer", new_id(), {"city": "?"}))
    assert refused.value.code is Code.RECORD_MISSING


def test_importing_twice_changes_nothing(world: World) -> None:
    rows = [("customer", _customer(f"客户{n}")) for n in range(7)]

    def load(unit: Unit) -> list[int]:
        return list(bulk(unit, rows, size=3))

    assert world.write(load) == [3, 6, 7]
    before = _last_seq(world)
    world.write(load)
    assert _last_seq(world) == before and len(world.rows("customer")) == 7


def test_a_second_import_updates_what_differs_and_nothing_else(world: World) -> None:
    row = _customer()
    world.write(lambda unit: list(bulk(unit, [("customer", row | {"city": "南京"})])))
    world.write(lambda unit: unit.update("customer", row["id"], {"needs": "冷柜"}))
    world.write(lambda unit: list(bulk(unit, [("customer", row | {"city": "苏州"})])))
    (stored,) = world.rows("customer")
    assert (stored["city"], stored["needs"]) == ("苏州", "冷柜")


def test_a_unit_that_was_overtaken_is_run_again_on_what_is_there_now(world: World) -> None:
    customer = world.customer("an", needs="0")
    runs = []

    def count_up(unit: Unit) -> None:
        held = unit.get("customer", customer)
        assert held is not None
        runs.append(held.row["needs"])
        if len(runs) == 1 and world.db.is_postgres:
            # Another process writes between the reading and the storing.
            world.write(lambda other: other.update("customer", customer, {"needs": "10"}))
        unit.update("customer", customer, {"needs": str(int(held.row["needs"]) + 1)})

    world.write(count_up)
    expected = (["0", "10"], "11") if world.db.is_postgres else (["0"], "1")
    assert (runs, world.row("customer", customer)["needs"]) == expected


def test_a_unit_that_is_overtaken_with_the_lock_in_hand_gives_up(world: World) -> None:
    def work(_unit: Unit) -> None:
        raise Stale("customer")

    with pytest.raises(Stale):
        world.write(work)


def test_a_phone_is_found_by_its_digits_and_by_nothing_else(world: World) -> None:
    customer = world.customer(None, phone="+86 138-0000-1111")
    table = RECORDS["customer"]
    with world.db.read() as connection:
        found = connection.scalars(
            select(table.c.id).where(table.c.phone_hash == RING.hash_phone("13800001111"))
        ).all()
        missed = connection.scalars(
            select(table.c.id).where(table.c.phone_hash == RING.hash_phone("13800001112"))
        ).all()
    assert (list(found), list(missed)) == ([customer], [])
    assert RING.hash_phone("none") is None


def test_a_sealed_value_opens_only_in_its_own_column_and_with_its_key() -> None:
    sealed = RING.seal(b"secret", b"customer_row.name")
    assert RING.open(sealed, b"customer_row.name") == b"secret"
    other_key = KeyRing({1: os.urandom(32)}, b"x")
    no_key = KeyRing({2: os.urandom(32)}, b"x")
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for ring, value, context in (
        (RING, sealed, b"customer_row.needs"),
        (RING, altered, b"customer_row.name"),
        (other_key, sealed, b"customer_row.name"),
        (no_key, sealed, b"customer_row.name"),
    ):
        with pytest.raises(ValueError, match=r"key|altered"):
            ring.open(value, context)


def test_rotating_keys_seals_everything_anew_and_loses_nothing(world: World) -> None:
    world.customer("an", needs="冷柜")
    report = {"org_id": ORG, "store_id": "one", "month": 24_320, "form": "pdf", "language": "en"}
    report |= {"made_at": "2026-11-10T00:00:00.000Z", "body": b"%PDF \xff"}
    with world.db.write() as connection:
        connection.execute(insert(STORE_REPORT).values(**report))
    before = world.rows("customer"), world.rows("contact")
    new = KeyRing({1: b"first key of the tests, 32 bytes", 2: os.urandom(32)}, b"lookup")
    world.db.ring = new
    use_ring(world.db.engine.dialect, new)
    done = dict(reseal(world.db))
    assert done["customer_row"] > 0 and done["feed"] > 0 and done["store_report"] == 1
    assert (world.rows("customer"), world.rows("contact")) == before
    assert set(dict(reseal(world.db)).values()) == {0}
    with world.db.read() as connection:
        assert connection.scalar(select(STORE_REPORT.c.body)) == report["body"]
        raw = connection.scalars(text("SELECT name FROM customer_row")).all()
    assert {KeyRing.version_of(bytes(value)) for value in raw} == {2}


def test_a_value_that_is_written_while_it_is_sealed_anew_stays(world: World) -> None:
    customer = world.customer("an", name="旧名")
    new = KeyRing({1: b"first key of the tests, 32 bytes", 2: os.urandom(32)}, b"lookup")
    world.db.ring = new
    use_ring(world.db.engine.dialect, new)
    told: list[str] = []

    def overtake(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        """Somebody edits the customer between the reading and the writing; on SQLite, where
        nobody can, right after."""
        if not told and "FROM customer_row" in statement and "LIMIT" in statement:
            told.append(statement)
            if world.db.is_postgres:
                world.write(lambda unit: unit.update("customer", customer, {"name": "新名"}))

    event.listen(world.db.engine, "after_cursor_execute", overtake)
    list(reseal(world.db))
    event.remove(world.db.engine, "after_cursor_execute", overtake)
    assert told
    if not world.db.is_postgres:
        world.write(lambda unit: unit.update("customer", customer, {"name": "新名"}))
    assert world.row("customer", customer)["name"] == "新名"
    assert set(versions(world.db)) == {2}


def test_the_first_write_founds_an_organisation_with_its_own_epoch(db: Database) -> None:
    for org in (ORG, new_id()):
        write(db, org, MORNING, lambda unit: unit.create("customer", _customer()))
    with db.read() as connection:
        states = connection.execute(select(ORG_STATE)).all()
    assert len({s.epoch for s in states}) == 2
    assert {s.last_seq for s in states} == {1}
