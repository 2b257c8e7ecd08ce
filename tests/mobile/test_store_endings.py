"""When access ends: what was half written goes on its way, what was deleted is to be signed for,
and what was given back does not return (L1, L4)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from mobile.store import receipts
from mobile.store.drafts import OF
from mobile.sync.engine import SyncEngine
from shared.clock import to_wire
from shared.declare import Role
from shared.entities import Callback, CaseEvent, Customer, Visit
from shared.wire import Drop
from tests.mobile.store_world import ME, MORNING, World, an_id, case, customer, visit

ZHANG = customer("张伟")
NOBODY: Any = None
HERE = f"customer:{ZHANG['id']}"
CALL = {
    "id": an_id("call"),
    "customer_id": ZHANG["id"],
    "kind": "care",
    "state": "scheduled",
    "due_at": to_wire(MORNING),
    "assignee_id": ME,
}
VISIT = visit(ZHANG)


def at(hours: float) -> str:
    return to_wire(MORNING + timedelta(hours=hours))


@pytest.fixture
def world() -> World:
    """An agent with ZHANG for two hours."""
    return begun(Role.CALLBACK_AGENT)


def begun(role: Role) -> World:
    world = World(role)
    timed = world.grant(HERE, expires_at=at(2), purpose="callback")
    world.pull(lease=world.lease(timed, world.grant(f"user:{ME}", purpose="role")))
    world.fetch_whole(
        world.line("customer", ZHANG), world.line("callback", CALL), world.line("visit", VISIT)
    )
    return world


def half_written(world: World, **draft: object) -> None:
    about = ("callback", CALL["id"])
    world.store.save_draft(f"callback:{CALL['id']}", {**draft}, about=about)


def test_a_half_written_call_goes_on_its_way_when_access_ends(world: World) -> None:
    half_written(world, notes="客户说下周再打", satisfaction="8x", state="done", step="result")
    written = world.clock.at
    world.clock.advance(hours=2)
    world.store.inbound.end_expired()
    (change,) = world.store.waiting()
    assert (change.entity, change.record_id, change.kind) == ("callback", CALL["id"], "update")
    # What does not hold by itself stays out, and so does a step that nobody took.
    assert change.values == {"notes": "客户说下周再打"}
    assert change.made_at == written
    assert world.store.parts.outbox.unsealed() != []  # and it gets its sealed copy
    assert world.store.get(Callback, CALL["id"]) is None
    assert world.db.execute("SELECT count(*) FROM draft").get == 0


def test_a_half_written_call_of_an_app_that_was_closed_goes_at_the_next_start(
    world: World,
) -> None:
    half_written(world, notes="还没说完")
    world.clock.advance(days=3)
    reopened = type(world.store)(world.db, world.clock)
    assert reopened.inbound.end_expired() == [HERE]
    assert [c.values for c in reopened.waiting()] == [{"notes": "还没说完"}]


@pytest.mark.parametrize(
    ("entity", "facts", "word"),
    [
        ("case", case(ZHANG), "findings"),
        ("feedback", {"happened_at": to_wire(MORNING), "topic": "t", "said": "晚了"}, "measure"),
        ("retention_plan", {"state": "open", "due_at": to_wire(MORNING)}, "measures"),
        ("customer_training", {"held_at": to_wire(MORNING), "covered": "换滤芯"}, "notes"),
        ("transfer", {"case_id": an_id("c"), "question": "能换吗？"}, "answer"),
    ],
)
def test_a_half_written_step_of_other_work_goes_on_its_way_when_access_ends(
    entity: str, facts: dict[str, Any], word: str
) -> None:
    world = begun(Role.ACCOUNT_MANAGER)
    row = {"id": an_id(entity), "customer_id": ZHANG["id"], **facts}
    world.pull(world.line(entity, row))
    about = (entity, row["id"])
    world.store.save_draft("half", {word: "换了锁芯", "outcome": ""}, about=about)
    world.clock.advance(hours=2)
    world.store.inbound.end_expired()
    assert [(c.entity, c.values) for c in world.store.waiting()] == [(entity, {word: "换了锁芯"})]
    assert world.db.execute("SELECT count(*) FROM draft").get == 0


def test_what_was_half_written_for_something_new_in_a_case_becomes_a_note_on_it() -> None:
    world = begun(Role.TECHNICIAN)
    row = case(ZHANG)
    world.pull(world.line("case", row))
    drafts: list[dict[str, Any]] = [
        {OF: "case_event", "note": "没有这个型号", "waiting_for": "parts"},
        {OF: "feedback", "said": "声" * 1000, "channel": "phone", "topic": "price"},
        {OF: "customer_training", "covered": "滤" * 1500, "notes": "芯" * 1500},
        {OF: "inspection", "judgement": "faults"},
        {OF: "a kind of a newer app", "said": "还没写完"},
    ]
    for number, draft in enumerate(drafts):
        world.store.save_draft(f"half/{number}", draft, about=("case", row["id"]))
    written = world.clock.at
    world.clock.advance(hours=2)
    world.store.inbound.end_expired()
    changes = world.store.waiting()
    said = [change.values.get("note") for change in changes]
    assert said[:2] == ["没有这个型号", "声" * 1000]
    assert [len(note) for note in said[2:]] == [2000, 1001]
    assert {(c.entity, c.kind, c.values["kind"]) for c in changes} == {
        ("case_event", "create", "noted")
    }
    assert {c.values["happened_at"] for c in changes} == {to_wire(written)}
    assert world.store.find(CaseEvent) == []
    left = [key for (key,) in world.db.execute("SELECT key FROM draft ORDER BY key")]
    assert left == ["half/3", "half/4"]  # no words: nobody's loss; and what only a newer app reads


def test_what_is_written_in_the_last_moment_is_dated_then_and_not_later(world: World) -> None:
    world.clock.advance(hours=2, seconds=-1)
    half_written(world, notes="刚写完")
    world.clock.advance(seconds=2)
    world.store.inbound.end_expired()
    assert world.store.waiting()[0].made_at == MORNING + timedelta(hours=2, seconds=-1)


def test_what_a_screen_stores_as_its_end_puts_it_away_was_written_before_it(world: World) -> None:
    half_written(world, notes="一半")
    world.clock.advance(hours=2, seconds=3)
    half_written(world, notes="一半，还有最后几个字")
    world.store.inbound.end_expired()
    (change,) = world.store.waiting()
    assert change.values == {"notes": "一半，还有最后几个字"}
    assert change.made_at == MORNING + timedelta(hours=2) - timedelta(milliseconds=1)


def test_words_saved_after_the_end_are_no_work_under_the_grant(world: World) -> None:
    world.clock.advance(hours=2, minutes=1)
    half_written(world, notes="太晚了")
    world.store.inbound.end_expired()
    assert world.store.waiting() == []
    assert world.store.draft(f"callback:{CALL['id']}") is None  # hidden, and not lost
    assert world.db.execute("SELECT count(*) FROM draft").get == 1


def test_an_edit_that_nobody_finished_stays_a_draft(world: World) -> None:
    world.store.save_draft("customer/x", {"needs": "也许"}, about=("customer", ZHANG["id"]))
    world.clock.advance(hours=2)
    world.store.inbound.end_expired()
    assert world.store.waiting() == []
    assert world.db.execute("SELECT count(*) FROM draft").get == 1


def test_a_draft_of_what_another_grant_still_shows_stays_with_its_author(world: World) -> None:
    repair = case(ZHANG)
    call = {**CALL, "id": an_id("second"), "case_id": repair["id"]}
    narrow = f"case:{repair['id']}"
    timed = world.grant(HERE, expires_at=at(2), purpose="callback")
    world.pull(lease=world.lease(timed, world.grant(narrow)))
    world.fetch_whole(world.line("callback", call), world.line("callback", call, narrow))
    key = f"callback:{call['id']}"
    world.store.save_draft(key, {"notes": "继续写"}, about=("callback", call["id"]))
    world.clock.advance(hours=2)
    world.store.inbound.end_expired()
    assert world.store.draft(key) == {"notes": "继续写"} and world.store.waiting() == []


def test_a_customer_that_is_taken_away_takes_no_half_written_visit_along() -> None:
    world = World()
    held = world.grant(HERE)
    world.hold(HERE, rows=(world.line("customer", ZHANG), world.line("visit", VISIT)))
    world.store.save_draft("visit/1", {"notes": "谈了一半"}, about=("visit", VISIT["id"]))
    drop = Drop(grant_id=held.id, bucket=HERE, reason="reassigned")
    world.pull(lease=world.lease(f"user:{ME}", drops=[drop]))
    assert world.store.get(Visit, VISIT["id"]) is None
    (change,) = world.store.waiting()
    assert change.values == {"notes": "谈了一半"}
    sent = json.loads(world.store.parts.outbox.unsettled(9, 10**6)[0][1])
    assert sent["grant_id"] == held.id


def test_what_was_deleted_is_signed_for_once_the_vault_has_its_new_key(world: World) -> None:
    meta = world.store.parts.meta
    world.clock.advance(hours=3)
    world.store.inbound.end_expired()
    assert receipts.to_sign(meta) == []
    world.store.inbound.rekeyed(world.store.inbound.rekey_due())
    (receipt,) = receipts.to_sign(meta)
    assert (receipt.kind, receipt.rows, receipt.staff_id) == ("ended", 3, ME)
    assert receipt.grants == [world.grant(HERE).id]
    assert receipt.deleted_at == receipt.rekeyed_at == at(3)
    world.store.inbound.receipts_kept([receipt.id])
    assert receipts.to_sign(meta) == []


async def test_what_is_deleted_while_the_new_key_is_being_kept_waits_for_another(
    world: World,
) -> None:
    other = customer("李娜")
    there = f"customer:{other['id']}"
    given = world.grant(there, purpose="approved_detail")
    timed = world.grant(HERE, expires_at=at(2), purpose="callback")
    world.pull(lease=world.lease(timed, given, world.grant(f"user:{ME}")))
    world.fetch_whole(world.line("customer", other))
    keys = []

    async def rekey() -> None:
        keys.append("new")
        if len(keys) == 1:  # the pages are written anew, and the key is not kept yet
            world.store.inbound.give_back([given.id])

    engine = SyncEngine(world.store, NOBODY, NOBODY, app_version="1", rekey=rekey)
    world.clock.advance(hours=3)
    await engine.forget_ended()
    assert receipts.to_sign(world.store.parts.meta) == []
    await engine.forget_ended()
    assert len(keys) == 2 and not world.store.inbound.rekey_due()
    told = {grant for one in receipts.to_sign(world.store.parts.meta) for grant in one.grants}
    assert told == {timed.id, given.id}


def test_a_grant_that_ends_beside_another_is_signed_for_without_a_new_key(world: World) -> None:
    second = world.grant(HERE, id=an_id("second"), purpose="approved_detail")
    timed = world.grant(HERE, expires_at=at(2), purpose="callback")
    world.pull(lease=world.lease(timed, second, world.grant(f"user:{ME}")))
    world.clock.advance(hours=3)
    assert world.store.inbound.end_expired() == []
    assert world.store.get(Customer, ZHANG["id"]) is not None
    (receipt,) = receipts.to_sign(world.store.parts.meta)
    assert (receipt.rows, receipt.rekeyed_at) == (0, None)


def test_what_was_given_back_is_gone_at_once_and_does_not_come_back(world: World) -> None:
    half_written(world, notes="最后一句")
    timed = world.grant(HERE, expires_at=at(2), purpose="callback")
    own = world.grant(f"user:{ME}")
    holdings, now = world.store.inbound.holdings, world.store.parts.gate.settle()
    assert holdings.returnable("callback", CALL["id"], now) == [timed.id]
    world.store.inbound.give_back([timed.id])
    assert world.store.get(Customer, ZHANG["id"]) is None
    assert world.store.inbound.rekey_due()
    assert [c.values for c in world.store.waiting()] == [{"notes": "最后一句"}]
    # The server has not heard of it: it names the grant, and sends rows.
    world.pull(world.line("customer", ZHANG), lease=world.lease(timed, own), fetch=[HERE])
    assert world.store.inbound.next_fetch() is None
    assert world.db.execute("SELECT count(*) FROM server_row WHERE entity = 'customer'").get == 0
    world.pull(lease=world.lease(own))
    assert world.store.parts.meta.get("returned") is None


def test_what_an_assignment_brings_is_not_given_back() -> None:
    world = World()
    world.hold(HERE, rows=(world.line("customer", ZHANG),))
    now = world.store.parts.gate.settle()
    assert world.store.inbound.holdings.returnable("customer", ZHANG["id"], now) == []


def test_the_next_moment_that_changes_what_may_be_read_is_known_ahead(world: World) -> None:
    gate = world.store.parts.gate
    assert gate.next_turn() == MORNING + timedelta(hours=2)
    world.clock.advance(hours=2)
    assert gate.next_turn() == MORNING + timedelta(hours=72)  # the lease
    world.clock.advance(hours=72)
    assert gate.next_turn() is None
