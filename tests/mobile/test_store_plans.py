"""The store at its size: every read that a screen makes goes by an index, shown by SQLite's own
plan."""

from __future__ import annotations

from datetime import timedelta

import apsw
import pytest

from mobile.store import schema
from shared.entities import CaseEvent, Contact, Customer, File, Policy, Visit
from shared.errors import Code, Refusal
from tests.mobile.store_world import MORNING, World, an_id, customer, visit

ZHANG = customer("张伟")


def plans_of(world: World, read: object) -> list[str]:
    """The plan of each statement that `read` runs."""
    statements: list[tuple[str, object]] = []

    def note(_cursor: apsw.Cursor, sql: str, bindings: object) -> bool:
        statements.append((sql, bindings))
        return True

    world.db.exec_trace = note
    read()
    world.db.exec_trace = None
    return [
        line[3]
        for sql, bindings in statements
        for line in world.db.execute(f"EXPLAIN QUERY PLAN {sql}", bindings)
    ]


READS = {
    "a record": lambda s: s.get(Customer, ZHANG["id"]),
    "a customer's visits": lambda s: s.find(
        Visit, customer_id=ZHANG["id"], newest_first=True, limit=5
    ),
    "a customer's contacts": lambda s: s.find(Contact, customer_id=ZHANG["id"]),
    "a case's steps": lambda s: s.find(CaseEvent, case_id=an_id("case")),
    "the steps of open cases": lambda s: s.columns(
        CaseEvent, ("happened_at",), case_id=[an_id("case"), an_id("another")]
    ),
    "finished visits": lambda s: s.find(Visit, state="finished", newest_first=True, limit=5),
    "the agenda": lambda s: s.agenda(Visit, until=MORNING + timedelta(days=7)),
    "how many customers": lambda s: s.count(Customer),
    "the policy": lambda s: s.find(Policy),
    "what waits": lambda s: s.waiting(),
    "photos": lambda s: s.find(File, case_id=an_id("case")),
    "what is unsent": lambda s: s.parts.outbox.unsettled(500, 10**6),
    "what is unsealed": lambda s: s.parts.outbox.unsealed(),
}
SMALL = ("SCAN open_bucket", "SCAN bucket", "SCAN json_each", "SCAN CONSTANT ROW", "SCAN outbox")
"""Tables that stay small: what is held, and what is on its way."""


@pytest.mark.parametrize("what", READS)
def test_a_screens_read_goes_by_an_index(what: str) -> None:
    world = World()
    world.hold(f"customer:{ZHANG['id']}", rows=(world.line("customer", ZHANG),))
    world.store.count(Customer)
    found = plans_of(world, lambda: READS[what](world.store))
    assert found
    scans = [
        line
        for line in found
        if line.startswith("SCAN") and not line.startswith(SMALL) and "INDEX" not in line
    ]
    # A view of two halves is scanned once each has been narrowed by its own index.
    assert [line for line in scans if line not in ("SCAN shown_row", "SCAN o", "SCAN b")] == []


def test_the_agenda_and_a_timeline_are_read_in_order_without_sorting_everything() -> None:
    world = World()
    rows = (
        world.line("customer", ZHANG),
        *(world.line("visit", visit(ZHANG, f"{n}")) for n in range(9)),
    )
    world.hold(f"customer:{ZHANG['id']}", rows=rows)
    timeline = plans_of(
        world, lambda: world.store.find(Visit, customer_id=ZHANG["id"], newest_first=True, limit=2)
    )
    assert any("server_row_customer (customer_id=? AND entity=?)" in line for line in timeline), (
        timeline
    )
    agenda = plans_of(world, lambda: world.store.agenda(Visit, until=MORNING))
    assert any("server_row_state (entity=? AND state=?" in line for line in agenda), agenda


def test_checksums_never_read_a_body() -> None:
    world = World()
    world.hold(f"customer:{ZHANG['id']}", rows=(world.line("customer", ZHANG),))
    found = plans_of(world, world.store.inbound.checksum)
    assert any("USING COVERING INDEX server_row_bucket" in line for line in found), found


def test_a_vault_of_a_newer_app_is_left_alone() -> None:
    db = apsw.Connection(":memory:")
    db.execute(f"PRAGMA user_version={len(schema.MIGRATIONS) + 1}")
    with pytest.raises(Refusal) as refused:
        schema.prepare(db)
    assert refused.value.code is Code.VAULT_NEWER
    assert db.execute("SELECT count(*) FROM sqlite_schema").get == 0


def test_preparing_twice_changes_nothing() -> None:
    world = World()
    world.store.save_draft("d", {"notes": "半"})
    before = world.db.execute("SELECT group_concat(sql) FROM sqlite_schema").get
    schema.prepare(world.db)
    assert world.db.execute("SELECT group_concat(sql) FROM sqlite_schema").get == before
    assert world.store.draft("d") == {"notes": "半"}
