"""Customers handed on, one or many: who gets them, who loses them, and who is told (L3, L4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.clock import to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.services import leaving, moves, scopes
from sync_server.services.caller import Caller
from tests.server.field_org import NORTH, SOUTH, World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def administrator(world: World) -> Caller:
    return replace(world.device("hu").caller, role=Role.ADMINISTRATOR)


def hand_over(world: World, caller: Caller, customers: list[str], name: str) -> moves.HandedOver:
    return moves.hand_over(world.db, caller, customers, person(name), "休假", world.now)


def notices(world: World, name: str) -> list[tuple[str, str, int]]:
    """(kind, other, count) of what someone was told, in the order of telling."""
    return sorted(
        (n["kind"], n.get("other_id", ""), n.get("count", 0))
        for n in world.rows("notice")
        if n["staff_id"] == person(name)
    )


def test_many_customers_change_hands_in_one_request_and_each_side_is_told_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moves, "PART", 5)
    customers = [world.customer("an") for _ in range(12)]
    an, bai = world.device("an"), world.device("bai")
    an.sync()
    mei = world.device("mei").caller
    done = hand_over(world, mei, customers, "bai")
    assert (done.moved, done.already) == (12, 0)
    an.sync()
    bai.sync()
    assert an.ids("customer") == set() and bai.ids("customer") == set(customers)
    assert notices(world, "an") == [("handed_on", person("bai"), 12)]
    assert notices(world, "bai") == [("received", person("an"), 12)]
    assert notices(world, "mei") == []


def test_the_notice_of_a_loss_names_no_customer(world: World) -> None:
    customer = world.customer("an", name="绝密客户")
    an = world.device("an")
    hand_over(world, administrator(world), [customer], "bai")
    an.sync()
    (notice,) = an.ids("notice")
    body = an.shown("notice", notice)
    assert customer not in body and "绝密" not in body and "休假" not in body


def test_handing_over_again_moves_nothing_and_tells_nobody(world: World) -> None:
    customers = [world.customer("an") for _ in range(3)]
    mei = world.device("mei").caller
    hand_over(world, mei, customers, "bai")
    again = hand_over(world, mei, customers, "bai")
    assert (again.moved, again.already) == (0, 3)
    assert notices(world, "bai") == [("received", person("an"), 3)]
    live = [g for g in world.rows("grant") if g["bucket"] == f"customer:{customers[0]}"]
    assert sum("revoked_at" not in g for g in live) == 2  # the new holder's and the store's


@pytest.mark.parametrize(
    ("who", "to", "code"),
    [
        ("an", "bai", Code.ROLE_NOT_ALLOWED),
        ("mo", "bai", Code.OUT_OF_SCOPE),
        ("mei", "mo", Code.OUT_OF_SCOPE),
        ("mei", "tan", Code.ROLE_NOT_ALLOWED),
    ],
)
def test_nobody_hands_over_what_is_not_theirs_to_give(
    world: World, who: str, to: str, code: Code
) -> None:
    customer = world.customer("an")
    with pytest.raises(Refusal) as refused:
        hand_over(world, world.device(who).caller, [customer], to)
    assert refused.value.code is code
    assert world.row("customer", customer)["owner_id"] == person("an")


def test_a_customer_that_is_not_there_stops_the_whole_move(world: World) -> None:
    customer = world.customer("an")
    with pytest.raises(Refusal) as refused:
        hand_over(world, administrator(world), [customer, new_id()], "bai")
    assert refused.value.code is Code.RECORD_MISSING
    assert world.row("customer", customer)["owner_id"] == person("an")


def test_a_dismissed_notice_is_dismissed_on_every_device(world: World) -> None:
    customer = world.customer("an")
    hand_over(world, administrator(world), [customer], "bai")
    bai, tablet = world.device("bai"), world.device("bai")
    bai.sync()
    (notice,) = bai.ids("notice")
    own = f"user:{person('bai')}"
    gone = {"dismissed_at": to_wire(world.now)}
    assert [o.verdict for o in bai.push(bai.update("notice", notice, gone, own))] == ["applied"]
    tablet.sync()
    assert "dismissed_at" in tablet.shown("notice", notice)


def test_nobody_dismisses_the_notice_of_another_nor_rewrites_their_own(world: World) -> None:
    customer = world.customer("an")
    hand_over(world, administrator(world), [customer], "bai")
    an, bai = world.device("an"), world.device("bai")
    an.sync()
    bai.sync()
    (notice,) = bai.ids("notice")
    theirs = an.update("notice", notice, {"dismissed_at": to_wire(world.now)}, own_bucket("an"))
    more = bai.update("notice", notice, {"count": 9}, own_bucket("bai"))
    assert [o.code for o in an.push(theirs)] == ["out_of_scope"]
    assert bai.push(more)[0].code in {"field_not_yours", "role_not_allowed"}


def test_a_notice_dismissed_after_its_reader_left_harms_nothing(world: World) -> None:
    customer = world.customer("an")
    bai = world.device("bai")
    hand_over(world, administrator(world), [customer], "bai")
    bai.sync()
    (notice,) = bai.ids("notice")
    world.write(lambda unit: scopes.deactivate(unit, person("bai")))
    world.pass_by(hours=1)
    late = bai.update("notice", notice, {"dismissed_at": to_wire(world.now)}, own_bucket("bai"))
    assert [o.verdict for o in bai.push(late)] == ["late"]


def own_bucket(name: str) -> str:
    return f"user:{person(name)}"


# ── people who leave, or change stores ────────────────────────────────────────────────────────


def callbacks(world: World, name: str, count: int) -> list[str]:
    """Open callbacks of one agent."""
    customer, made = world.customer("bai"), [new_id() for _ in range(count)]

    def work(unit: object) -> None:
        for callback in made:
            row = {"id": callback, "customer_id": customer, "kind": "care", "state": "scheduled"}
            unit.create("callback", row | {"due_at": to_wire(world.now)})  # type: ignore[attr-defined]  # a Unit
            scopes.assign_callback(unit, callback, person(name), world.policy())  # type: ignore[arg-type]  # a Unit

    world.write(work)
    return made


def test_a_leavers_callbacks_are_shared_among_the_agents_who_stay(world: World) -> None:
    given = callbacks(world, "cai", 4)
    left = world.write(lambda unit: leaving.deactivate(unit, person("cai"), world.policy()))
    assert (left.callbacks_given, left.callbacks_unassigned) == (4, 0)
    cui = world.device("cui")
    cui.sync()
    assert cui.ids("callback") == set(given)
    assert notices(world, "cui") == [("received", person("cai"), 4)]


def test_callbacks_spread_evenly_over_several_agents(world: World) -> None:
    def hire(unit: object) -> None:
        row = {"id": person("chu"), "name": "chu", "role": "callback_agent", "active": True}
        unit.create("staff", row | {"store_id": NORTH})  # type: ignore[attr-defined]  # a Unit

    world.write(hire)
    callbacks(world, "cai", 6)
    world.write(lambda unit: leaving.deactivate(unit, person("cai"), world.policy()))
    holders = [c["assignee_id"] for c in world.rows("callback")]
    assert {holders.count(person("cui")), holders.count(person("chu"))} == {3}


def test_what_a_leaver_leaves_without_anyone_is_said(world: World) -> None:
    world.customer("an")
    customer = world.customer("an")
    world.case(customer, "tan")
    policy = world.policy()
    left = world.write(lambda unit: leaving.deactivate(unit, person("an"), policy))
    assert (left.customers_unassigned, left.cases_unassigned) == (2, 0)
    left = world.write(lambda unit: leaving.deactivate(unit, person("tan"), policy))
    assert (left.customers_unassigned, left.cases_unassigned) == (0, 1)
    callbacks(world, "cai", 2)
    world.write(lambda unit: leaving.deactivate(unit, person("cui"), policy))
    left = world.write(lambda unit: leaving.deactivate(unit, person("cai"), policy))
    assert (left.callbacks_given, left.callbacks_unassigned) == (0, 2)


def test_an_account_manager_who_changes_stores_leaves_the_customers_to_a_colleague(
    world: World,
) -> None:
    customers = {world.customer("an") for _ in range(3)}
    an, bai, mei = (world.device(name) for name in ("an", "bai", "mei"))
    for device in (an, bai, mei):
        device.sync()
    move = {"customers_to": person("bai"), "by": person("mei")}
    left = world.write(
        lambda unit: leaving.transfer(unit, person("an"), SOUTH, world.policy(), **move)
    )
    assert (left.customers_given, left.customers_unassigned) == (3, 0)
    for device in (an, bai, mei):
        device.sync()
    assert an.ids("customer") == set() and bai.ids("customer") == customers
    assert mei.ids("customer") == customers
    assert world.row("staff", person("an"))["store_id"] == SOUTH
    told = [(kind, count) for kind, _, count in notices(world, "an")]
    assert told == [("handed_on", 3), ("transferred", 0)]


def test_customers_taken_along_change_to_the_new_stores_manager(world: World) -> None:
    customer = world.customer("an")
    an, mei, mo = (world.device(name) for name in ("an", "mei", "mo"))
    world.write(
        lambda unit: leaving.transfer(unit, person("an"), SOUTH, world.policy(), take_along=True)
    )
    for device in (an, mei, mo):
        device.sync()
    assert (an.ids("customer"), mei.ids("customer"), mo.ids("customer")) == (
        {customer},
        set(),
        {customer},
    )


def test_customers_that_nobody_took_over_wait_with_the_store(world: World) -> None:
    customer = world.customer("an")
    an, mei = world.device("an"), world.device("mei")
    left = world.write(lambda unit: leaving.transfer(unit, person("an"), SOUTH, world.policy()))
    an.sync()
    mei.sync()
    assert left.customers_unassigned == 1
    assert an.ids("customer") == set() and mei.ids("customer") == {customer}


def test_a_store_manager_who_changes_stores_holds_the_new_ones_customers(world: World) -> None:
    north, south = world.customer("an"), world.customer("mo")
    mei = world.device("mei")
    mei.sync()
    assert mei.ids("customer") == {north}
    world.write(lambda unit: leaving.transfer(unit, person("mei"), SOUTH, world.policy()))
    mei.sync()
    assert mei.ids("customer") == {south}
