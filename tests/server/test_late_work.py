"""Work that was right when it was written offline, and comes when something else is so at the
server, is kept: without what nobody would give today, and somebody who can act is told (L1)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from shared.clock import to_wire
from shared.declare import Role
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.db.log import HISTORY
from sync_server.services import leaving
from sync_server.services.grants import is_live, revoke_all
from sync_server.services.record_moves import move_record
from sync_server.services.writing import Unit
from tests.server.field_org import Device, World, person
from tests.server.test_access_requests import a_call
from tests.server.test_desk import asks


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def synced(world: World, *names: str) -> list[Device]:
    devices = [world.device(name) for name in names]
    for device in devices:
        device.sync()
    return devices


def leaves(world: World, name: str) -> None:
    world.pass_by(minutes=1)
    world.write(lambda unit: leaving.deactivate(unit, person(name), world.policy()))


def becomes(world: World, name: str, role: Role) -> None:
    world.pass_by(minutes=1)
    world.write(lambda unit: leaving.change_role(unit, person(name), role, world.policy()))


def loses(world: World, name: str, customer: str) -> None:
    world.pass_by(minutes=1)
    told = {"bucket": f"customer:{customer}", "staff_id": person(name)}
    world.write(lambda unit: revoke_all(unit, "reassigned", **told))


def holds(world: World, name: str, bucket: str) -> bool:
    found = [
        g for g in world.rows("grant") if (g["staff_id"], g["bucket"]) == (person(name), bucket)
    ]
    return any(is_live(grant, world.now) for grant in found)


def told(world: World, kind: str) -> set[str]:
    return {row["staff_id"] for row in world.rows("notice") if row["kind"] == kind}


def once(world: World, record_id: str, name: str) -> list[Any]:
    """What a field was before."""
    query = select(HISTORY.c.body).where(HISTORY.c.record_id == record_id)
    with world.db.read() as connection:
        return [json.loads(body).get(name) for body in connection.scalars(query)]


# ── questions, cases and calls that were given to somebody ────────────────────────────────


def test_a_question_to_an_expert_who_left_stands_and_is_told_to_whoever_can_ask_another(
    world: World,
) -> None:
    customer = world.customer("an")
    case = world.case(customer)
    (an,) = synced(world, "an")
    question = asks(an, case, customer, "tan")
    leaves(world, "tan")
    assert [o.verdict for o in an.push(question)] == ["applied"]
    assert not holds(world, "tan", f"case:{case}")
    assert told(world, "not_taken") == {person("an")}
    other = an.update(
        "transfer", question.record_id, {"expert_id": person("tu")}, f"customer:{customer}"
    )
    assert [o.verdict for o in an.push(other)] == ["applied"]
    assert holds(world, "tu", f"case:{case}")


def test_an_answer_that_comes_after_its_expert_has_left_is_kept(world: World) -> None:
    customer = world.customer("an")
    case = world.case(customer)
    (an,) = synced(world, "an")
    an.push(question := asks(an, case, customer, "tan"))
    (tan,) = synced(world, "tan")
    said = {"answer": "可以", "answered_at": to_wire(world.now)}
    answer = tan.update("transfer", question.record_id, said, f"case:{case}")
    leaves(world, "tan")
    assert [o.verdict for o in tan.push(answer)] == ["late"]
    assert world.row("transfer", question.record_id)["answer"] == "可以"
    assert not holds(world, "tan", f"case:{case}") and told(world, "not_taken") == set()


def test_whoever_lost_the_customer_opens_no_case_to_an_expert(world: World) -> None:
    customer = world.customer("an")
    case = world.case(customer)
    (an,) = synced(world, "an")
    before = asks(an, case, customer, "tan")
    world.pass_by(minutes=1)
    world.assign(customer, "bai")
    world.pass_by(minutes=1)
    after = asks(an, case, customer, "tan")
    assert [o.verdict for o in an.push(before, after)] == ["late", "late"]
    assert not holds(world, "tan", f"case:{case}")
    assert told(world, "not_taken") == {person("bai")}


@pytest.mark.parametrize("new", [False, True])
def test_a_case_given_to_a_technician_who_left_waits_under_their_name(
    world: World, new: bool
) -> None:
    customer = world.customer("an")
    case = world.case(customer, "tu")
    (mei,) = synced(world, "mei")
    bucket, given = f"customer:{customer}", {"assignee_id": person("tan"), "impact": "停业"}
    if new:
        opened = {"number": "C9", "customer_id": customer, "kind": "repair", "title": "不制冷"}
        marks = {"state": "new", "opened_at": to_wire(world.now)}
        change = mei.create("case", opened | marks | given, bucket)
    else:
        change = mei.update("case", case, given, bucket)
    leaves(world, "tan")
    assert [o.verdict for o in mei.push(change)] == ["applied"]
    row = world.row("case", change.record_id)
    assert (row["assignee_id"], row["impact"]) == (person("tan"), "停业")
    assert not holds(world, "tan", f"case:{change.record_id}")
    assert holds(world, "tu", f"case:{case}") is new
    assert told(world, "not_taken") == {person("an")}
    again = mei.update("case", change.record_id, {"assignee_id": person("tu")}, bucket)
    assert [o.verdict for o in mei.push(again)] == ["applied"]
    assert holds(world, "tu", f"case:{change.record_id}")


def test_a_case_is_never_given_to_who_was_no_technician(world: World) -> None:
    customer = world.customer("an")
    case, bucket = world.case(customer), f"customer:{customer}"
    (mei,) = synced(world, "mei")
    mine, other = (
        mei.update("case", case, {"assignee_id": person(name)}, bucket) for name in ("cai", "tan")
    )
    becomes(world, "tan", Role.CALLBACK_AGENT)
    assert [o.code for o in mei.push(mine)] == ["role_not_allowed"]
    assert [o.verdict for o in mei.push(other)] == ["applied"]
    assert not holds(world, "tan", f"case:{case}")


def test_a_call_put_off_goes_to_another_agent_where_its_own_has_left(world: World) -> None:
    customer = world.customer("an")
    call = a_call(world, customer)
    (an,) = synced(world, "an")
    later = {"next_attempt_at": to_wire(world.now + timedelta(hours=5))}
    put_off = an.update("callback", call, later, f"customer:{customer}")
    world.write(lambda unit: unit.update("staff", person("cai"), {"active": False}))
    assert [o.verdict for o in an.push(put_off)] == ["applied"]
    assert world.row("callback", call)["assignee_id"] == person("cui")


def test_a_case_that_names_a_contact_who_was_put_under_another_customer_names_nobody(
    world: World,
) -> None:
    customer, other, contact = world.customer("an"), world.customer("an"), new_id()
    row = {"id": contact, "customer_id": customer, "name": "王工"}
    world.write(lambda unit: unit.create("contact", row))
    case, bucket = world.case(customer), f"customer:{customer}"
    an, mei = synced(world, "an", "mei")
    opened = {"number": "C9", "customer_id": customer, "kind": "repair", "title": "不制冷"}
    marks = {"state": "new", "opened_at": to_wire(world.now), "contact_id": contact}
    new = an.create("case", opened | marks, bucket)
    edit = an.update("case", case, {"contact_id": contact, "impact": "停业"}, bucket)
    world.pass_by(minutes=1)
    move_record(world.db, mei.caller, "contact", contact, other, None, world.now)
    assert [o.verdict for o in an.push(new, edit)] == ["applied", "applied"]
    for made in (new.record_id, case):
        assert "contact_id" not in world.row("case", made)
        assert contact in once(world, made, "contact_id")
    assert world.row("case", case)["impact"] == "停业"
    an.sync()
    assert contact not in {i for b, e, i in an.rows if b == bucket}


def test_a_conflict_brings_no_other_customers_contact_into_a_case(world: World) -> None:
    customer, other = world.customer("an"), world.customer("an")
    contacts = [new_id(), new_id()]

    def work(unit: Unit) -> None:
        for one in contacts:
            unit.create("contact", {"id": one, "customer_id": customer, "name": "王工"})

    world.write(work)
    case, bucket = world.case(customer), f"customer:{customer}"
    an, mei = synced(world, "an", "mei")
    first, second = (
        device.update("case", case, {"contact_id": one}, bucket)
        for device, one in zip((an, mei), contacts, strict=True)
    )
    an.push(first)
    mei.push(second)
    world.pass_by(minutes=1)
    move_record(world.db, mei.caller, "contact", contacts[1], other, None, world.now)
    mei.sync()
    (conflict,) = world.rows("conflict")
    chosen = mei.update("conflict", conflict["id"], {"resolution": "other"}, bucket)
    assert [o.code for o in mei.push(chosen)] == ["out_of_scope"]


# ── plans to keep customers ───────────────────────────────────────────────────────────────


def a_plan(world: World, customer: str) -> str:
    made = new_id()
    row = {
        "id": made, "customer_id": customer, "state": "proposed",
        "raised_at": to_wire(world.now), "due_at": to_wire(world.now + timedelta(days=7)),
    }  # fmt: skip
    world.write(lambda unit: unit.create("retention_plan", row))
    return made


def accepting(device: Device, plan: str, customer: str, owner: str = "an") -> Any:
    said = {"state": "open", "owner_id": person(owner), "measures": "回访并报价"}
    return device.update("retention_plan", plan, said, f"customer:{customer}")


def test_a_plan_for_somebody_who_lost_the_customer_goes_to_whoever_has_it_now(
    world: World,
) -> None:
    customer = world.customer("an")
    plan = a_plan(world, customer)
    (mei,) = synced(world, "mei")
    accepted = accepting(mei, plan, customer)
    world.pass_by(minutes=1)
    world.assign(customer, "bai")
    assert [o.verdict for o in mei.push(accepted)] == ["applied"]
    row = world.row("retention_plan", plan)
    assert (row["state"], row["owner_id"]) == ("open", person("bai"))
    assert told(world, "plan_given") == {person("bai")}
    assert person("an") in once(world, plan, "owner_id")


def test_a_plan_that_nobody_can_own_waits_for_a_manager_again(world: World) -> None:
    customer = world.customer("an")
    plan = a_plan(world, customer)
    (mei,) = synced(world, "mei")
    accepted = accepting(mei, plan, customer)
    loses(world, "an", customer)
    loses(world, "mei", customer)
    assert [o.verdict for o in mei.push(accepted)] == ["late"]
    row = world.row("retention_plan", plan)
    assert (row["state"], row["measures"]) == ("proposed", "回访并报价")


def test_a_plan_made_after_its_author_had_lost_the_customer_is_a_proposal(world: World) -> None:
    customer = world.customer("an")
    (mei,) = synced(world, "mei")
    loses(world, "mei", customer)
    world.pass_by(minutes=1)
    fields = {
        "customer_id": customer, "state": "open", "owner_id": person("an"), "measures": "报价",
        "raised_at": to_wire(world.now), "due_at": to_wire(world.now + timedelta(days=7)),
    }  # fmt: skip
    made = mei.create("retention_plan", fields, f"customer:{customer}")
    assert [o.verdict for o in mei.push(made)] == ["late"]
    row = world.row("retention_plan", made.record_id)
    assert (row["state"], row["measures"]) == ("proposed", "报价")
    assert told(world, "plan_given") == set()


def test_what_a_manager_accepted_stands_when_they_are_one_no_more(world: World) -> None:
    customer = world.customer("an")
    plan = a_plan(world, customer)
    mei, an = synced(world, "mei", "an")
    accepted, never = accepting(mei, plan, customer), accepting(an, plan, customer)
    becomes(world, "mei", Role.ACCOUNT_MANAGER)
    becomes(world, "an", Role.STORE_MANAGER)
    assert [o.code for o in an.push(never)] == ["field_not_yours"]
    assert [o.verdict for o in mei.push(accepted)] == ["late"]
    assert world.row("retention_plan", plan)["state"] == "open"


# ── conflicts ─────────────────────────────────────────────────────────────────────────────


def test_a_conflict_that_the_record_has_overtaken_waits_for_who_sees_where_it_is_now(
    world: World,
) -> None:
    customer = world.customer("an")
    case, bucket = world.case(customer), f"customer:{customer}"
    an, mei = synced(world, "an", "mei")
    loses(world, "an", customer)
    world.pass_by(minutes=1)
    after = an.update("case", case, {"state": "accepted"}, bucket)
    assert [o.verdict for o in an.push(after)] == ["conflict"]
    mei.sync()
    (conflict,) = world.rows("conflict")
    chosen = mei.update("conflict", conflict["id"], {"resolution": "other"}, bucket)
    world.write(lambda unit: unit.update("case", case, {"state": "cancelled"}))
    assert [o.verdict for o in mei.push(chosen)] == ["late"]
    assert "resolution" not in world.row("conflict", conflict["id"])
    mei.sync()
    never = mei.update("conflict", conflict["id"], {"resolution": "edited"}, bucket)
    assert [o.verdict for o in mei.push(never)] == ["rejected"]
    kept = mei.update("conflict", conflict["id"], {"resolution": "kept"}, bucket)
    assert [o.verdict for o in mei.push(kept)] == ["applied"]


# ── assets ────────────────────────────────────────────────────────────────────────────────


def an_asset(world: World, customer: str) -> str:
    made = new_id()
    row = {"id": made, "customer_id": customer, "product": "智能锁"}
    world.write(lambda unit: unit.create("asset", row))
    return made


def test_an_edit_of_an_asset_that_the_case_no_longer_names_goes_to_who_looks_after_it(
    world: World,
) -> None:
    customer = world.customer("an")
    asset, other = an_asset(world, customer), an_asset(world, customer)
    case = world.case(customer, "tan", asset_id=asset)
    (tan,) = synced(world, "tan")
    seen = tan.update("asset", asset, {"product": "智能锁 A2"}, f"case:{case}")
    never = tan.update("asset", an_asset(world, customer), {"product": "门铃"}, f"case:{case}")
    world.pass_by(minutes=1)
    world.write(lambda unit: unit.update("case", case, {"asset_id": other}))
    assert [o.verdict for o in tan.push(seen)] == ["conflict"]
    (conflict,) = world.rows("conflict")
    assert (conflict["other_value"], conflict.get("case_id")) == ("智能锁 A2", None)
    assert [o.code for o in tan.push(never)] == ["out_of_scope"]


def test_a_conflict_about_what_went_to_another_customer_shows_nothing_in_the_case(
    world: World,
) -> None:
    customer, other = world.customer("an"), world.customer("an")
    asset = an_asset(world, customer)
    case = world.case(customer, "tan", asset_id=asset)
    tan, mei = synced(world, "tan", "mei")
    edit = tan.update("asset", asset, {"product": "智能锁 A2"}, f"case:{case}")
    world.pass_by(minutes=1)
    move_record(world.db, mei.caller, "asset", asset, other, None, world.now)
    world.write(lambda unit: unit.update("asset", asset, {"product": "别人的锁"}))
    assert [o.verdict for o in tan.push(edit)] == ["conflict"]
    tan.sync()
    assert tan.ids("conflict") == set() and "别人的锁" not in "".join(tan.texts)
