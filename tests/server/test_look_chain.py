"""A reader can neither leave a look out nor edit one unnoticed; a store begun anew is no alarm
(L7)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text

from shared import looks
from shared.clock import to_wire
from shared.dpop import b64
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.db.log import ALARM
from sync_server.db.looks import LOOK_LINK
from sync_server.db.migrate import upgrade
from tests.databases import RING, database_at
from tests.server.field_org import Device, World, person

pytestmark = pytest.mark.thorough

Entry = dict[str, Any]


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def an(world: World) -> Device:
    return phone(world)


def phone(world: World) -> Device:
    """A phone of an's, who has a customer."""
    if not world.rows("customer"):
        world.customer("an")
    device = world.device("an")
    device.sync()
    return device


def chained(
    device: Device, count: int, previous: str = looks.FIRST, *, signer: Device | None = None
) -> list[Entry]:
    """A chain as a device makes it, begun with its signature."""
    chain_id, began_at = new_id(), to_wire(device.world.now)
    said = looks.start_bytes(chain_id, device.id, person("an"), began_at, previous)
    start = {"began_at": began_at, "signature": b64((signer or device).key.sign(said))}
    return _linked(device, count, previous, {"chain_id": chain_id}, start)


def unnamed(device: Device, count: int) -> list[Entry]:
    """A chain of the time before chains had ids."""
    return _linked(device, count, looks.FIRST, {}, {})


def _linked(device: Device, count: int, previous: str, each: Entry, first: Entry) -> list[Entry]:
    customer = device.world.rows("customer")[0]["id"]
    entries: list[Entry] = []
    for number in range(1, count + 1):
        entry = {
            "id": new_id(),
            "customer_id": customer,
            "entity": "customer",
            "record_id": customer,
            "what": ("opened", "unmasked", "dialled")[number % 3],
            "looked_at": to_wire(device.world.now),
            "number": number,
            "previous": previous,
            **each,
            **(first if number == 1 else {}),
        }
        previous = looks.entry_hash(entry)
        entries.append(entry)
    return entries


def sent(device: Device, *entries: Entry, bucket: str | None = None) -> list[str]:
    """The verdicts of a push of these looks."""
    changes = [
        device.create(
            "look",
            {name: value for name, value in entry.items() if name != "id"},
            bucket or f"customer:{entry['customer_id']}",
            record_id=entry["id"],
        )
        for entry in entries
    ]
    return [outcome.verdict for outcome in device.push(*changes)]


def alarms(world: World, device: Device | None = None) -> list[tuple[str, bool]]:
    """(kind, whether it is explained) of every alarm about a device, the oldest first."""
    query = select(ALARM.c.kind, ALARM.c.explained_at).order_by(ALARM.c.id)
    if device is not None:
        query = query.where(ALARM.c.device_id == device.id)
    with world.db.read() as connection:
        return [(row.kind, row.explained_at is not None) for row in connection.execute(query)]


def test_a_store_begun_anew_on_the_same_device_is_no_alarm(world: World, an: Device) -> None:
    sent(an, *chained(an, 3))
    sent(an, *chained(an, 2))
    assert alarms(world) == []
    with world.db.read() as connection:
        chains = connection.execute(select(LOOK_LINK.c.chain_id).distinct()).all()
    assert len(chains) == 2


@pytest.mark.parametrize("how", ["by another device", "not at all", "for other words"])
def test_a_chain_that_its_device_did_not_sign_is_an_alarm(
    world: World, an: Device, how: str
) -> None:
    signer = world.device("an") if how == "by another device" else an
    first, second = chained(an, 2, signer=signer)
    if how == "not at all":
        del first["signature"]
        second["previous"] = looks.entry_hash(first)
    if how == "for other words":
        first["began_at"] = "2026-01-01T00:00:00.000Z"
        second["previous"] = looks.entry_hash(first)
    assert sent(an, first, second) == ["applied", "applied"]
    assert alarms(world) == [("look_chain_unsigned", False)]


def test_the_chain_of_an_older_app_goes_on_in_a_signed_one(world: World, an: Device) -> None:
    old = unnamed(an, 3)
    sent(an, *old)
    sent(an, *chained(an, 2, looks.entry_hash(old[-1])))
    assert alarms(world) == []


def test_the_end_of_an_older_chain_can_not_be_left_out(world: World, an: Device) -> None:
    old = unnamed(an, 3)
    sent(an, *old[:2])
    sent(an, *chained(an, 1, looks.entry_hash(old[-1])))
    assert alarms(world) == [("look_missing", False)]


def test_a_store_that_was_copied_and_went_on_in_two_places_is_an_alarm(
    world: World, an: Device
) -> None:
    here = chained(an, 3)
    there = {**here[2], "id": new_id(), "what": "shared"}
    sent(an, *here)
    assert sent(an, there) == ["applied"]
    assert alarms(world) == [("look_forked", False)]


def test_a_gap_that_is_filled_later_is_explained_by_itself(world: World, an: Device) -> None:
    first, second, third, fourth, fifth = chained(an, 5)
    sent(an, first, fourth)
    assert alarms(world) == [("look_missing", False)]
    sent(an, third, second)
    assert alarms(world) == [("look_missing", True), ("look_missing", True)]
    sent(an, fifth)
    assert len(alarms(world)) == 2


def test_a_look_that_is_refused_or_waits_for_a_manager_is_no_gap(world: World, an: Device) -> None:
    elsewhere = world.customer("mo")
    entries = chained(an, 4)
    entries[1]["customer_id"] = elsewhere
    for entry, before in zip(entries[1:], entries, strict=False):
        entry["previous"] = looks.entry_hash(before)
    mine = f"customer:{entries[0]['customer_id']}"
    assert sent(an, *entries[:3], bucket=mine) == ["applied", "rejected", "applied"]
    an.active = False
    assert sent(an, entries[3]) == ["quarantined"]
    assert alarms(world) == []


