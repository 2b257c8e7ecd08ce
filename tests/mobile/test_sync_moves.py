"""Scope moves between real phones and a real server: what leaves, what arrives, what people are
told, and a case opened on site without a network."""

from __future__ import annotations

import pytest

from mobile.usecases.case_opening import open_case, suggested_beside
from mobile.usecases.repairs import Repairs
from shared.declare import Role
from shared.entities import Case, CaseEvent, Contact, Customer, Notice
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.services import moves, record_moves
from sync_server.services.caller import Caller
from sync_server.services.grants import revoke_all
from tests.mobile.sync_world import CASE, CUSTOMERS, Handset, at_the_office, handset
from tests.server.phones import ORG, Field, staff_id

OFFICE = Caller(
    org_id=ORG,
    staff_id=staff_id("gao"),
    role=Role.ADMINISTRATOR,
    device_id="office",
    device_key="",
)


def hand_over(world: Field, customers: list[str], name: str) -> None:
    now = world.clock.now()
    moves.hand_over(world.server.database, OFFICE, customers, staff_id(name), None, now)


def move_record(world: Field, entity: str, record_id: str, to: str) -> None:
    now = world.clock.now()
    database = world.server.database
    record_moves.move_record(database, OFFICE, entity, record_id, to, None, now)


def contact(phone: Handset, customer: str, name: str = "王主任") -> Contact:
    with phone.store.unit() as unit:
        made = unit.create(Contact(id=new_id(), customer_id=customer, name=name))
        unit.commit()
    return made


def edit(phone: Handset, record: Contact, **values: str) -> None:
    with phone.store.unit() as unit:
        unit.update(record, **values)
        unit.commit()


async def test_customers_handed_over_are_told_on_both_phones(world: Field) -> None:
    lin, he = [await handset(world, who) for who in ("lin", "he")]
    hand_over(world, list(CUSTOMERS[:2]), "he")
    await lin.synced()
    await he.synced()
    (lost,), (got,) = (phone.store.find(Notice) for phone in (lin, he))
    assert (lost.kind, lost.count, lost.other_id) == ("handed_on", 2, he.id)
    assert (got.kind, got.count, got.other_id) == ("received", 2, lin.id)
    with he.store.unit() as unit:
        unit.update(got, dismissed_at=he.store.now())
        unit.commit()
    await he.synced()
    assert he.store.waiting() == []


async def test_a_record_moved_to_a_customer_of_another_leaves_this_phone(world: Field) -> None:
    lin, he = [await handset(world, who) for who in ("lin", "he")]
    made = contact(lin, CUSTOMERS[0])
    await lin.synced()
    hand_over(world, [CUSTOMERS[1]], "he")
    move_record(world, "contact", made.id, CUSTOMERS[1])
    await lin.synced()
    await he.synced()
    assert lin.store.get(Contact, made.id) is None and lin.store.search("王主任") == []
    arrived = he.store.get(Contact, made.id)
    assert arrived is not None and arrived.customer_id == CUSTOMERS[1]


async def test_a_phone_that_holds_both_customers_shows_the_moved_record_once(world: Field) -> None:
    lin = await handset(world, "lin")
    made = contact(lin, CUSTOMERS[0])
    await lin.synced()
    move_record(world, "contact", made.id, CUSTOMERS[1])
    await lin.synced()
    assert lin.store.find(Contact, customer_id=CUSTOMERS[0]) == []
    assert [c.id for c in lin.store.find(Contact, customer_id=CUSTOMERS[1])] == [made.id]


async def test_an_unsent_edit_of_a_record_that_moved_within_reach_is_not_lost(
    world: Field,
) -> None:
    lin = await handset(world, "lin")
    made = contact(lin, CUSTOMERS[0])
    await lin.synced()
    edit(lin, lin.store.get(Contact, made.id), position="采购")
    move_record(world, "contact", made.id, CUSTOMERS[1])
    await lin.synced()
    (waiting,) = lin.store.waiting()
    assert waiting.verdict == "conflict"
    (conflict,) = lin.store.conflicts()
    assert (conflict.other_value, conflict.customer_id) == ("采购", CUSTOMERS[1])


async def test_an_unsent_edit_of_a_record_that_moved_out_of_reach_goes_to_its_new_holder(
    world: Field,
) -> None:
    lin, he = [await handset(world, who) for who in ("lin", "he")]
    made = contact(lin, CUSTOMERS[0])
    await lin.synced()
    edit(lin, lin.store.get(Contact, made.id), position="采购")
    hand_over(world, [CUSTOMERS[1]], "he")
    move_record(world, "contact", made.id, CUSTOMERS[1])
    await lin.synced()
    await he.synced()
    assert [w.verdict for w in lin.store.waiting()] == ["conflict"]
    assert lin.store.get(Contact, made.id) is None
    assert [c.other_value for c in he.store.conflicts()] == ["采购"]


