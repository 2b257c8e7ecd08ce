"""What a sync costs follows what it touches: no statement of it reads a whole table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from shared.clock import to_wire
from shared.ids import new_id
from shared.wire import PullRequest, SnapshotRequest
from sync_server.services import scopes
from sync_server.services.pull import pull
from sync_server.services.reach import opening, reaches
from sync_server.services.snapshot import snapshot
from tests.databases import database_at
from tests.server.field_org import ORG, Device, World, person

SMALL = {"org_state", "policy_row", "staff_row", "store_row", "wanted_1", "v"}
"""Read whole without harm: a handful of rows each, or made of the statement's own values."""


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "server.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    db = database_at(f"sqlite:///{path}")
    yield World(db)
    db.close()


@contextmanager
def watched(world: World) -> Iterator[list[str]]:
    """Collects every step of every statement's plan that goes through a whole table, or through
    all that one organisation has in it."""
    whole: list[str] = []
    planning = False

    def look(connection: Any, _cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        nonlocal planning
        if planning or not statement.lstrip().upper().startswith(
            ("SELECT", "WITH", "UPDATE", "DEL")
        ):
            return
        planning = True
        one = parameters[0] if rest[1] else parameters
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", one).all()
        planning = False
        for *_, step in plan:
            words = step.split()
            through = words[0] == "SCAN" or step.endswith("(org_id=?)")
            made = "CONSTANT" in words or "VIRTUAL" in words  # of the values themselves
            if through and not made and words[1] not in SMALL:
                whole.append(f"{step}: {statement[:200]}")

    event.listen(world.db.engine, "before_cursor_execute", look)
    yield whole
    event.remove(world.db.engine, "before_cursor_execute", look)


def _day(world: World) -> tuple[str, str, Device, Device]:
    customer = world.customer("an")
    contact = {"id": new_id(), "customer_id": customer, "name": "王五"}
    world.write(lambda unit: unit.create("contact", contact))
    case = world.case(customer, "tan", contact_id=contact["id"])
    an, tan = world.device("an"), world.device("tan")
    an.sync()
    tan.sync()
    return customer, case, an, tan


def test_a_push_reads_no_table_whole(world: World) -> None:
    customer, case, an, tan = _day(world)
    callback = {"customer_id": customer, "case_id": case, "kind": "care", "state": "scheduled"}
    changes = [
        an.visit(customer),
        an.update("customer", customer, {"city": "苏州"}, f"customer:{customer}"),
        an.create("customer", {"name": "新客户"}, f"user:{person('an')}"),
        an.update("case", case, {"state": "resolved"}, f"customer:{customer}"),
        an.update("case", case, {"state": "closed"}, f"customer:{customer}"),
    ]
    with watched(world) as whole:
        assert {o.verdict for o in an.push(*changes)} == {"applied"}
        due = {"due_at": to_wire(world.now)}
        made = tan.create("callback", callback | due, f"case:{case}")
        assert [o.verdict for o in tan.push(made)] == ["applied"]
    assert whole == []


def test_a_pull_a_page_and_a_hint_read_no_table_whole(world: World) -> None:
    customer, _, an, _ = _day(world)
    an.push(an.visit(customer))
    asked = {"app_version": "1", "epoch": an.epoch, "cursor": an.cursor, "case_numbers_left": 99}
    digest = an.lease.grants_digest if an.lease else ""
    bucket = f"customer:{customer}"
    with watched(world) as whole:
        for grants in (None, [*an.grants, new_id()]):
            request = PullRequest(**asked, grants_digest=digest, grants=grants, want_checksums=True)
            page = pull(world.db, an.caller, request, world.now, an._sign)
            assert len(page.lines) > 0
        for after in (None, (bucket, "contact", "0")):
            page = snapshot(
                world.db, an.caller, SnapshotRequest(buckets=[bucket], after=after), world.now
            )
            assert len(page.lines) > 0
        assert opening(world.db, ORG, person("an"), world.now).newest > 0
        assert reaches(world.db, [(ORG, person("an"))], world.now)[ORG, person("an")].buckets
    assert whole == []


def test_reassigning_and_leaving_read_no_table_whole(world: World) -> None:
    customer, case, _, _ = _day(world)
    with watched(world) as whole:
        world.assign(customer, "bai")
        world.dispatch(case, "tu")
        world.write(lambda unit: scopes.deactivate(unit, person("an")))
    assert whole == []


def test_a_statement_that_reads_a_table_whole_is_noticed(world: World) -> None:
    with watched(world) as whole, world.db.read() as connection:
        connection.exec_driver_sql("SELECT * FROM feed WHERE digest = 1").all()
    assert len(whole) == 1
