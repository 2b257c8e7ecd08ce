"""Who holds what: people by their grants at any instant, and the devices that have it or have
still to drop it."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.clock import from_wire
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.services import scopes
from sync_server.services.grants import issue
from sync_server.services.holders import Held, who_holds
from sync_server.services.record_moves import move_record
from tests.databases import database_at
from tests.server.field_org import ORG, World, person

pytestmark = pytest.mark.thorough


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def ask(world: World, customer: str, at: datetime | None = None) -> Held:
    with world.db.read() as connection:
        return who_holds(connection, ORG, customer, at or world.now)


def people(held: Held) -> set[tuple[str, str]]:
    return {(one.staff_id, one.purpose) for one in held.people}


def states(held: Held) -> dict[str, str]:
    return {one.device_id: one.state for one in held.devices}


def test_everyone_who_may_read_a_customer_is_named_with_their_grant(world: World) -> None:
    customer = world.customer("an")
    world.case(customer, "tan")
    held = ask(world, customer)
    assert people(held) == {
        (person("an"), "assignment"),
        (person("mei"), "store"),
        (person("tan"), "dispatch"),
    }
    (an,) = [one for one in held.people if one.staff_id == person("an")]
    assert (an.until, an.role, an.name) == (None, "account_manager", "an")


def test_an_instant_of_the_past_shows_who_held_it_then(world: World) -> None:
    customer = world.customer("an")
    before = world.now
    world.pass_by(hours=1)
    world.assign(customer, "bai")
    moment = world.now
    world.pass_by(hours=1)
    assert (person("an"), "assignment") in people(ask(world, customer, before))
    # At the very instant of the move the new holder has it, and the old one has it no more.
    for at in (moment, world.now):
        assert (person("an"), "assignment") not in people(ask(world, customer, at))
        assert (person("bai"), "assignment") in people(ask(world, customer, at))
    assert ask(world, customer, before.replace(year=2025)).people == []


def test_a_case_that_moved_is_asked_about_where_it_lay_at_that_instant(world: World) -> None:
    ours, theirs = world.customer("an"), world.customer("bai")
    case = world.case(ours, "tan")
    before = world.now
    world.pass_by(hours=1)
    move_record(world.db, world.device("mei").caller, "case", case, theirs, None, world.now)
    sent = (person("tan"), "dispatch")
    assert sent in people(ask(world, ours, before)) and sent not in people(ask(world, ours))
    assert sent in people(ask(world, theirs)) and sent not in people(ask(world, theirs, before))


def test_a_device_is_sent_a_customer_then_holds_it(world: World) -> None:
    customer = world.customer("an")
    an = world.device("an")
    assert states(ask(world, customer)) == {}
    header = an._pull(listing=True)
    assert states(ask(world, customer)) == {an.id: "sent"}
    an._fetch(header.fetch)
    an.sync()
    assert states(ask(world, customer)) == {an.id: "held"}


def test_a_lost_customer_is_untold_then_being_dropped_then_gone(world: World) -> None:
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    an.sync()
    world.pass_by(hours=1)
    world.assign(customer, "bai")
    (row,) = ask(world, customer).devices
    assert (row.state, row.ended_because, from_wire(row.ended or "")) == (
        "untold",
        "reassigned",
        world.now,
    )
    world.pass_by(hours=1)
    an._pull(listing=True)
    told = world.now
    assert states(ask(world, customer)) == {an.id: "dropping"}
    world.pass_by(hours=1)
    an.sync()
    assert states(ask(world, customer)) == {}
    assert states(ask(world, customer, told)) == {an.id: "dropping"}


def test_a_grant_that_expired_counts_until_the_device_was_heard_of_again(world: World) -> None:
    customer = world.customer("an")
    cai, bucket = world.device("cai"), f"customer:{customer}"
    ends = world.now.replace(day=world.now.day + 1)
    world.write(
        lambda unit: issue(
            unit, person("cai"), bucket, "callback", "callback_agent", expires_at=ends
        )
    )
    cai.sync()
    cai.sync()
    assert states(ask(world, customer)) == {cai.id: "held"}
    world.pass_by(days=2)
    (row,) = ask(world, customer).devices
    assert (row.state, row.ended_because) == ("untold", "expired")
    # The device deleted it by itself, offline; its digest says so at the next pull.
    expired = cai.grant(bucket)
    cai.grants.pop(expired)
    cai.rows = {k: v for k, v in cai.rows.items() if k[0] != bucket}
    cai._pull(listing=True)
    assert states(ask(world, customer)) == {}


def test_a_device_that_never_comes_back_stays_on_the_list(world: World) -> None:
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    an.sync()
    world.write(lambda unit: scopes.deactivate(unit, person("an"), "security"))
    world.pass_by(days=300)
    (row,) = ask(world, customer).devices
    assert (row.device_id, row.state, row.ended_because) == (an.id, "untold", "security")


def test_a_pull_that_brings_nothing_new_writes_nothing(world: World) -> None:
    customer = world.customer("an")
    an = world.device("an")
    for _ in range(3):
        an.sync()
    before = ask(world, customer)
    world.pass_by(hours=1)
    with world.db.write():  # whoever writes has to wait for this one, on SQLite
        an.sync()
    assert ask(world, customer, from_wire(before.at)).devices == before.devices


def test_nobody_can_be_asked_about_a_customer_that_is_not_there(world: World) -> None:
    with pytest.raises(Refusal) as refused:
        ask(world, new_id())
    assert refused.value.code is Code.RECORD_MISSING


STEPS = st.lists(
    st.sampled_from(["an", "bai", "mo", "leave an", "back an", "tan", "tu", "pause"]), max_size=12
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_the_answer_agrees_at_every_instant_with_what_a_pull_would_have_sent(
    sqlite_world: World, steps: list[str]
) -> None:
    """At each step every device's buckets are compared with the answer then; afterwards the same
    instants are asked about as the past."""
    world = sqlite_world
    customer = world.customer(None)
    case = world.case(customer)
    world.write(lambda unit: scopes.reactivate(unit, person("an")))
    seen = []
    for step in steps:
        world.pass_by(minutes=7)
        name = step.split()[-1]
        if step.startswith("leave"):
            world.write(lambda unit: scopes.deactivate(unit, person("an")))
        elif step.startswith("back"):
            world.write(lambda unit: scopes.reactivate(unit, person("an")))
        elif step in ("tan", "tu"):
            world.dispatch(case, name)
        elif step != "pause" and world.row("staff", person(name)).get("active") is not False:
            world.assign(customer, name)
        holding = set()
        for who in ("an", "bai", "mo", "mei", "tan", "tu"):
            device = world.device(who)
            device.active = world.row("staff", person(who)).get("active") is not False
            device._pull(listing=True)
            buckets = {grant.bucket for grant in device.grants.values()}
            if buckets & {f"customer:{customer}", f"case:{case}"}:
                holding.add(person(who))
        assert {one.staff_id for one in ask(world, customer).people} == holding
        seen.append((world.now, holding))
    for at, holding in seen:
        assert {one.staff_id for one in ask(world, customer, at).people} == holding


@pytest.fixture
def sqlite_world(sqlite_template: Path, tmp_path: Path) -> World:
    path = tmp_path / "holders.sqlite3"
    shutil.copy(sqlite_template, path)
    return World(database_at(f"sqlite:///{path}"))
