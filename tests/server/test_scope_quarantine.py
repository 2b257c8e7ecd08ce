"""What a manager decides: quarantined work, and head office's wish to see a customer."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shared import looks
from shared.clock import to_wire
from shared.errors import Code, Refusal
from sync_server.db.base import Database
from sync_server.db.log import CHANGE_LOG
from sync_server.services.approvals import decide_request, request_access
from sync_server.services.grants import revoke_all
from sync_server.services.quarantine import refuse, release
from tests.server.field_org import Device, World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def held_up(world: World) -> tuple[str, Device, list[str]]:
    """A customer, the device of someone whose access was revoked for security, and what it
    pushed."""
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    visit = an.visit(customer, notes="重要")
    started = an.update("visit", visit.record_id, {"state": "started"}, f"customer:{customer}")
    world.write(lambda unit: revoke_all(unit, "security", staff_id=person("an")))
    world.pass_by(hours=1)
    an.push(visit, started)
    return customer, an, [visit.change_id, started.change_id]


HeldUp = tuple[str, Device, list[str]]


def test_a_manager_releases_quarantined_work_in_its_order(world: World, held_up: HeldUp) -> None:
    customer, an, changes = held_up
    done = release(world.db, world.device("mei").caller, list(reversed(changes)), world.now)
    assert {c: a.verdict for c, a in done.items()} == dict.fromkeys(changes, "late")
    (visit,) = world.rows("visit")
    assert (visit["customer_id"], visit["state"], visit["created_by"]) == (
        customer,
        "started",
        person("an"),
    )
    with world.db.read() as connection:
        settled = set(connection.scalars(select(CHANGE_LOG.c.settled_by)))
    assert settled == {person("mei")}


def test_a_released_change_is_released_once(world: World, held_up: HeldUp) -> None:
    mei = world.device("mei").caller
    release(world.db, mei, held_up[2], world.now)
    with pytest.raises(Refusal) as refused:
        release(world.db, mei, held_up[2], world.now)
    assert refused.value.code is Code.RECORD_MISSING


@pytest.mark.parametrize(
    ("name", "code"), [("bai", Code.ROLE_NOT_ALLOWED), ("mo", Code.OUT_OF_SCOPE)]
)
def test_nobody_but_a_manager_of_the_store_releases(
    world: World, held_up: HeldUp, name: str, code: Code
) -> None:
    with pytest.raises(Refusal) as refused:
        release(world.db, world.device(name).caller, held_up[2], world.now)
    assert refused.value.code is code
    assert world.rows("visit") == []


def test_what_a_manager_refuses_stays_in_the_log(world: World, held_up: HeldUp) -> None:
    refuse(world.db, world.device("mei").caller, held_up[2], world.now)
    assert world.rows("visit") == []
    with world.db.read() as connection:
        kept = connection.execute(select(CHANGE_LOG)).all()
    assert {k.verdict for k in kept} == {"rejected"} and "重要" in kept[0].body + kept[1].body


def test_head_office_sees_a_customer_for_the_approved_hours_only(world: World) -> None:
    customer = world.customer("an")
    hu, mei = world.device("hu"), world.device("mei")
    request = request_access(world.db, hu.caller, customer, "投诉升级", 4, world.now)
    hu.sync()
    assert hu.ids("customer") == set()
    grant = decide_request(world.db, mei.caller, request, approve=True, now=world.now)
    hu.sync()
    assert hu.ids("customer") == {customer}
    row = world.row("grant", grant or "")
    assert (row["granted_by"], row["reason"]) == (person("mei"), "投诉升级")
    edit = hu.update("customer", customer, {"city": "北京"}, f"customer:{customer}")
    assert [o.code for o in hu.push(edit)] == ["role_not_allowed"]
    look = {
        "customer_id": customer,
        "entity": "customer",
        "record_id": customer,
        "what": "opened",
        "looked_at": to_wire(world.now),
        "number": 1,
        "previous": looks.FIRST,
    }
    seen = hu.create("look", look, f"customer:{customer}")
    assert [o.verdict for o in hu.push(seen)] == ["applied"]
    world.pass_by(hours=5)
    hu.sync()
    assert hu.ids("customer") == set()


def test_a_refused_request_gives_nothing_and_is_decided_once(world: World) -> None:
    customer = world.customer("an")
    hu, mei = world.device("hu"), world.device("mei")
    request = request_access(world.db, hu.caller, customer, "好奇", 4, world.now)
    assert decide_request(world.db, mei.caller, request, approve=False, now=world.now) is None
    with pytest.raises(Refusal):
        decide_request(world.db, mei.caller, request, approve=True, now=world.now)
    hu.sync()
    assert hu.ids("customer") == set()


@pytest.mark.parametrize("name", ["hu", "mo", "an"])
def test_a_request_is_approved_only_by_a_manager_who_holds_the_customer(
    world: World, name: str
) -> None:
    customer = world.customer("an")
    request = request_access(world.db, world.device("hu").caller, customer, "因", 4, world.now)
    with pytest.raises(Refusal) as refused:
        decide_request(world.db, world.device(name).caller, request, approve=True, now=world.now)
    assert refused.value.code in {Code.ROLE_NOT_ALLOWED, Code.OUT_OF_SCOPE}


@pytest.mark.parametrize(
    ("name", "reason", "hours", "code"),
    [
        ("hu", "因", 0, Code.FIELD_INVALID),
        ("hu", "  ", 4, Code.FIELD_REQUIRED),
        ("hu", "因", 1000, Code.FIELD_INVALID),
    ],
)
def test_a_request_has_a_reason_and_an_end(
    world: World, name: str, reason: str, hours: int, code: Code
) -> None:
    customer = world.customer("an")
    with pytest.raises(Refusal) as refused:
        request_access(world.db, world.device(name).caller, customer, reason, hours, world.now)
    assert refused.value.code is code
