"""Importing: what can't be read is named and skipped, what is imported is whole, and twice is
once."""

import gzip
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from shared.errors import Code, Refusal
from shared.ids import derived_id
from sync_server.db.base import Database
from sync_server.db.records import RECORDS
from sync_server.demo.extract import DATA
from sync_server.demo.load import CAST, ORGANISATION, load_demo
from sync_server.importing import assemble, load, people
from sync_server.importing.incidents import read_incidents
from sync_server.importing.retail import read_retail
from sync_server.importing.source import ImportReport

pytestmark = pytest.mark.thorough

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
ORG = derived_id("import test")
HEADER = "invoice_no,stock_code,description,quantity,invoice_at,unit_price,customer_id,country\n"
GOOD = "1,85123A,WALL CLOCK,6,2010-12-01 08:26:00,2.55,17850,France\n"


def _silent(_what: str, _fraction: float) -> None:
    """No progress bar in tests."""


def _file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "retail.csv"
    path.write_text(HEADER + "".join(lines), encoding="utf-8")
    return path


def _counts(db: Database) -> dict[str, int]:
    with db.read() as connection:
        found = {
            name: connection.execute(
                select(func.count()).select_from(table).where(table.c.org_id == ORG)
            ).scalar_one()
            for name, table in RECORDS.items()
        }
    return {name: count for name, count in found.items() if count}


def _sources() -> load.Sources:
    return load.read_sources(
        ORG,
        DATA / "online_retail_part.csv.gz",
        DATA / "incident_event_log_part.csv.gz",
        _silent,
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,2,X,many,2010-12-01 08:26:00,2.55,1,France\n", "a number or time can't be read"),
        ("1,2,X,6,yesterday,2.55,1,France\n", "a number or time can't be read"),
        ("1,2,X,6,2010-12-01 08:26:00,NaN,1,France\n", "a number is out of range"),
        ("1,2,X,6,2010-12-01 08:26:00\n", "wrong number of cells"),
        (",2,X,6,2010-12-01 08:26:00,2.55,1,France\n", "no invoice or product"),
        ("1,2,X,6,2010-12-01 08:26:00,2.55,,France\n", "no customer"),
        ("1,2,X,6,2010-12-01 08:26:00,0,1,France\n", "no price"),
        ("1,2,X,-6,2010-12-01 08:26:00,1,1,France\n", "quantity does not fit the invoice"),
    ],
)
def test_a_malformed_row_is_reported_with_its_line_and_skipped(
    tmp_path: Path, line: str, reason: str
) -> None:
    report = ImportReport()
    retail = read_retail(_file(tmp_path, GOOD, line, GOOD), report, _silent)
    assert report.lines == {reason: [3]}
    assert [len(i.lines) for i in retail.invoices.values()] == [2]


def test_a_file_without_a_needed_column_is_refused_before_its_first_row(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(Refusal) as refusal:
        read_retail(path, ImportReport(), _silent)
    assert refusal.value.code is Code.FILE_UNREADABLE
    assert "invoice_no" in str(refusal.value.details["missing"])


def test_a_file_that_was_cut_short_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress((HEADER + GOOD * 5000).encode())[:-40])
    with pytest.raises(Refusal) as refusal:
        read_retail(path, ImportReport(), _silent)
    assert refusal.value.code is Code.FILE_UNREADABLE


def test_no_case_knows_its_future() -> None:
    cases = read_incidents(DATA / "incident_event_log_part.csv.gz", ImportReport(), _silent)
    for case in cases.values():
        case.events = case.events[:1]
    retail = read_retail(DATA / "online_retail_part.csv.gz", ImportReport(), _silent)
    rows = [row for kind, row in assemble.Assembly(ORG).cases(cases, retail) if kind == "case"]
    assert {row["resolved_at"] for row in rows if row["state"] == "new"} == {None}


def test_people_keep_their_invented_names() -> None:
    assert people.person("a") == people.person("a") != people.person("b")
    assert people.person("a").phone.startswith("1990")


def test_an_import_that_fails_half_way_leaves_nothing(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(load, "opening_scopes", failing)
    with pytest.raises(OSError, match="disk is full"):
        load.import_sources(db, ORG, "Import", _sources(), NOW, _silent)
    assert _counts(db) == {}


def test_importing_twice_is_importing_once(db: Database) -> None:
    first = load.import_sources(db, ORG, "Import", _sources(), NOW, _silent)
    counts = _counts(db)
    assert {n: counts[n] for n in first} == dict(first)
    load.import_sources(db, ORG, "Import", _sources(), NOW, _silent)
    assert _counts(db) == counts


def test_the_demo_gives_everyone_of_its_cast_a_day_of_work(db: Database) -> None:
    load_demo(db, NOW, _silent)
    with db.read() as connection:
        grant, staff = RECORDS["grant"], RECORDS["staff"]
        held = connection.execute(
            select(staff.c.name, grant.c.purpose)
            .join(grant, (grant.c.staff_id == staff.c.id) & (grant.c.org_id == staff.c.org_id))
            .where(staff.c.org_id == ORGANISATION)
        ).all()
    purposes = Counter((name, purpose) for name, purpose in held)
    wanted = {
        "account_manager": "assignment",
        "technician": "dispatch",
        "callback_agent": "callback",
        "store_manager": "store",
    }
    for player in CAST:
        if player.role in wanted:
            assert purposes[player.name, wanted[player.role]] >= 5, player.username


@pytest.mark.full_data
def test_the_full_sources_give_the_figures_that_their_origin_states() -> None:
    folder = os.environ.get("HUIFANG_DATA")
    if not folder:
        pytest.skip("HUIFANG_DATA names no folder with the full sources")
    report = ImportReport()
    retail = read_retail(Path(folder) / "online_retail.csv.gz", report, _silent)
    placed = [i for i in retail.invoices.values() if not i.cancelled]
    assert report.rows == 541_909
    assert report.skipped == {"no customer": 135_080, "no price": 40}
    assert (len(retail.countries), len(placed)) == (4338, 18_532)
    assert sum(i.total_cents for i in placed) == 891_140_790
    cases = read_incidents(Path(folder) / "incident_event_log.csv.gz", report, _silent)
    assert len(cases) == 20_769
    assert report.lines["unknown state"] == [115_643, 115_644]
