"""Figures of a real service desk, by the product and by a few independent lines over its log."""

from __future__ import annotations

import csv
import gzip
import shutil
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from shared.ids import derived_id
from sync_server.db.base import Database
from sync_server.db.figures import FIGURE_CASE
from sync_server.db.log import BUCKET_HEAD, ORG_STATE
from sync_server.db.putting import insert_rows
from sync_server.db.records import RECORDS
from sync_server.importing.assemble import Assembly
from sync_server.importing.incidents import read_incidents
from sync_server.importing.retail import Retail
from sync_server.importing.source import ImportReport
from sync_server.services import figure_facts
from sync_server.services.store_report import resolved_by_priority
from tests.databases import RING

pytestmark = pytest.mark.full_data
ORG = derived_id("the real desk")
NOW = datetime(2018, 1, 1, tzinfo=UTC)
SOLVED = {"Resolved", "Closed"}


@pytest.fixture(scope="module")
def desk(
    full_data: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """All cases of the log with their events, and the facts of their figures."""
    path = tmp_path_factory.mktemp("desk") / "desk.sqlite3"
    shutil.copy(sqlite_template, path)
    db = Database(f"sqlite:///{path}", RING, durable=False)
    cases = read_incidents(
        full_data / "incident_event_log.csv.gz", ImportReport(), lambda _what, _done: None
    )
    retail = Retail(countries={str(buyer): "United Kingdom" for buyer in range(400)})
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    rows["organisation"] = [{"id": ORG, "name": "Desk", "timezone": "UTC"}]
    assembly = Assembly(ORG)
    rows["customer"] = [
        {"id": assembly.customer_id(buyer), "name": buyer, "created_at": "2016-01-01T00:00:00.000Z"}
        for buyer in retail.countries
    ]
    for entity, row in assembly.cases(cases, retail):
        rows[entity].append(row)
    with db.write() as connection:
        for entity, made in rows.items():
            insert_rows(connection, RECORDS[entity], [{"org_id": ORG, "seq": 1, **r} for r in made])
        heads = [
            {"bucket": f"customer:{row['id']}", "max_seq": seq, "row_count": 1, "digest": 0}
            for seq, row in enumerate(rows["customer"], 1)
        ]
        insert_rows(connection, BUCKET_HEAD, [{"org_id": ORG, **head} for head in heads])
        state = {"last_seq": len(heads), "epoch": "x", "backed_up_to": 0, "next_case_number": 1}
        insert_rows(connection, ORG_STATE, [{"org_id": ORG, **state}])
    assert figure_facts.catch_up(db, ORG, NOW)
    yield db
    db.close()


@pytest.fixture(scope="module")
def log(full_data: Path) -> dict[str, list[dict[str, str]]]:
    """The log's own lines by case. Straight from the file, by nothing of the product."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(full_data / "incident_event_log.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if not row["incident_state"].startswith("-"):
                found[row["number"]].append(row)
    return found


def count(db: Database, *where: Any) -> int:
    with db.read() as connection:
        query = select(func.count()).select_from(FIGURE_CASE)
        return connection.scalar(query.where(FIGURE_CASE.c.org_id == ORG, *where)) or 0


def test_handed_on_and_reopened_cases_are_as_many_as_the_source_states(desk: Database) -> None:
    case = FIGURE_CASE.c
    assert count(desk) == 20_769
    assert count(desk, case.reassigned > 0) == 9_843
    assert count(desk, case.reopened > 0) == 234


def test_closed_cases_and_median_hours_by_priority_are_those_of_the_log(
    desk: Database, log: dict[str, list[dict[str, str]]]
) -> None:
    closed: Counter[str] = Counter()
    hours: dict[str, list[float]] = defaultdict(list)
    for events in log.values():
        in_order = sorted(events, key=lambda row: int(row["sys_mod_count"]))
        last = in_order[-1]
        if last["incident_state"] != "Closed":
            continue
        priority = last["priority"].split(" - ")[1].lower()
        closed[priority] += 1
        solved = None
        for row in sorted(in_order, key=lambda row: row["sys_updated_at"]):
            solved = (solved or row["sys_updated_at"]) if row["incident_state"] in SOLVED else None
        assert solved is not None
        taken = datetime.fromisoformat(solved) - datetime.fromisoformat(last["opened_at"])
        hours[priority].append(max(0.0, taken.total_seconds() / 3600))
    with desk.read() as connection:
        found = resolved_by_priority(connection, ORG)
    assert {one.priority: one.resolved for one in found} == dict(closed)
    assert dict(closed) == {"critical": 220, "high": 337, "moderate": 19_553, "low": 658}
    for one in found:
        assert one.hours == pytest.approx(statistics.median(hours[one.priority]), abs=0.02)
