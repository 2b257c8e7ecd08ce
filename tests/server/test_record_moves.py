"""Records put under another customer: they leave one scope, arrive in another, and nothing that
was written for them meanwhile is lost (L1, L3, L5)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from shared.clock import to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.db.log import HISTORY, RECORD_MOVE
from sync_server.services.record_moves import Moved, move_record
from tests.server.field_org import Device, World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def move(world: World, name: str, entity: str, record: str, to: str) -> Moved:
    return move_record(
        world.db, world.device(name).caller, entity, record, to, "登错了客户", world.now
    )


def contact(device: Device, customer: str) -> str:
    made = device.create(
        "contact", {"customer_id": customer, "name": "王主任"}, f"customer:{customer}"
    )
    assert [o.verdict for o in device.push(made)] == ["applied"]
    return made.record_id


def test_a_moved_contact_leaves_one_phone_arrives_on_another_and_changes_place_on_a_third(
    world: World,
) -> None:
    ours, theirs = world.customer("an"), world.customer("bai")
    an, bai, mei = (world.device(name) for name in ("an", "bai", "mei"))
    an.sync()
    made = contact(an, ours)
    for device in (an, bai, mei):
        device.sync()
    moved = move(world, "mei", "contact", made, theirs)
    assert moved == Moved(records=1, untied=0)
    for device in (an, bai, mei):
        device.sync()  # which compares with what the server would send afresh (L5)
    assert made not in an.ids("contact") and made in bai.ids("contact")
    assert [b for b, e, i in mei.rows if (e, i) == ("contact", made)] == [f"customer:{theirs}"]
    with world.db.read() as connection:
        past = connection.scalars(select(HISTORY.c.body).where(HISTORY.c.record_id == made)).all()
    assert any(ours in body for body in past)


def test_moving_twice_is_as_moving_once(world: World) -> None:
    ours, theirs = world.customer("an"), world.customer("bai")
    an = world.device("an")
    an.sync()
    made = contact(an, ours)
    move(world, "mei", "contact", made, theirs)
    assert move(world, "mei", "contact", made, theirs) == Moved(records=0, untied=0)
    assert world.count(RECORD_MOVE) == 1


def test_a_case_moves_with_its_steps_and_its_technician_keeps_it(world: World) -> None:
    ours, theirs = world.customer("an", name="甲"), world.customer("bai", name="乙")
    case = world.case(ours, "tan")
    an, bai, tan = (world.device(name) for name in ("an", "bai", "tan"))
    for device in (an, bai, tan):
        device.sync()
    assert tan.ids("customer") == {ours}
    move(world, "mei", "case", case, theirs)
    for device in (an, bai, tan):
        device.sync()
    assert an.ids("case") == an.ids("case_event") == set()
    assert bai.ids("case") == {case} and len(bai.ids("case_event")) == 1
    assert tan.ids("case") == {case} and tan.ids("customer") == {theirs}


def test_a_moved_case_takes_no_contact_of_the_old_customer_along(world: World) -> None:
    ours, theirs = world.customer("an"), world.customer("bai")
    an, bai, tan = (world.device(name) for name in ("an", "bai", "tan"))
    an.sync()
    person_there = contact(an, ours)
    case = world.case(ours, "tan", contact_id=person_there)
    tan.sync()
    assert tan.ids("contact") == {person_there}
    move(world, "mei", "case", case, theirs)
    for device in (bai, tan):
        device.sync()
    assert tan.ids("contact") == set() and bai.ids("contact") == set()


def test_a_moved_asset_leaves_the_cases_that_stay(world: World) -> None:
    ours, theirs = world.customer("an"), world.customer("bai")
    an, tan = world.device("an"), world.device("tan")
    an.sync()
    made = an.create("asset", {"customer_id": ours, "product": "冷柜"}, f"customer:{ours}")
    an.push(made)
    case = world.case(ours, "tan", asset_id=made.record_id)
    tan.sync()
    assert tan.ids("asset") == {made.record_id}
    assert move(world, "mei", "asset", made.record_id, theirs).untied == 1
    tan.sync()
    assert tan.ids("asset") == set() and "asset_id" not in world.row("case", case)


@pytest.mark.parametrize(
    ("name", "code"), [("an", Code.ROLE_NOT_ALLOWED), ("mo", Code.OUT_OF_SCOPE)]
)
def test_only_whoever_holds_both_customers_moves_a_record(
    world: World, name: str, code: Code
) -> None:
    ours, theirs = world.customer("an"), world.customer("bai")
    an = world.device("an")
    an.sync()
    made = contact(an, ours)
    with pytest.raises(Refusal) as refused:
        move(world, name, "contact", made, theirs)
    assert refused.value.code is code
    assert world.row("contact", made)["customer_id"] == ours


def test_a_manager_moves_nothing_into_a_store_that_is_not_theirs(world: World) -> None:
    ours, foreign = world.customer("an"), world.customer("mo")
    an = world.device("an")
    an.sync()
    made = contact(an, ours)
    with pytest.raises(Refusal) as refused:
        move(world, "mei", "contact", made, foreign)
    assert refused.value.code is Code.OUT_OF_SCOPE
    anyone = replace(world.device("hu").caller, role=Role.ADMINISTRATOR)
    moved = move_record(world.db, anyone, "contact", made, foreign, None, world.now)
    assert moved.records == 1


def test_a_late_edit_of_a_moved_record_goes_to_the_new_holder_to_decide(world: World) -> None:
    ours, theirs = world.customer("an"), world.customer("bai")
    an, bai = world.device("an"), world.device("bai")
    an.sync()
    made = contact(an, ours)
    an.sync()
    edit = an.update("contact", made, {"position": "采购"}, f"customer:{ours}")
    move(world, "mei", "contact", made, theirs)
    (outcome,) = an.push(edit)
    assert outcome.verdict == "conflict"
    bai.sync()
    assert outcome.conflicts[0] in bai.ids("conflict")
    an.sync()
    assert an.ids("conflict") == set()


def test_work_on_a_case_that_was_moved_meanwhile_follows_it(world: World) -> None:
    ours, theirs = world.customer("an"), world.customer("bai")
    case = world.case(ours, "tan")
    bai, tan = world.device("bai"), world.device("tan")
    tan.sync()
    step = {
        "case_id": case,
        "customer_id": ours,
        "kind": "noted",
        "happened_at": to_wire(world.now),
        "note": "已到现场",
    }
    written = tan.create("case_event", step, f"case:{case}")
    move(world, "mei", "case", case, theirs)
    assert [o.verdict for o in tan.push(written)] == ["late"]
    bai.sync()
    assert "已到现场" in bai.shown("case_event", written.record_id)


def test_a_photo_of_a_visit_that_was_moved_meanwhile_follows_it(world: World) -> None:
    ours, theirs = world.customer("an"), world.customer("bai")
    an = world.device("an")
    an.sync()
    visit = an.visit(ours)
    an.push(visit)
    photo = {"visit_id": visit.record_id, "customer_id": ours, "sha256": "a" * 64}
    taken = an.create("file", photo | {"bytes": 9, "media_type": "image/jpeg"}, f"customer:{ours}")
    move(world, "mei", "visit", visit.record_id, theirs)
    assert [o.verdict for o in an.push(taken)] == ["late"]
    assert world.row("file", taken.record_id)["customer_id"] == theirs


def test_naming_a_case_of_somebody_else_is_no_late_work(world: World) -> None:
    ours, foreign = world.customer("an"), world.customer("mo")
    case = world.case(foreign)
    an = world.device("an")
    an.sync()
    step = {
        "case_id": case,
        "customer_id": ours,
        "kind": "noted",
        "happened_at": to_wire(world.now),
    }
    (outcome,) = an.push(an.create("case_event", step, f"customer:{ours}"))
    assert (outcome.verdict, outcome.code) == ("rejected", "out_of_scope")


def sealed(case: str, customer: str) -> dict[str, str]:
    return {"id": new_id(), "case_id": case, "customer_id": customer, "author_id": person("tan")}


def test_a_case_with_a_signed_report_stays_where_it_was_signed(world: World) -> None:
    ours, theirs = world.customer("an"), world.customer("bai")
    case = world.case(ours, "tan")
    signed = {"signed_at": to_wire(world.now), "content_hash": "0" * 64}
    world.write(lambda unit: unit.create("report", sealed(case, ours) | {"signature": signed}))
    with pytest.raises(Refusal) as refused:
        move(world, "mei", "case", case, theirs)
    assert refused.value.code is Code.REPORT_SEALED
    assert world.row("case", case)["customer_id"] == ours


def test_a_report_signed_while_its_case_was_moved_waits_for_a_manager(world: World) -> None:
    ours, theirs = world.customer("an"), world.customer("bai")
    case = world.case(ours, "tan")
    tan = world.device("tan")
    tan.sync()
    report = {"case_id": case, "customer_id": ours, "author_id": person("tan")}
    signature = {
        "signed_at": to_wire(world.now),
        "content_hash": "0" * 64,
        "device_id": tan.id,
        "device_key": tan.caller.device_key,
        "device_signature": "x",
    }
    written = tan.create("report", report | {"signature": signature}, f"case:{case}")
    move(world, "mei", "case", case, theirs)
    assert [o.verdict for o in tan.push(written)] == ["quarantined"]


def test_both_holders_are_told_of_a_record_that_changed_hands(world: World) -> None:
    ours, theirs = world.customer("an"), world.customer("bai")
    an = world.device("an")
    an.sync()
    made = contact(an, ours)
    move(world, "mei", "contact", made, theirs)
    told = {(n["staff_id"], n["kind"], n["subject"], n["by_id"]) for n in world.rows("notice")}
    mei = person("mei")
    assert told == {
        (person("an"), "handed_on", "contact", mei),
        (person("bai"), "received", "contact", mei),
    }
