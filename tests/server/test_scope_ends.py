"""Access ends by time, by reassignment and by revocation, whoever looks first (L4); work outlives
it (L1)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shared.clock import from_wire, to_wire
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.db.log import CHANGE_LOG
from sync_server.services import scopes
from sync_server.services.grants import revoke_all
from tests.server.field_org import World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def _drops(device: object) -> dict[str, str]:
    lease = device.lease  # type: ignore[attr-defined]  # a Device
    return {drop.bucket: drop.reason for drop in lease.drops}


def test_a_reassigned_customer_leaves_one_phone_and_comes_whole_to_another(world: World) -> None:
    customer = world.customer("an")
    an, bai = world.device("an"), world.device("bai")
    an.sync()
    an.push(an.visit(customer, notes="上次谈了价格"))
    world.assign(customer, "bai")
    header = an.sync()
    assert an.lease is not None and header.lease is not None
    assert f"customer:{customer}" not in an.buckets()
    bai.sync()
    assert "上次谈了价格" in "\n".join(bai.texts)
    assert world.row("customer", customer)["owner_id"] == person("bai")


def test_a_drop_is_named_in_the_signed_lease_with_its_reason(world: World) -> None:
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    world.assign(customer, "bai")
    an._pull(listing=True)
    assert _drops(an) == {f"customer:{customer}": "reassigned"}


def test_an_expired_grant_is_found_at_the_next_pull_without_any_job(world: World) -> None:
    customer = world.customer("an")
    case = world.case(customer)
    cai = world.device("cai")
    callback = new_id()
    due = to_wire(world.now)
    world.write(
        lambda unit: unit.create(
            "callback",
            {
                "id": callback,
                "customer_id": customer,
                "case_id": case,
                "kind": "after_repair",
                "state": "scheduled",
                "due_at": due,
            },
        )
    )
    policy = world.policy()
    world.write(lambda unit: scopes.assign_callback(unit, callback, person("cai"), policy))
    cai.sync()
    assert callback in cai.ids("callback")
    world.pass_by(hours=policy.callback_window_hours_after + 1)
    cai._pull(listing=True)
    assert _drops(cai) == {f"case:{case}": "expired"}
    assert callback not in cai.ids("callback")


def test_a_callback_opens_to_its_agent_only_when_its_window_begins(world: World) -> None:
    customer = world.customer("an")
    due = to_wire(world.now.replace(day=world.now.day + 4))
    cai = world.device("cai")
    made: list[str] = []

    def plan(unit: object) -> None:
        row = {
            "id": new_id(),
            "customer_id": customer,
            "kind": "care",
            "state": "scheduled",
            "due_at": due,
        }
        made.append(unit.create("callback", row).id)  # type: ignore[attr-defined]  # a Unit
        scopes.assign_callback(unit, made[0], person("cai"), world.policy())

    world.write(plan)
    cai.sync()
    assert cai.ids("callback") == set() and cai.ids("assignment") != set()
    world.pass_by(days=3, minutes=1)
    cai.sync()
    assert cai.ids("callback") == set(made)


def test_a_case_stays_with_its_technician_until_some_days_after_it_was_closed(
    world: World,
) -> None:
    customer = world.customer("an")
    case = world.case(customer, "tan", state="resolved")
    an, tan = world.device("an"), world.device("tan")
    an.sync()
    closed = {"state": "closed", "closed_at": to_wire(world.now)}
    (outcome,) = an.push(an.update("case", case, closed, f"customer:{customer}"))
    assert outcome.verdict == "applied"
    days = world.policy().case_grant_days_after_close
    world.pass_by(days=days - 1)
    tan.sync()
    assert tan.ids("case") == {case}
    world.pass_by(days=2)
    tan.sync()
    assert tan.ids("case") == set()


def test_a_reopened_case_comes_back_to_its_technician(world: World) -> None:
    customer = world.customer("an")
    case = world.case(customer, "tan", state="resolved")
    an, tan = world.device("an"), world.device("tan")
    an.sync()
    bucket = f"customer:{customer}"
    an.push(an.update("case", case, {"state": "closed", "closed_at": to_wire(world.now)}, bucket))
    world.pass_by(days=30)
    tan.sync()
    assert tan.ids("case") == set()
    an.sync()
    (outcome,) = an.push(an.update("case", case, {"state": "in_progress"}, bucket))
    assert outcome.verdict == "applied"
    tan.sync()
    assert tan.ids("case") == {case}


def test_a_late_visit_is_kept_when_the_customer_moved(world: World) -> None:
    customer = world.customer("an")
    an, bai = world.device("an"), world.device("bai")
    an.sync()
    visit = an.visit(customer, notes="写在交接之前")
    world.pass_by(hours=2)
    world.assign(customer, "bai")
    world.pass_by(hours=2)
    (outcome,) = an.push(visit)
    assert outcome.verdict == "late"
    bai.sync()
    assert "写在交接之前" in bai.shown("visit", visit.record_id)


def test_an_edit_written_while_the_grant_ran_merges_however_late_it_comes(world: World) -> None:
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    edit = an.update("customer", customer, {"city": "苏州"}, f"customer:{customer}")
    world.pass_by(hours=2)
    world.assign(customer, "bai")
    world.pass_by(days=10)
    (outcome,) = an.push(edit)
    assert outcome.verdict == "late"
    assert world.row("customer", customer)["city"] == "苏州"


def test_an_edit_written_after_the_reassignment_goes_to_the_new_holder_to_decide(
    world: World,
) -> None:
    customer = world.customer("an", city="南京")
    an, bai = world.device("an"), world.device("bai")
    an.sync()
    world.assign(customer, "bai")
    world.pass_by(hours=1)
    edit = an.update("customer", customer, {"city": "苏州"}, f"customer:{customer}")
    (outcome,) = an.push(edit)
    assert outcome.verdict == "conflict" and len(outcome.conflicts) == 1
    assert world.row("customer", customer)["city"] == "南京"
    bai.sync()
    assert outcome.conflicts[0] in bai.ids("conflict")
    conflict = world.row("conflict", outcome.conflicts[0])
    assert (conflict["other_value"], conflict["other_by"], conflict["late"]) == (
        "苏州",
        person("an"),
        True,
    )


def test_a_visit_written_after_the_reassignment_is_appended_and_marked_late(
    world: World,
) -> None:
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    world.assign(customer, "bai")
    world.pass_by(hours=1)
    visit = an.visit(customer)
    assert [o.verdict for o in an.push(visit)] == ["late"]
    assert world.row("visit", visit.record_id)["customer_id"] == customer


def test_a_customer_made_in_the_field_and_handed_on_is_judged_by_its_customer_grant(
    world: World,
) -> None:
    an = world.device("an")
    an.sync()
    own = f"user:{person('an')}"
    made = an.create("customer", {"name": "新客户", "city": "宁波"}, own)
    an.push(made)
    world.pass_by(hours=1)
    world.assign(made.record_id, "bai")
    world.pass_by(hours=1)
    edit = an.update("customer", made.record_id, {"city": "绍兴"}, own)
    assert [o.verdict for o in an.push(edit)] == ["conflict"]
    assert world.row("customer", made.record_id)["city"] == "宁波"


def test_after_a_security_revocation_everything_waits_in_quarantine(world: World) -> None:
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    before = an.visit(customer)
    world.pass_by(hours=1)
    world.write(lambda unit: revoke_all(unit, "security", staff_id=person("an")))
    started = an.update("visit", before.record_id, {"state": "started"}, f"customer:{customer}")
    outcomes = an.push(before, started)
    assert [o.verdict for o in outcomes] == ["quarantined", "quarantined"]
    assert world.rows("visit") == []
    assert world.count(CHANGE_LOG) == 2


def test_a_deactivated_users_outstanding_work_is_still_taken(world: World) -> None:
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    visit = an.visit(customer)
    world.pass_by(hours=1)
    world.write(lambda unit: scopes.deactivate(unit, person("an")))
    an.active = False
    (outcome,) = an.push(visit)
    assert outcome.verdict == "late"
    assert len(world.rows("visit")) == 1
    an._pull(listing=True)
    assert an.lease is not None and not an.lease.active
    assert an.lease.grants == [] and len(_drops(an)) == 5


def test_a_blocked_device_is_told_to_drop_everything_and_its_work_waits(world: World) -> None:
    customer = world.customer("an")
    an, spare = world.device("an"), world.device("an")
    an.sync()
    spare.sync()
    visit = an.visit(customer)
    an.active = False
    assert [o.verdict for o in an.push(visit)] == ["quarantined"]
    an._pull(listing=True)
    assert set(_drops(an).values()) == {"security"}
    spare.sync()
    assert f"customer:{customer}" in spare.buckets()


def test_a_change_is_dated_by_the_clock_that_nobody_can_set(world: World) -> None:
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    world.assign(customer, "bai")
    world.pass_by(hours=2)
    written_at = world.now
    # The clock is set back by a day so that the edit seems to come from before the handover.
    edit = an.update(
        "customer",
        customer,
        {"city": "苏州"},
        f"customer:{customer}",
        claimed_at=to_wire(world.now.replace(day=world.now.day - 1)),
    )
    world.pass_by(hours=3)
    assert [o.verdict for o in an.push(edit)] == ["conflict"]
    with world.db.read() as connection:
        kept = connection.execute(select(CHANGE_LOG.c.written_at)).scalar_one()
    assert from_wire(kept) == written_at


def test_a_grant_that_a_restored_server_lost_is_judged_by_what_its_author_holds(
    world: World,
) -> None:
    mine, others = world.customer("an"), world.customer("bai")
    an = world.device("an")
    an.sync()
    visit = an.visit(mine)
    kept = an.create("visit", visit.fields, None)
    unclear = an.create("visit", visit.fields | {"customer_id": others}, None)
    assert [o.verdict for o in an.push(kept, unclear)] == ["applied", "quarantined"]