def test_a_search_is_on_record_with_its_hits_and_nobody_in_particular(
    world: World, an: Device
) -> None:
    (entry,) = chained(an, 1)
    entry |= {"entity": "search", "record_id": new_id(), "what": "searched", "hits": 4}
    del entry["customer_id"]
    own = f"user:{person('an')}"
    assert sent(an, entry, bucket=own) == ["applied"]
    (row,) = world.rows("look")
    assert (row["what"], row["hits"], row.get("customer_id")) == ("searched", 4, None)
    nameless = {**entry, "id": new_id(), "what": "opened", "number": 2}
    nameless["previous"] = looks.entry_hash(entry)
    assert sent(an, nameless, bucket=own) == ["rejected"]
    assert alarms(world) == []


def test_the_ends_of_chains_are_kept_when_an_older_server_is_updated(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/old.sqlite3", RING, durable=False)
    upgrade(db.engine, "0009")
    device = Device(World.__new__(World), "an")
    entries = [{"number": 7, "hash": "a" * 64}]
    with db.write() as connection:
        for entry in entries:
            connection.execute(
                text("INSERT INTO look_head VALUES (:org, :device, :number, :hash)"),
                {"org": "o", "device": device.id, **entry},
            )
        connection.execute(
            text("INSERT INTO alarm VALUES ('o', 'a', 'k', '2026-11-01T00:00:00.000Z', 's', 'd',"
                 " NULL, NULL)")
        )  # fmt: skip
    upgrade(db.engine)
    with db.read() as connection:
        kept = connection.execute(select(LOOK_LINK)).one()
        alarm = connection.execute(select(ALARM)).one()
    assert (kept.number, kept.hash, kept.chain_id, kept.look_id) == (7, "a" * 64, "", "")
    assert (alarm.kind, alarm.explained_at) == ("k", None)
    db.close()


def test_what_follows_the_end_that_an_older_server_kept_is_checked_against_it(
    world: World, an: Device
) -> None:
    *early, last = unnamed(an, 4)
    kept = {
        "org_id": an.caller.org_id, "device_id": an.id, "chain_id": "", "number": 3,
        "look_id": "", "staff_id": "", "hash": looks.entry_hash(early[-1]), "previous": "",
        "received_at": to_wire(world.now),
    }  # fmt: skip
    with world.db.write() as connection:
        connection.execute(insert(LOOK_LINK).values(**kept))
    sent(an, last)
    assert alarms(world) == []
    sent(an, early[1])
    assert alarms(world) == [("look_repeated", False)]


# ── whatever a reader does to what is sent ─────────────────────────────────────────────────


@pytest.fixture(scope="module")
def lasting(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path = tmp_path_factory.mktemp("looks") / "server.sqlite3"
    shutil.copy(sqlite_template, path)
    db = database_at(f"sqlite:///{path}")
    yield World(db)
    db.close()


COUNT = 6
PLACES = st.integers(0, COUNT - 1)
FIELDS = st.sampled_from(
    ["what", "record_id", "looked_at", "entity", "chain_id", "previous", "number", "began_at",
     "signature"]
)  # fmt: skip
DONE = st.one_of(
    st.tuples(st.just("remove"), PLACES, PLACES),
    st.tuples(st.just("edit"), PLACES, FIELDS),
    st.tuples(st.just("swap"), PLACES, PLACES).filter(lambda done: done[1] != done[2]),
    st.tuples(st.just("replay"), PLACES, PLACES),
    st.tuples(st.just("restart"), st.integers(1, COUNT - 1), PLACES),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(done=DONE, batch=st.integers(1, COUNT + 1))
def test_whatever_a_reader_removes_edits_reorders_or_replays_is_found(
    lasting: World, done: tuple[str, int, Any], batch: int
) -> None:
    """The device goes on afterwards: its next look shows that the ones before it are gone."""
    device = phone(lasting)
    entries = chained(device, COUNT + 1)
    *tampered, last = entries
    tampered = _tampered(tampered, *done)
    if tampered == entries[:-1]:
        return
    going = [*tampered, last]
    for start in range(0, len(going), batch):
        sent(device, *going[start : start + batch])
    found = [kind for kind, explained in alarms(lasting, device) if not explained]
    assert found, (done, batch)


def _tampered(entries: list[Entry], how: str, place: int, other: Any) -> list[Entry]:
    made = [dict(entry) for entry in entries]
    if how == "remove":
        first, last = sorted((place, other))
        del made[first : last + 1]
    elif how == "edit":
        edited = {
            "what": "shared",
            "record_id": new_id(),
            "looked_at": "2026-11-20T00:00:00.000Z",
            "entity": "visit",
            "chain_id": new_id(),
            "previous": "f" * 64,
            "number": made[place]["number"] + 20,
            "began_at": "2026-11-20T00:00:00.000Z",
            "signature": "A" * 86,
        }
        made[place][other] = edited[other]
    elif how == "swap":  # in the other's place, under the other's number
        one, two = made[place], made[other]
        one["number"], two["number"] = two["number"], one["number"]
        one["previous"], two["previous"] = two["previous"], one["previous"]
    elif how == "replay":  # one look twice, in place of another
        again = {**made[place], "id": new_id(), "number": made[other]["number"]}
        made[other] = again
    elif how == "restart":  # as if the store had been begun anew without saying so
        chain_id = new_id()
        for entry in made[place:]:
            entry |= {"chain_id": chain_id, "number": entry["number"] - place}
    return made
