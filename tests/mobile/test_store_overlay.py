"""Unsettled work over what the server says: never hidden by a pull, never left behind when it is
settled."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mobile.store.overlay import lay_over
from shared.declare import ENTITIES
from shared.entities import Customer, Visit
from shared.rows import RowLine, body_text
from shared.wire import Outcome, PushReply
from tests.mobile.store_world import ME, MORNING, World, an_id, customer, visit

ZHANG = customer("张伟")
VISIT = visit(ZHANG)
BUCKETS = (f"customer:{ZHANG['id']}", f"user:{ME}")


def world_with(*lines: tuple[str, dict[str, Any]]) -> World:
    world = World()
    rows = tuple(world.line(entity, row) for entity, row in lines)
    world.hold(*BUCKETS, rows=rows)
    return world


def edit(world: World, **values: Any) -> str:
    """Edit the visit; the change's id."""
    seen = world.store.get(Visit, VISIT["id"])
    assert seen is not None
    with world.store.unit() as unit:
        unit.update(seen, **values)
        unit.commit()
    return world.store.waiting()[-1].change_id


def outcome(world: World, change_id: str, verdict: str, **facts: Any) -> None:
    world.seq += 1
    answer = Outcome(change_id=change_id, verdict=verdict, seq=world.seq, **facts)
    world.store.inbound.pushed(
        PushReply(epoch="epoch-1", outcomes=[answer], backed_up_to=0, server_time="")
    )


def notes(world: World) -> tuple[str | None, bool]:
    shown = world.store.row("visit", VISIT["id"])
    assert shown is not None
    return shown.row.get("notes"), shown.pending


def test_a_pull_never_hides_unsent_work() -> None:
    world = world_with(("customer", ZHANG), ("visit", VISIT))
    edit(world, notes="我写的")
    world.pull(world.line("visit", {**VISIT, "minutes": 50}))
    shown = world.store.row("visit", VISIT["id"])
    assert shown is not None and shown.row["minutes"] == 50
    assert notes(world) == ("我写的", True)
    world.pull(world.line("visit", {**VISIT, "notes": "别人写的"}))
    assert notes(world) == ("我写的", True)  # for a person to decide, on the server


def test_between_receipt_and_the_pull_behind_it_the_screen_does_not_fall_back() -> None:
    world = world_with(("customer", ZHANG), ("visit", VISIT))
    change = edit(world, notes="我写的")
    outcome(world, change, "applied")
    assert notes(world) == ("我写的", True)
    world.pull(world.line("visit", {**VISIT, "notes": "我写的"}))
    assert notes(world) == ("我写的", False)
    assert world.db.execute("SELECT count(*) FROM pending_row").get == 0


def test_a_rejected_change_falls_back_and_what_it_held_is_kept() -> None:
    world = world_with(("customer", ZHANG), ("visit", VISIT))
    change = edit(world, notes="太长", minutes=20)
    outcome(world, change, "rejected", code="field_too_long", field="visit.notes")
    assert notes(world) == (None, False)
    (waiting,) = world.store.waiting()
    assert (waiting.verdict, waiting.code, waiting.field) == (
        "rejected",
        "field_too_long",
        "visit.notes",
    )
    assert waiting.values == {"notes": "太长", "minutes": 20}
    world.store.dismiss(waiting.number)
    assert world.store.waiting() == []


def test_a_retry_only_leaves_its_reason() -> None:
    world = world_with(("customer", ZHANG), ("visit", VISIT))
    change = edit(world, notes="我写的")
    outcome(world, change, "retry", code="server_fault")
    (waiting,) = world.store.waiting()
    assert (waiting.verdict, waiting.code) == (None, "server_fault")
    assert world.store.status().unsent == 1 and notes(world) == ("我写的", True)


def test_an_outcome_is_settled_once() -> None:
    world = world_with(("customer", ZHANG), ("visit", VISIT))
    change = edit(world, notes="我写的")
    outcome(world, change, "conflict", conflicts=[an_id("c")])
    outcome(world, change, "applied")
    (waiting,) = world.store.waiting()
    assert (waiting.verdict, waiting.conflicts) == ("conflict", [an_id("c")])


def test_a_backed_up_change_leaves_the_outbox_but_not_before_its_author_saw_it() -> None:
    world = world_with(("customer", ZHANG), ("visit", VISIT))
    plain, argued = edit(world, minutes=20), edit(world, notes="有争议")
    outcome(world, plain, "applied")
    outcome(world, argued, "conflict")
    world.pull(backed_up_to=world.seq)
    assert [w.change_id for w in world.store.waiting()] == [argued]
    assert world.db.execute("SELECT count(*) FROM outbox").get == 1
    status = world.store.status()
    assert (status.backed_up, status.received, status.concerning) == (2, 0, 1)
    world.store.dismiss(world.store.waiting()[0].number)
    world.pull(backed_up_to=world.seq)
    assert world.db.execute("SELECT count(*) FROM outbox").get == 0
    assert edit(world, minutes=30) and world.store.waiting()[0].number == 3  # never given twice


