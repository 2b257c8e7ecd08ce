"""Two people at one record: what merges, what a person decides, and that no value vanishes
(design §5)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shared.clock import to_wire
from shared.ids import new_id
from shared.rows import body_text
from sync_server.db.base import Database
from sync_server.db.log import HISTORY
from tests.server.field_org import Device, World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def both(world: World) -> tuple[str, Device, Device]:
    """A customer, and the account manager and store manager who hold it, in step."""
    customer = world.customer("an", city="南京", needs="冷柜")
    an, mei = world.device("an"), world.device("mei")
    an.sync()
    mei.sync()
    return customer, an, mei


Both = tuple[str, Device, Device]


def test_edits_of_different_fields_merge(world: World, both: Both) -> None:
    customer, an, mei = both
    bucket = f"customer:{customer}"
    first = an.update("customer", customer, {"city": "苏州"}, bucket)
    second = mei.update("customer", customer, {"needs": "冰柜"}, bucket)
    assert [o.verdict for o in an.push(first)] == ["applied"]
    assert [o.verdict for o in mei.push(second)] == ["merged"]
    row = world.row("customer", customer)
    assert (row["city"], row["needs"]) == ("苏州", "冰柜")


def test_the_same_value_from_two_people_is_no_conflict(world: World, both: Both) -> None:
    customer, an, mei = both
    bucket = f"customer:{customer}"
    an.push(an.update("customer", customer, {"city": "苏州"}, bucket))
    (outcome,) = mei.push(mei.update("customer", customer, {"city": "苏州"}, bucket))
    assert outcome.verdict in {"applied", "merged"} and outcome.conflicts == []
    assert world.rows("conflict") == []


def test_two_values_for_one_field_are_both_kept_and_a_person_decides(
    world: World, both: Both
) -> None:
    customer, an, mei = both
    bucket = f"customer:{customer}"
    an.push(an.update("customer", customer, {"city": "苏州"}, bucket))
    (outcome,) = mei.push(mei.update("customer", customer, {"city": "无锡"}, bucket))
    assert outcome.verdict == "conflict"
    (conflict,) = world.rows("conflict")
    assert [conflict["id"]] == outcome.conflicts
    assert (conflict["field"], conflict["kept_value"], conflict["other_value"]) == (
        "city",
        "苏州",
        "无锡",
    )
    assert (conflict["kept_by"], conflict["other_by"]) == (person("an"), person("mei"))
    an.sync()
    assert conflict["id"] in an.ids("conflict")


@pytest.mark.parametrize(
    ("decision", "city"),
    [
        ({"resolution": "kept"}, "苏州"),
        ({"resolution": "other"}, "无锡"),
        ({"resolution": "edited", "edited_value": "常州"}, "常州"),
    ],
)
def test_whoever_holds_the_record_decides_and_the_decision_stands(
    world: World, both: Both, decision: dict[str, str], city: str
) -> None:
    customer, an, mei = both
    bucket = f"customer:{customer}"
    an.push(an.update("customer", customer, {"city": "苏州"}, bucket))
    mei.push(mei.update("customer", customer, {"city": "无锡"}, bucket))
    an.sync()
    (conflict,) = world.rows("conflict")
    (outcome,) = an.push(an.update("conflict", conflict["id"], decision, bucket))
    assert outcome.verdict == "applied"
    assert world.row("customer", customer)["city"] == city
    mei.sync()
    again = mei.update("conflict", conflict["id"], {"resolution": "other"}, bucket)
    assert [o.verdict for o in mei.push(again)] == ["merged"]
    assert world.row("customer", customer)["city"] == city


def test_a_decision_that_the_record_does_not_allow_decides_nothing(
    world: World, both: Both
) -> None:
    customer, an, mei = both
    bucket = f"customer:{customer}"
    an.push(an.update("customer", customer, {"city": "苏州"}, bucket))
    mei.push(mei.update("customer", customer, {"city": "无锡"}, bucket))
    an.sync()
    (conflict,) = world.rows("conflict")
    decision = {"resolution": "edited", "edited_value": "长" * 200}
    (outcome,) = an.push(an.update("conflict", conflict["id"], decision, bucket))
    assert (outcome.verdict, outcome.code) == ("rejected", "field_too_long")
    assert "resolution" not in world.row("conflict", conflict["id"])


def test_ones_own_earlier_change_is_no_conflict(world: World, both: Both) -> None:
    customer, an, _ = both
    bucket = f"customer:{customer}"
    edits = [an.update("customer", customer, {"city": city}, bucket) for city in "甲乙丙"]
    assert [o.verdict for o in an.push(*edits)] == ["applied"] * 3
    assert world.row("customer", customer)["city"] == "丙"


def test_another_device_of_the_same_person_can_conflict(world: World, both: Both) -> None:
    customer, an, _ = both
    tablet = world.device("an")
    tablet.sync()
    bucket = f"customer:{customer}"
    an.push(an.update("customer", customer, {"city": "甲"}, bucket))
    (outcome,) = tablet.push(tablet.update("customer", customer, {"city": "乙"}, bucket))
    assert outcome.verdict == "conflict"


def test_the_later_verification_stands_whoever_comes_first(world: World, both: Both) -> None:
    customer, an, mei = both
    bucket = f"customer:{customer}"
    early, late = "2026-11-01T00:00:00.000Z", "2026-11-20T00:00:00.000Z"
    an.push(an.update("customer", customer, {"contact_verified_at": late}, bucket))
    (outcome,) = mei.push(mei.update("customer", customer, {"contact_verified_at": early}, bucket))
    assert outcome.verdict == "merged"
    assert world.row("customer", customer)["contact_verified_at"] == late


def test_what_either_added_to_a_list_is_there(world: World, both: Both) -> None:
    customer, an, mei = both
    visit = an.visit(customer)
    an.push(visit)
    an.sync()
    mei.sync()
    first, second = new_id(), new_id()
    bucket = f"customer:{customer}"
    an.push(an.update("visit", visit.record_id, {"photo_ids": [first]}, bucket))
    mei.push(mei.update("visit", visit.record_id, {"photo_ids": [second]}, bucket))
    assert world.row("visit", visit.record_id)["photo_ids"] == [first, second]


def test_a_move_that_does_not_follow_is_rejected_where_its_author_knew_the_state(
    both: Both,
) -> None:
    customer, an, _ = both
    visit = an.visit(customer)
    an.push(visit)
    an.sync()
    bucket = f"customer:{customer}"
    an.push(an.update("visit", visit.record_id, {"state": "finished"}, bucket))
    (outcome,) = an.push(an.update("visit", visit.record_id, {"state": "planned"}, bucket))
    assert (outcome.verdict, outcome.code) == ("rejected", "move_not_allowed")


def test_a_move_that_no_longer_follows_after_someone_elses_is_a_conflict(
    world: World, both: Both
) -> None:
    customer, an, mei = both
    visit = an.visit(customer)
    an.push(visit)
    an.sync()
    mei.sync()
    bucket = f"customer:{customer}"
    an.push(an.update("visit", visit.record_id, {"state": "finished"}, bucket))
    (outcome,) = mei.push(mei.update("visit", visit.record_id, {"state": "cancelled"}, bucket))
    assert outcome.verdict == "conflict"
    assert world.row("visit", visit.record_id)["state"] == "finished"


def test_a_second_creation_of_the_same_record_is_no_second_record(world: World, both: Both) -> None:
    customer, an, mei = both
    shared_id = new_id()
    fields = an.visit(customer).fields
    bucket = f"customer:{customer}"
    an.push(an.create("visit", fields | {"notes": "甲"}, bucket, record_id=shared_id))
    more = fields | {"notes": "甲", "needs_found": "冰柜"}
    (outcome,) = mei.push(mei.create("visit", more, bucket, record_id=shared_id))
    assert outcome.verdict == "applied"
    (visit,) = world.rows("visit")
    assert (visit["notes"], visit["needs_found"]) == ("甲", "冰柜")


def test_a_creation_under_an_id_that_lies_elsewhere_is_rejected(world: World) -> None:
    mine, others = world.customer("an"), world.customer("bai")
    an, bai = world.device("an"), world.device("bai")
    an.sync()
    bai.sync()
    visit = bai.visit(others)
    bai.push(visit)
    fields = an.visit(mine).fields
    taken = an.create("visit", fields, f"customer:{mine}", record_id=visit.record_id)
    (outcome,) = an.push(taken)
    assert (outcome.verdict, outcome.code) == ("rejected", "out_of_scope")
    assert world.row("visit", visit.record_id)["customer_id"] == others


def test_every_replaced_version_is_in_the_history(world: World, both: Both) -> None:
    customer, an, _ = both
    before = world.row("customer", customer)
    bucket = f"customer:{customer}"
    edits = [an.update("customer", customer, {"city": city}, bucket) for city in ("甲", "乙")]
    an.push(*edits)
    with world.db.read() as connection:
        kept = connection.execute(
            select(HISTORY).where(HISTORY.c.record_id == customer).order_by(HISTORY.c.seq)
        ).all()
    assert [k.change_id for k in kept[-2:]] == [e.change_id for e in edits]
    assert kept[-2].body == body_text(before)
    assert '"city":"甲"' in kept[-1].body
    assert kept[-2].replaced_by == kept[-1].seq


def test_an_immutable_field_is_set_once(world: World, both: Both) -> None:
    customer, an, _ = both
    visit = an.visit(customer)
    an.push(visit)
    an.sync()
    other = world.customer("an")
    an.sync()
    edit = an.update("visit", visit.record_id, {"customer_id": other}, f"customer:{customer}")
    (outcome,) = an.push(edit)
    assert (outcome.verdict, outcome.code) == ("rejected", "field_invalid")


def test_a_conflict_in_a_case_reaches_the_technician_and_the_account_manager(
    world: World, both: Both
) -> None:
    customer, an, _ = both
    case = world.case(customer, "tan")
    tan = world.device("tan")
    an.sync()
    tan.sync()
    an.push(an.update("case", case, {"place": "一楼"}, f"customer:{customer}"))
    (outcome,) = tan.push(tan.update("case", case, {"place": "二楼"}, f"case:{case}"))
    assert outcome.verdict == "conflict"
    an.sync()
    tan.sync()
    assert an.ids("conflict") == tan.ids("conflict") == set(outcome.conflicts)
    decided = tan.update("conflict", outcome.conflicts[0], {"resolution": "other"}, f"case:{case}")
    assert [o.verdict for o in tan.push(decided)] == ["applied"]
    assert world.row("case", case)["place"] == "二楼"


def test_a_store_manager_dispatches_a_case_from_the_field(world: World, both: Both) -> None:
    customer, _, mei = both
    case = world.case(customer)
    mei.sync()
    bucket = f"customer:{customer}"
    (outcome,) = mei.push(mei.update("case", case, {"assignee_id": person("tan")}, bucket))
    assert outcome.verdict == "applied"
    tan = world.device("tan")
    tan.sync()
    assert tan.ids("case") == {case}
    assert world.row("case", case)["state"] == "assigned"
    (step,) = world.rows("case_event")
    assert (step["kind"], step["staff_id"]) == ("assigned", person("tan"))
    mei.sync()
    wrong = mei.update("case", case, {"assignee_id": person("cai")}, bucket)
    (outcome,) = mei.push(wrong)
    assert (outcome.verdict, outcome.code) == ("rejected", "role_not_allowed")
    assert world.row("case", case)["assignee_id"] == person("tan")


def test_a_callback_made_in_the_field_gets_the_agent_with_the_fewest(
    world: World, both: Both
) -> None:
    customer, _, _ = both
    case = world.case(customer, "tan")
    tan = world.device("tan")
    tan.sync()
    planned = [
        tan.create(
            "callback",
            {
                "customer_id": customer,
                "case_id": case,
                "kind": "after_repair",
                "state": "scheduled",
                "due_at": to_wire(world.now),
            },
            f"case:{case}",
        )
        for _ in range(4)
    ]
    assert [o.verdict for o in tan.push(*planned)] == ["applied"] * 4
    agents = [world.row("callback", c.record_id)["assignee_id"] for c in planned]
    assert sorted(agents) == sorted([person("cai"), person("cui")] * 2)
    cai = world.device("cai")
    cai.sync()
    assert case in cai.ids("case")
