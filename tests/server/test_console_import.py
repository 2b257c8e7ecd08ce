"""Files imported at the console: looked at first, then all of them or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from sync_server.db.audit import AUDIT_ENTRY
from sync_server.db.records import RECORDS
from sync_server.demo.extract import DATA
from sync_server.importing import load
from sync_server.services import accounts
from tests.server.desks import Desk, signed_in
from tests.server.phones import ORG, Field
from tests.server.test_import import GOOD, HEADER

pytestmark = pytest.mark.thorough

RETAIL = (DATA / "online_retail_part.csv.gz").read_bytes()
CASES = (DATA / "incident_event_log_part.csv.gz").read_bytes()
FAULTY = (HEADER + GOOD + "2,71053,LANTERN,many,2010-12-01 08:26:00,3.39,17850,France\n").encode()


@pytest.fixture
def desk(sqlite_template: Path, tmp_path: Path) -> Iterator[Desk]:
    made = Field.on_sqlite(sqlite_template, tmp_path)
    yield signed_in(made)
    made.close()


def count(desk: Desk, entity: str) -> int:
    table = RECORDS[entity]
    query = select(func.count()).select_from(table).where(table.c.org_id == ORG)
    with desk.field.server.database.read() as connection:
        return int(connection.execute(query).scalar_one())


def send(desk: Desk, step: str, retail: bytes, incidents: bytes = b"") -> int:
    desk.get("/console/import")
    files = {"retail": ("orders.csv", retail)}
    if incidents:
        files["incidents"] = ("cases.csv", incidents)
    return desk.post("/console/import", files=files, step=step).status_code


def test_files_are_looked_at_and_then_imported_once(desk: Desk) -> None:
    staff = count(desk, "staff")
    assert send(desk, "look", RETAIL, CASES) == 200
    assert "What it would bring" in desk.text and "customers" in desk.text
    assert count(desk, "customer") == count(desk, "case") == 0, "a look writes nothing"
    assert send(desk, "write", RETAIL, CASES) == 303
    desk.get("/console/import")
    assert "are imported" in desk.text and "There are customers already" in desk.text
    assert count(desk, "customer") > 10 and count(desk, "case") > 10
    assert count(desk, "staff") > staff and count(desk, "policy") == 1
    with desk.field.server.database.read() as connection:
        log = connection.execute(select(AUDIT_ENTRY).where(AUDIT_ENTRY.c.action == "imported"))
        entries = [(row.via, row.org_id) for row in log]
        policy = accounts.policy_of(connection, ORG, desk.field.clock.now())
    assert entries == [("console", ORG)]
    assert policy.device_approval == "automatic", "the organisation keeps its own policy"
    before = count(desk, "order")
    desk.post("/console/import", files={"retail": ("orders.csv", RETAIL)}, step="write")
    assert count(desk, "order") == before


def test_what_is_passed_over_is_told_by_line(desk: Desk) -> None:
    assert send(desk, "look", FAULTY) == 200
    assert "2 rows read." in desk.text
    assert "a number or time can't be read 1 3" in desk.text


def test_a_file_that_cannot_be_read_writes_nothing(desk: Desk) -> None:
    assert send(desk, "write", b"when,what\n1,2\n") == 422
    assert "These columns are missing: invoice_no" in desk.text
    assert send(desk, "write", RETAIL[:200]) == 422
    assert "The file can't be read." in desk.text
    assert send(desk, "write", RETAIL[:500] + bytes(50) + RETAIL[550:]) == 422
    assert "The file can't be read." in desk.text
    desk.get("/console/import")
    assert desk.post("/console/import", step="write").status_code == 422
    assert "A required field is empty" in desk.text
    assert count(desk, "customer") == 0
    left = [path.name for path in desk.field.server.settings.data_dir.iterdir()]
    assert not [name for name in left if name.startswith("tmp")], "no upload stays on the disk"


def test_what_was_sent_lies_nowhere_while_it_is_read(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, lying = load.read_sources, []

    def watched(*given: Any) -> load.Sources:
        files = (path for path in tmp_path.rglob("*") if path.is_file())
        lying.extend(path for path in files if b"WALL CLOCK" in path.read_bytes())
        return read(*given)

    monkeypatch.setattr(load, "read_sources", watched)
    assert send(desk, "look", (HEADER + GOOD).encode()) == 200
    assert lying == [], "a server that is killed now would leave it there for good"


def test_only_administrators_bring_files_in(desk: Desk) -> None:
    manager = signed_in(desk.field, "chen")
    assert manager.get("/console/import").status_code == 403
    assert send(manager, "write", RETAIL) == 403
    assert count(desk, "customer") == 0


def test_a_file_may_be_as_long_as_the_page_says(desk: Desk) -> None:
    long = HEADER + GOOD + ("x" * 100_000 + "\n") * 15
    assert send(desk, "look", long.encode()) == 200
    assert "16 rows read" in desk.text
    assert send(desk, "look", b"x" * desk.field.server.settings.max_body_bytes) == 413
