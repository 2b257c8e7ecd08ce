"""The merge where it is applied: several people at one record, in any order, late and doubled;
what they wrote is stored, in the history or in a conflict, with its author and time (L1, L2)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from shared.ids import derived_id
from shared.wire import Change
from sync_server.db.log import HISTORY
from tests.databases import database_at
from tests.server.field_org import Device, World, person

pytestmark = pytest.mark.thorough

WHO = ("an", "mei", "an")
"""Whose devices: two of one person and one of another."""
WORDS = st.sampled_from(["甲", "乙", "丙"])
TIMES = st.sampled_from([f"2026-11-0{n}T08:00:00.000Z" for n in range(1, 6)])
FIELDS = st.fixed_dictionaries(
    {}, optional={"city": WORDS, "needs": WORDS, "industry": WORDS, "contact_verified_at": TIMES}
).filter(bool)
STEPS = st.lists(st.tuples(st.integers(0, 2), FIELDS, st.booleans()), min_size=1, max_size=6)


@pytest.fixture
def fresh(sqlite_template: Path, tmp_path: Path) -> Iterator[Any]:
    made = []

    def world() -> World:
        path = tmp_path / f"{len(made)}.sqlite3"
        shutil.copy(sqlite_template, path)
        made.append(database_at(f"sqlite:///{path}"))
        return World(made[-1])

    yield world
    for database in made:
        database.close()


def written(world: World, customer: str, name: str) -> list[Any]:
    """Every value of a field that can still be found: stored, in the history, in a conflict."""
    with world.db.read() as connection:
        bodies = connection.scalars(select(HISTORY.c.body).where(HISTORY.c.record_id == customer))
        past = [json.loads(body).get(name) for body in bodies]
    kept = [c.get("other_value") for c in world.rows("conflict") if c["field"] == name]
    return [world.row("customer", customer).get(name), *past, *kept]


def devices(world: World) -> list[Device]:
    found = [world.device(name) for name in WHO]
    for device in found:
        device.sync()
    return found


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_every_value_that_anyone_wrote_can_be_found_again(fresh: Any, steps: list[Any]) -> None:
    world = fresh()
    customer = world.customer("an")
    phones = devices(world)
    sent: list[tuple[Device, Change]] = []
    for which, fields, syncs in steps:
        world.pass_by(minutes=1)
        device = phones[which]
        if syncs:
            device.sync()
        change = device.update("customer", customer, fields, f"customer:{customer}")
        device.push(change)
        sent.append((device, change))
    for _, change in sent:
        for name, value in change.fields.items():
            # The later look stands by rule (S0 #5): an earlier one is no value that anyone misses.
            if name == "contact_verified_at":
                assert (world.row("customer", customer)[name] or "") >= value
            else:
                assert value in written(world, customer, name), (name, value)
    before = world.row("customer", customer), world.rows("conflict")
    for device, change in reversed(sent):  # all of it again, the other way round (L2)
        device.push(change)
    assert (world.row("customer", customer), world.rows("conflict")) == before


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(times=st.lists(TIMES, min_size=2, max_size=3), order=st.permutations([0, 1, 2]))
def test_the_later_look_stands_in_whatever_order_looks_arrive(
    fresh: Any, times: list[str], order: list[int]
) -> None:
    world = fresh()
    customer = world.customer("an")
    phones, bucket = devices(world), f"customer:{customer}"
    changes = [
        (device, device.update("customer", customer, {"contact_verified_at": at}, bucket))
        for device, at in zip(phones, times, strict=False)
    ]
    for place in order:
        if place < len(changes):
            device, change = changes[place]
            assert device.push(change)[0].verdict in {"applied", "merged"}
    assert world.row("customer", customer)["contact_verified_at"] == max(times)
    assert world.rows("conflict") == []


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lists=st.lists(st.lists(st.integers(0, 5), unique=True, max_size=3), min_size=2, max_size=3))
def test_lists_end_with_all_that_anyone_added_and_no_conflict(
    fresh: Any, lists: list[list[int]]
) -> None:
    world = fresh()
    customer = world.customer("an")
    first, *_ = phones = devices(world)
    visit = first.visit(customer)
    first.push(visit)
    for device in phones:
        device.sync()
    photos = [[derived_id("photo", str(n)) for n in part] for part in lists]
    bucket = f"customer:{customer}"
    changes = [
        (device, device.update("visit", visit.record_id, {"photo_ids": part}, bucket))
        for device, part in zip(phones, photos, strict=False)
    ]
    for device, change in changes:
        device.push(change)
    shown = set(world.row("visit", visit.record_id).get("photo_ids", []))
    assert shown == {photo for part in photos for photo in part}
    assert world.rows("conflict") == []


def test_the_losing_value_keeps_its_author_its_time_and_can_come_back(fresh: Any) -> None:
    world = fresh()
    customer = world.customer("an")
    an, mei, _ = devices(world)
    bucket = f"customer:{customer}"
    wrote = world.now
    mine = mei.update("customer", customer, {"city": "无锡"}, bucket)
    world.pass_by(hours=1)
    an.push(an.update("customer", customer, {"city": "苏州"}, bucket))
    world.pass_by(hours=1)
    mei.push(mine)
    (conflict,) = world.rows("conflict")
    assert (conflict["other_by"], conflict["other_value"]) == (person("mei"), "无锡")
    assert conflict["other_at"] == mine.claimed_at and conflict["other_at"] < conflict["found_at"]
    assert wrote < world.now
    an.sync()
    an.push(an.update("conflict", conflict["id"], {"resolution": "kept"}, bucket))
    an.sync()
    # Decided, and regretted: the other value comes back as an ordinary edit.
    again = an.update("customer", customer, {"city": conflict["other_value"]}, bucket)
    assert [o.verdict for o in an.push(again)] == ["applied"]
    assert world.row("customer", customer)["city"] == "无锡"
