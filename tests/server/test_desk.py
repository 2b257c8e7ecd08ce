"""An expert holds the case they were asked about, for as long as they may (S0 #15, L3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.clock import to_wire
from shared.declare import Role
from shared.wire import Change
from sync_server.db.base import Database
from tests.server.field_org import PEOPLE, Device, World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def asks(device: Device, case: str, customer: str, expert: str, **fields: Any) -> Change:
    now = device.world.now
    told = {
        "case_id": case,
        "customer_id": customer,
        "asked_by": person("an"),
        "expert_id": person(expert),
        "question": "这款锁芯能单独换吗？",
        "asked_at": to_wire(now),
        "promised_at": to_wire(now + timedelta(hours=4)),
    }
    return device.create("transfer", told | fields, f"customer:{customer}")


def test_an_expert_holds_the_case_from_the_question_until_some_days_after_the_answer(
    world: World,
) -> None:
    customer = world.customer("an")
    case = world.case(customer)
    an, tan = world.device("an"), world.device("tan")
    an.sync()
    tan.sync()
    assert case not in tan.ids("case")
    (outcome,) = an.push(asked := asks(an, case, customer, "tan"))
    assert outcome.verdict == "applied"
    tan.sync()
    assert case in tan.ids("case") and asked.record_id in tan.ids("transfer")
    (notice,) = [n for n in world.rows("notice") if n["staff_id"] == person("tan")]
    assert (notice["kind"], notice["subject"]) == ("received", "case")
    answered = {"answer": "可以", "answered_at": to_wire(world.now)}
    (outcome,) = tan.push(tan.update("transfer", asked.record_id, answered, f"case:{case}"))
    assert outcome.verdict == "applied"
    an.sync()
    assert "可以" in an.shown("transfer", asked.record_id)
    world.pass_by(days=6)
    tan.sync()
    assert case in tan.ids("case")
    world.pass_by(days=2)
    tan.sync()
    assert case not in tan.ids("case") and asked.record_id not in tan.ids("transfer")


def test_a_customer_with_an_agent_of_their_own_is_called_by_nobody_else(world: World) -> None:
    customer = world.customer("an")
    others = world.customer("an")
    named = sorted(n for n, (role, _) in PEOPLE.items() if role == Role.CALLBACK_AGENT)[-1]
    world.write(lambda unit: unit.update("customer", customer, {"agent_id": person(named)}))
    an = world.device("an")
    an.sync()
    told = {"kind": "care", "state": "scheduled", "due_at": to_wire(world.now)}
    calls = [
        an.create("callback", {**told, "customer_id": customer}, f"customer:{customer}")
        for _ in range(3)
    ]
    calls.append(an.create("callback", {**told, "customer_id": others}, f"customer:{others}"))
    assert [outcome.verdict for outcome in an.push(*calls)] == ["applied"] * 4
    given = [world.row("callback", call.record_id)["assignee_id"] for call in calls]
    assert given[:3] == [person(named)] * 3


def test_what_a_technician_notes_on_site_reaches_whoever_looks_after_the_customer(
    world: World,
) -> None:
    customer = world.customer("an")
    case = world.case(customer, "tan")
    an, tan = world.device("an"), world.device("tan")
    an.sync()
    tan.sync()
    at, both = to_wire(world.now), {"customer_id": customer, "case_id": case}
    said = {"topic": "product.trial", "said": "新款更安静", "happened_at": at}
    held = {"trained": "王芳", "covered": "换电池", "held_at": at, "trainer_id": person("tan")}
    bucket = f"case:{case}"
    noted = tan.create("feedback", said | both, bucket)
    taught = tan.create("customer_training", held | both, bucket)
    elsewhere = tan.create("customer_training", held | {"customer_id": customer}, bucket)
    assert [one.verdict for one in tan.push(noted, taught, elsewhere)] == [
        "applied", "applied", "rejected",
    ], "without its case it is not theirs to write"  # fmt: skip
    an.sync()
    assert "新款更安静" in an.shown("feedback", noted.record_id)
    assert "换电池" in an.shown("customer_training", taught.record_id)