# ── a case opened on site ────────────────────────────────────────────────────────────────────


def opened(wu: Handset, **values: str) -> Case:
    beside = wu.store.get(Case, CASE["id"])
    assert beside is not None
    values = {"kind": "repair", "title": "另一台也坏了", **values}
    return open_case(wu.store, beside.customer_id, suggested_beside(wu.store, beside) | values)


async def test_a_technician_opens_and_works_on_a_second_case_without_a_network(
    world: Field,
) -> None:
    wu = await handset(world, "wu")
    wu.line.up = False
    case = opened(wu)
    Repairs(wu.store).move(wu.store.get(Case, case.id), "accepted")
    assert wu.store.get(Case, case.id).state == "accepted"
    wu.line.up = True
    await wu.synced()
    kept = wu.store.get(Case, case.id)
    assert (kept.state, kept.assignee_id) == ("accepted", wu.id)
    assert wu.store.waiting() == [] and wu.store.row("case", case.id).pending is False
    steps = wu.store.find(CaseEvent, case_id=case.id)
    assert {"new", "accepted"} <= {step.to_state for step in steps}
    lin = await handset(world, "lin")
    assert lin.store.get(Case, case.id) is not None


async def test_a_technician_opens_no_case_for_a_customer_they_were_not_sent_to(
    world: Field,
) -> None:
    wu = await handset(world, "wu")
    with pytest.raises(Refusal) as refused:
        open_case(wu.store, CUSTOMERS[1], {"kind": "repair", "title": "顺便看看"})
    assert refused.value.code is Code.OUT_OF_SCOPE
    assert wu.store.get(Customer, CUSTOMERS[1]) is None


async def test_a_new_case_beside_another_names_no_stranger(world: Field) -> None:
    wu = await handset(world, "wu")
    with pytest.raises(Refusal) as refused:
        opened(wu, contact_id=new_id())
    assert refused.value.code is Code.OUT_OF_SCOPE
    assert wu.store.waiting() == []


async def test_a_case_opened_offline_is_kept_when_the_other_was_given_away_meanwhile(
    world: Field,
) -> None:
    wu = await handset(world, "wu")
    wu.line.up = False
    case = opened(wu)
    world.clock.pass_by(hours=1)
    move_to_nobody(world)
    wu.line.up = True
    await wu.synced()
    assert [w.verdict for w in wu.store.waiting()] == ["late", "late"]
    assert wu.store.get(Case, case.id) is None
    lin = await handset(world, "lin")
    assert lin.store.get(Case, case.id) is not None


def move_to_nobody(world: Field) -> None:
    at_the_office(world, lambda u: revoke_all(u, "reassigned", bucket=f"case:{CASE['id']}"))


# ── held work ────────────────────────────────────────────────────────────────────────────────


async def test_a_manager_accepts_held_work_from_their_own_phone(world: Field) -> None:
    lin, chen = [await handset(world, who) for who in ("lin", "chen")]
    made = contact(lin, CUSTOMERS[0], "李主管")
    at_the_office(world, lambda u: revoke_all(u, "security", staff_id=lin.id))
    await lin.sync()
    (held,) = await chen.engine.ask(lambda peer: peer.held_work())
    assert (held.entity, held.record_id, held.fields["name"]) == ("contact", made.id, "李主管")
    await chen.engine.ask(lambda peer: peer.release_held([held.change_id]))
    assert await chen.engine.ask(lambda peer: peer.held_work()) == []
    await chen.synced()
    assert chen.store.get(Contact, made.id) is not None


async def test_held_work_is_refused_from_a_phone_and_nobody_else_is_asked(world: Field) -> None:
    lin, chen, he = [await handset(world, who) for who in ("lin", "chen", "he")]
    made = contact(lin, CUSTOMERS[0])
    at_the_office(world, lambda u: revoke_all(u, "security", staff_id=lin.id))
    await lin.sync()
    with pytest.raises(Refusal) as refused:
        await he.engine.ask(lambda peer: peer.held_work())
    assert refused.value.code is Code.ROLE_NOT_ALLOWED
    (held,) = await chen.engine.ask(lambda peer: peer.held_work())
    await chen.engine.ask(lambda peer: peer.refuse_held([held.change_id]))
    await chen.synced()
    assert chen.store.get(Contact, made.id) is None


async def test_without_a_network_held_work_is_not_known(world: Field) -> None:
    chen = await handset(world, "chen")
    chen.line.up = False
    with pytest.raises(Refusal) as refused:
        await chen.engine.ask(lambda peer: peer.held_work())
    assert refused.value.code is Code.OFFLINE