def test_a_new_record_is_found_and_searched_before_the_server_knows_it() -> None:
    world = world_with(("customer", ZHANG))
    with world.store.unit() as unit:
        made = unit.create(Customer(id=an_id("n"), name="李小龙", phone="139 0000 1111"))
        unit.commit()
    for words in ("李小", "lxl", "1390000"):
        assert [hit.id for hit in world.store.search(words)] == [made.id]
    assert made.created_by == ME and made.created_at == MORNING


FIELDS = ("notes", "minutes", "satisfaction", "next_step")
VALUES = {
    "notes": st.one_of(st.none(), st.text("甲乙", max_size=3)),
    "minutes": st.one_of(st.none(), st.integers(5, 60)),
    "satisfaction": st.one_of(st.none(), st.integers(0, 100)),
    "next_step": st.one_of(st.none(), st.text("丙丁", max_size=3)),
}
EDITS = st.fixed_dictionaries({}, optional=VALUES)


@given(base=EDITS, edits=st.lists(EDITS, max_size=5))
def test_the_last_word_of_each_field_shows(
    base: dict[str, Any], edits: list[dict[str, Any]]
) -> None:
    row = {**VISIT, **{k: v for k, v in base.items() if v is not None}}
    changes = [
        {
            "kind": "update",
            "record_id": VISIT["id"],
            "fields": values,
            "base": dict.fromkeys(values, 7),
            "claimed_at": f"2026-11-23T00:30:0{n}.000Z",
        }
        for n, values in enumerate(edits)
    ]
    shown = lay_over(ENTITIES["visit"], row, 9, changes, ME)
    for name in FIELDS:
        said = [values[name] for values in edits if name in values]
        assert shown.get(name) == (said[-1] if said else row.get(name))
    again = lay_over(ENTITIES["visit"], shown, 9, changes, ME)
    assert again == shown


LINES = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.booleans()), min_size=1, max_size=8)


@given(history=LINES, data=st.data())
def test_pages_that_come_twice_or_late_end_in_the_same_rows(
    history: list[tuple[str, bool]], data: st.DataObject
) -> None:
    """Each line is one version of a record (or its going); whatever the order, the last one
    stands."""
    lines = [
        RowLine(
            BUCKETS[0],
            "visit",
            an_id(word),
            200 + number,
            "" if gone else body(word, number),
        )
        for number, (word, gone) in enumerate(history)
    ]
    rows = [line for line in lines if not line.gone]
    world = world_with(("customer", ZHANG))
    # A record that went can't be told from one that is yet to come: only rows may come late.
    for line in data.draw(st.permutations(rows + rows)):
        world.pull(line)
    assert stored_visits(world) == {line.id: (line.seq, line.body) for line in rows}
    last = {line.id: line for line in lines}
    world.pull(*(line for line in last.values() if line.gone))
    kept = {i: (line.seq, line.body) for i, line in last.items() if not line.gone}
    assert stored_visits(world) == kept
    assert len(world.store.find(Visit)) == len(kept)


def stored_visits(world: World) -> dict[str, tuple[int, str]]:
    found = world.db.execute("SELECT id, seq, body FROM server_row WHERE entity = 'visit'")
    return {record_id: (seq, text) for record_id, seq, text in found}


def test_after_a_restore_lower_numbers_replace_higher_ones() -> None:
    """The numbers of another epoch say nothing about those of this one."""
    world = world_with(("customer", ZHANG), ("visit", {**VISIT, "notes": "备份之后写的"}))
    stray = world.line("visit", visit(ZHANG, "made after the backup"))
    world.pull(stray)
    restored = RowLine(BUCKETS[0], "visit", VISIT["id"], 7, body_text({**VISIT, "notes": "旧的"}))
    world.pull(epoch="epoch-2", cursor=9)
    assert notes(world) == ("备份之后写的", False)  # shown until the whole bucket has come
    world.fetch_whole(world.line("customer", ZHANG)._replace(seq=5), restored)
    assert notes(world) == ("旧的", False)
    assert world.store.get(Visit, stray.id) is None
    assert world.store.inbound.position().cursor == 9


def body(word: str, number: int) -> str:
    return body_text({**VISIT, "id": an_id(word), "minutes": 5 + number})


def test_an_outcome_that_comes_after_its_row_leaves_nothing_laid_over() -> None:
    world = world_with(("customer", ZHANG), ("visit", VISIT))
    change = edit(world, notes="我写的")
    world.pull(world.line("visit", {**VISIT, "notes": "我写的"}))  # the push's answer was lost
    world.pull(cursor=world.seq + 50)
    outcome(world, change, "applied")
    assert notes(world) == ("我写的", False)


def test_a_backup_that_is_quicker_than_the_pull_leaves_nothing_laid_over() -> None:
    world = world_with(("customer", ZHANG), ("visit", VISIT))
    change = edit(world, notes="我写的")
    world.seq += 1
    done = Outcome(change_id=change, verdict="applied", seq=world.seq)
    world.store.inbound.pushed(
        PushReply(epoch="epoch-1", outcomes=[done], backed_up_to=10**6, server_time="")
    )
    assert notes(world) == ("我写的", True)
    world.pull(world.line("visit", {**VISIT, "notes": "我写的"}), backed_up_to=10**6)
    assert notes(world) == ("我写的", False)
    assert world.db.execute("SELECT count(*) FROM pending_row").get == 0
    assert world.db.execute("SELECT count(*) FROM outbox").get == 0
