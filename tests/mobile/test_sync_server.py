"""Phones and the real server, joined without a socket: what the laws ask of both together."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mobile.store import receipts
from mobile.store.meta import CURSOR, RECEIPTS
from shared.entities import Case, Conflict, Customer, File, Visit
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.policy import DEFAULTS
from sync_server.services import scopes
from sync_server.services.epochs import backed_up, begin_epoch, org_state
from tests.mobile.sync_world import CASE, CUSTOMERS, VISIT, at_the_office, handset
from tests.server.phones import ORG, Field, staff_id


def a_visit(customer: str, owner: str, **facts: object) -> Visit:
    made = {"purpose": "care", "state": "planned", "planned_at": "2026-11-22T01:00:00.000Z"}
    return Visit(id=new_id(), customer_id=customer, owner_id=owner, **{**made, **facts})


async def test_a_first_sync_brings_what_the_grants_cover_and_nothing_else(world: Field) -> None:
    lin, wu, he = [await handset(world, who) for who in ("lin", "wu", "he")]
    assert {c.id for c in lin.store.find(Customer)} == set(CUSTOMERS)
    assert [c.number for c in wu.store.find(Case)] == ["C-1"]
    assert [c.id for c in wu.store.find(Customer)] == [CUSTOMERS[0]]
    assert wu.store.find(Visit) == []
    assert he.store.find(Customer) == []
    assert "张伟".encode() not in b"".join(he.line.bodies)


async def test_work_done_offline_reaches_a_colleague_and_is_settled(world: Field) -> None:
    lin, chen = [await handset(world, who) for who in ("lin", "chen")]
    with lin.store.unit() as unit:
        seen = lin.store.get(Visit, VISIT["id"])
        assert seen is not None
        unit.update(seen, state="started", notes="谈了续约")
        new = unit.create(a_visit(CUSTOMERS[1], lin.id, minutes=30))
        unit.look(CUSTOMERS[0], "customer", CUSTOMERS[0])
        unit.commit()
    report = await lin.synced()
    assert (report.sent, report.settled) == (3, 3)
    shown = lin.store.row("visit", VISIT["id"])
    assert shown is not None and not shown.pending and shown.row["notes"] == "谈了续约"
    assert lin.store.waiting() == []
    status = lin.store.status()
    assert (status.unsent, status.received) == (0, 3)
    await chen.synced()
    found = chen.store.get(Visit, VISIT["id"])
    assert found is not None and (found.state, found.updated_by) == ("started", lin.id)
    assert chen.store.get(Visit, new.id) is not None


async def test_a_sync_with_nothing_new_is_one_short_request(world: Field) -> None:
    lin = await handset(world, "lin")
    lin.line.asked.clear()
    report = await lin.synced()
    assert lin.line.asked == ["POST /v1/sync/pull"]
    assert report.bytes < 1500 and report.received == 0


async def test_two_people_edit_the_same_field_and_both_values_are_kept(world: Field) -> None:
    lin, chen = [await handset(world, who) for who in ("lin", "chen")]
    for phone, words in ((chen, "店长写的"), (lin, "经理写的")):
        with phone.store.unit() as unit:
            customer = phone.store.get(Customer, CUSTOMERS[0])
            assert customer is not None
            unit.update(customer, needs=words, industry="家电" if phone is lin else None)
            unit.commit()
        assert (await phone.sync()).ok
    (waiting,) = lin.store.waiting()
    assert waiting.verdict == "conflict" and waiting.values["needs"] == "经理写的"
    (conflict,) = lin.store.conflicts()
    assert (conflict.kept_value, conflict.other_value) == ("店长写的", "经理写的")
    seen = lin.store.get(Customer, CUSTOMERS[0])
    assert seen is not None and (seen.needs, seen.industry) == ("店长写的", "家电")
    with lin.store.unit() as unit:
        unit.update(conflict, resolution="other")
        unit.commit()
    lin.store.dismiss(waiting.number)
    await lin.synced()
    assert lin.store.conflicts() == [] and lin.store.waiting() == []
    settled = lin.store.get(Conflict, conflict.id)
    assert settled is not None and settled.kept_value == "店长写的"  # the loser stays on record


async def test_edits_of_different_fields_merge(world: Field) -> None:
    lin, chen = [await handset(world, who) for who in ("lin", "chen")]
    for phone, fields in ((chen, {"city": "重庆"}), (lin, {"industry": "家电"})):
        with phone.store.unit() as unit:
            customer = phone.store.get(Customer, CUSTOMERS[0])
            assert customer is not None
            unit.update(customer, **fields)
            unit.commit()
        await phone.synced()
    seen = lin.store.get(Customer, CUSTOMERS[0])
    assert seen is not None and (seen.city, seen.industry) == ("重庆", "家电")
    assert lin.store.waiting() == []


async def test_a_customer_handed_on_leaves_the_phone_and_unsent_work_still_arrives(
    world: Field,
) -> None:
    lin, he = [await handset(world, who) for who in ("lin", "he")]
    with lin.store.unit() as unit:
        visit = unit.create(a_visit(CUSTOMERS[0], lin.id))
        unit.commit()
    world.clock.pass_by(hours=1)
    at_the_office(world, lambda unit: scopes.assign_customer(unit, CUSTOMERS[0], he.id))
    report = await lin.synced()
    assert report.dropped == 1 and lin.rekeyed == 1
    assert lin.store.get(Customer, CUSTOMERS[0]) is None
    assert lin.store.get(Visit, visit.id) is None
    assert lin.store.search("张伟") == []
    (waiting,) = lin.store.waiting()
    assert waiting.verdict == "late"
    await he.synced()
    assert he.store.get(Visit, visit.id) is not None


async def test_work_goes_on_its_way_while_there_is_no_room_for_a_new_key(world: Field) -> None:
    lin = await handset(world, "lin")
    lin.room = False
    at_the_office(world, lambda unit: scopes.assign_customer(unit, CUSTOMERS[0], staff_id("he")))
    assert (await lin.sync()).code is Code.DISK_FULL
    with lin.store.unit() as unit:
        unit.create(a_visit(CUSTOMERS[1], lin.id))
        unit.commit()
    assert (await lin.sync()).code is Code.DISK_FULL
    assert lin.store.status().unsent == 0 and receipts.to_sign(lin.store.parts.meta) == []
    lin.room = True
    await lin.synced()
    assert lin.rekeyed == 1 and lin.store.parts.meta.get(RECEIPTS) is None


async def test_unsent_work_of_a_dropped_customer_stays_in_the_outbox(world: Field) -> None:
    lin, he = [await handset(world, who) for who in ("lin", "he")]
    with lin.store.unit() as unit:
        visit = unit.create(a_visit(CUSTOMERS[0], lin.id))
        unit.commit()
    world.clock.pass_by(hours=1)
    at_the_office(world, lambda unit: scopes.assign_customer(unit, CUSTOMERS[0], he.id))
    # The push is refused while the pull goes through: the drop comes before the work is sent.
    lin.store.parts.outbox.unsettled = lambda *_: []
    assert (await lin.sync()).ok
    assert lin.store.get(Visit, visit.id) is None and lin.store.status().unsent == 1
    lin.open()
    await lin.synced()
    await he.synced()
    assert he.store.get(Visit, visit.id) is not None


async def test_a_grant_that_ends_by_time_goes_dark_offline_and_is_deleted(world: Field) -> None:
    def call_for(unit: object) -> None:
        unit.create(
            "callback",
            {
                "id": CALLBACK,
                "customer_id": CUSTOMERS[1],
                "kind": "care",
                "state": "scheduled",
                "due_at": "2026-11-21T10:00:00.000Z",
            },
        )
        scopes.assign_callback(unit, CALLBACK, staff_id("he"), DEFAULTS)

    at_the_office(world, call_for)
    he = await handset(world, "he")
    he.store.save_draft("callback/1", {"notes": "半句"}, about=("customer", CUSTOMERS[1]))
    assert he.store.get(Customer, CUSTOMERS[1]) is not None
    he.store.parts.meta.put("lease", {**he.store.parts.meta.get("lease"), "ends_at": "2027"})
    he.store.parts.gate.changed()
    world.clock.pass_by(hours=73 + 3)  # three days after the callback was due
    assert he.store.get(Customer, CUSTOMERS[1]) is None
    assert he.store.search("王芳") == [] and he.store.draft("callback/1") is None
    with he.store.unit() as unit, pytest.raises(Refusal) as refused:
        unit.create(a_visit(CUSTOMERS[1], he.id))
    assert refused.value.code is Code.GRANT_ENDED
    assert he.store.inbound.end_expired() == [f"customer:{CUSTOMERS[1]}"]
    assert he.store.inbound.rekey_due()
    assert count_rows(he, CUSTOMERS[1]) == 0
    assert (await he.sync()).ok and he.rekeyed == 1 and not he.store.inbound.rekey_due()


CALLBACK = new_id()


def count_rows(phone: object, customer: str) -> int:
    db = phone.db
    return int(
        db.execute(
            "SELECT count(*) FROM server_row WHERE customer_id = ? AND entity <> 'assignment'",
            (customer,),
        ).get
    )


async def test_a_customer_made_in_the_field_comes_back_with_a_grant_of_its_own(
    world: Field,
) -> None:
    lin = await handset(world, "lin")
    new = Customer(id=new_id(), name="新客户", phone="13900001111")
    with lin.store.unit() as unit:
        unit.create(new)
        unit.create(a_visit(new.id, lin.id))
        unit.commit()
    await lin.sync()
    await lin.synced()
    assert lin.store.waiting() == []
    shown = lin.store.row("customer", new.id)
    assert shown is not None and not shown.pending and shown.seq > 0
    assert len(lin.store.find(Visit, customer_id=new.id)) == 1


async def test_a_technician_moves_a_case_and_the_manager_sees_it(world: Field) -> None:
    wu, chen = [await handset(world, who) for who in ("wu", "chen")]
    case = wu.store.get(Case, CASE["id"])
    assert case is not None
    with wu.store.unit() as unit:
        case = unit.update(case, state="accepted")
        unit.commit()
    with wu.store.unit() as unit:
        unit.update(case, state="en_route")
        unit.attach(
            File(
                id=new_id(),
                customer_id=CUSTOMERS[0],
                case_id=case.id,
                media_type="image/jpeg",
                purpose="before",
            ),
            b"\xff\xd8\xff" + bytes(1000),
        )
        unit.commit()
    await wu.sync()
    assert wu.store.status().unsent == 0
    await chen.synced()
    seen = chen.store.get(Case, case.id)
    assert seen is not None and seen.state == "en_route"


async def test_case_numbers_come_ahead_of_time(world: Field) -> None:
    chen = await handset(world, "chen")
    with chen.store.unit() as unit:
        numbers = [unit.case_number() for _ in range(3)]
    assert len(set(numbers)) == 3 and not any(n.startswith("D") for n in numbers)


@pytest.mark.parametrize("found_by", ["pull", "push"])
async def test_a_restored_server_gets_again_what_its_backup_had_not(
    world: Field, tmp_path: Path, found_by: str
) -> None:
    lin, chen = [await handset(world, who) for who in ("lin", "chen")]
    with lin.store.unit() as unit:
        first = unit.create(a_visit(CUSTOMERS[0], lin.id))
        unit.commit()
    await lin.synced()
    backup = Backup(world, tmp_path)
    await lin.synced()
    assert lin.store.status().backed_up == 1
    with lin.store.unit() as unit:
        unit.update(first, notes="之后写的")
        lost = unit.create(a_visit(CUSTOMERS[1], lin.id))
        unit.commit()
    await lin.synced()
    await chen.synced()
    assert lin.store.status().received == 2
    backup.restore()
    if found_by == "push":
        with lin.store.unit() as unit:
            unit.update(lost, minutes=30)
            unit.commit()
    await lin.synced()
    await chen.synced()
    assert lin.store.status().unsent == 0
    for phone in (lin, chen):
        again = phone.store.get(Visit, first.id)
        assert again is not None and again.notes == "之后写的"
        assert phone.store.get(Visit, lost.id) is not None
    assert lin.store.conflicts() == [] and lin.store.waiting() == []


class Backup:
    """A copy of the server's database, of which devices are told; `restore` brings it back as a
    new epoch."""

    def __init__(self, world: Field, folder: Path) -> None:
        self._world, self._copy = world, folder / "backup.sqlite3"
        self._path = world.server.database.engine.url.database
        with closing(sqlite3.connect(self._path)) as source:
            with closing(sqlite3.connect(self._copy)) as target:
                source.backup(target)
        with world.server.database.read() as connection:
            reached = org_state(connection, ORG).last_seq
        backed_up(world.server.database, ORG, reached)

    def restore(self) -> None:
        self._world.server.database.close()
        with closing(sqlite3.connect(self._copy)) as source:
            with closing(sqlite3.connect(self._path)) as target:
                source.backup(target)
        begin_epoch(self._world.server.database, ORG)


async def test_a_copy_that_differs_is_found_and_only_its_bucket_is_fetched(world: Field) -> None:
    lin = await handset(world, "lin")
    db = lin.db
    db.execute("UPDATE server_row SET body = '{}', digest = 5 WHERE id = ?", (CUSTOMERS[0],))
    db.execute("DELETE FROM server_row WHERE id = ?", (CUSTOMERS[1],))
    db.execute(
        "INSERT INTO server_row SELECT entity, 'stray', bucket, seq, customer_id, case_id, at,"
        " state, 7, round, body FROM server_row WHERE id = ?",
        (CUSTOMERS[2],),
    )
    report = await lin.sync()
    assert (report.repaired, report.agreed) == (3, True)
    assert {c.name for c in lin.store.find(Customer)} == {"张伟", "王芳", "长安汽车"}
    assert lin.store.parts.meta.get(CURSOR) > 0
