"""From a field worker's pen to a colleague's screen, through the server and back."""

from __future__ import annotations

import pytest

from sync_server.db.base import Database
from tests.server.field_org import World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def test_a_customer_made_in_the_field_comes_back_to_its_author_and_store(world: World) -> None:
    an, mei, bai = world.device("an"), world.device("mei"), world.device("bai")
    for device in (an, mei, bai):
        device.sync()
    made = an.create("customer", {"name": "新客户", "phone": "13900002222"}, f"user:{person('an')}")
    (outcome,) = an.push(made)
    assert outcome.verdict == "applied" and outcome.seq > 0
    for device in (an, mei, bai):
        device.sync()
    assert made.record_id in an.ids("customer")
    assert made.record_id in mei.ids("customer")
    assert made.record_id not in bai.ids("customer")
    assert world.row("customer", made.record_id)["owner_id"] == person("an")


def test_a_device_writes_to_its_own_new_customer_before_it_has_the_grant(world: World) -> None:
    an = world.device("an")
    an.sync()
    own = f"user:{person('an')}"
    customer = an.create("customer", {"name": "新客户"}, own)
    contact = an.create("contact", {"customer_id": customer.record_id, "name": "李"}, own)
    edit = an.update("customer", customer.record_id, {"city": "杭州"}, own)
    assert [o.verdict for o in an.push(customer, contact, edit)] == ["applied"] * 3
    an.sync()
    assert "杭州" in an.shown("customer", customer.record_id)
    assert contact.record_id in an.ids("contact")
