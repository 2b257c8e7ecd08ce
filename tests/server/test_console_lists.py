"""The console's lists at 100,000 rows: paged, sorted and filtered by the database, which looks at a
page's worth of rows and not at all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.datastructures import FormData
from starlette.requests import Request

from shared.declare import Role
from sync_server.admin.listing import COUNTED, Found, Listing
from sync_server.admin.pages.assignments import ASSIGNMENTS
from sync_server.admin.pages.conflicts import CONFLICTS
from sync_server.admin.pages.devices import DEVICES
from sync_server.admin.pages.stores import STORES
from sync_server.admin.pages.users import USERS
from sync_server.admin.pages.waiting import WAITING
from sync_server.admin.texts import words
from sync_server.admin.visit import Visit
from sync_server.db.base import Database
from sync_server.services.caller import Caller
from sync_server.services.console_sessions import SignedIn
from tests.databases import database_at
from tests.server.phones import ORG, START, STORE

pytestmark = pytest.mark.thorough

ROWS = 100_000
STEPS = 400
"""Thousands of steps of SQLite's machine for a page, its count and all that its rows show. Looking
at each of the rows once takes more than a thousand."""
ID = "printf('%08x-0000-7000-8000-%012x', (i * 7919) % 100000, i)"
STAFF = "printf('%036d', i % 20000)"
AT = "strftime('%Y-%m-%dT%H:%M:%S.000Z', 1760000000 + (i % 5000) * 60, 'unixepoch')"
TABLES = {
    "store_row": (1, "id, seq, name", ":store, 1, '一号店'"),
    "staff_row": (
        20_000,
        "id, seq, name, role, store_id",
        f"{STAFF}, i, printf('N%05d', i), 'account_manager', :store",
    ),
    "account": (
        20_000,
        "staff_id, username, password, active, created_at, password_at",
        f"{STAFF}, printf('u%05d', i), '', 1, {AT}, {AT}",
    ),
    "customer_row": (
        ROWS,
        "id, seq, store_id, origin_ref, owner_id, tier",
        f"{ID}, i, :store, printf('R%06d', i), CASE WHEN i % 10 THEN {STAFF} END, 'low'",
    ),
    "device": (
        ROWS,
        "id, staff_id, key, thumbprint, name, platform, app_version, state, enrolled_at, heard_at,"
        " unsent_since",
        f"{ID}, {STAFF}, '', i, '手机', '', '',"
        f" CASE WHEN i % 500 THEN 'approved' ELSE 'pending' END, {AT}, {AT},"
        f" CASE WHEN i % 500 THEN NULL ELSE {AT} END",
    ),
    "change_log": (
        ROWS,
        "change_id, seq, digest, verdict, outcome, staff_id, device_id, received_at, written_at,"
        " body",
        f"{ID}, i, x'', CASE WHEN i % 50 THEN 'applied' ELSE 'rejected' END, '', {STAFF}, {ID},"
        f" {AT}, {AT}, x''",
    ),
    "conflict_row": (
        ROWS,
        "id, seq, customer_id, entity, record_id, field, found_at, resolution",
        f"{ID}, i, {ID}, 'customer', {ID}, 'city', {AT}, CASE WHEN i % 50 THEN 'kept' END",
    ),
}


@pytest.fixture(scope="module")
def db(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("lists") / "server.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    made = database_at(f"sqlite:///{path}")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :last)"
    with made.write() as connection:
        for table, (rows, columns, values) in TABLES.items():
            statement = (
                f"INSERT INTO {table} (org_id, {columns}) {numbers} SELECT :org, {values} FROM n"
            )
            given = {"last": rows - 1, "org": ORG}
            if ":store" in values:
                given["store"] = STORE
            connection.execute(text(statement), given)
    yield made
    made.close()


def read(db: Database, listing: Listing, query: str = "", role: str = "administrator") -> Found:
    """One page; fails where the database had to look at much more than a page."""
    caller = Caller(
        org_id=ORG, staff_id="", role=Role(role), device_id="", device_key="", store_id=STORE
    )
    who = SignedIn(
        caller=caller, name="", username="", organisation="", timezone="", wanted=None, ends_at=""
    )
    path, _, query = query.partition("?") if query.startswith("/") else ("/list", "", query)
    asked: Any = {"type": "http", "path": path, "query_string": query.encode(), "headers": []}
    nobody: Any = None
    visit = Visit(
        request=Request({**asked, "method": "GET", "server": ("testserver", 80)}),
        server=nobody,
        console=nobody,
        words=words("en"),
        page="",
        form=FormData(),
        now=START,
        signed_in=who,
    )
    thousands = 0

    def step() -> None:
        nonlocal thousands
        thousands += 1

    with db.read() as connection:
        raw: Any = connection.connection.driver_connection
        raw.set_progress_handler(step, 1000)
        found = listing.read(connection, visit)
        raw.set_progress_handler(None, 0)
    assert thousands < STEPS, f"{listing.name}?{query} took {thousands} thousand steps"
    return found


LISTS = (USERS, STORES, DEVICES, ASSIGNMENTS, WAITING, CONFLICTS)


@pytest.mark.parametrize("listing", LISTS, ids=lambda listing: listing.name)
def test_every_order_of_a_list_costs_a_page(db: Database, listing: Listing) -> None:
    for column in listing.columns:
        if column.sort is not None:
            for order in (column.name, f"-{column.name}"):
                found = read(db, listing, f"sort={order}")
                assert found.order == order
                if found.next:
                    assert len(read(db, listing, found.next).rows) > 0


@pytest.mark.parametrize(
    ("listing", "query"),
    [
        (USERS, "begins=u0123"),
        (USERS, "name=N0999"),
        (USERS, "role=account_manager&account=active"),
        (DEVICES, "owner=u0123"),
        (DEVICES, "device_state=pending"),
        (DEVICES, "holds=unsent"),
        (DEVICES, "device_state=pending&sort=heard_at"),
        (ASSIGNMENTS, "code=R0999"),
        (ASSIGNMENTS, "id=00000f"),
        (ASSIGNMENTS, "owner=N0012"),
        (ASSIGNMENTS, "held=nobody"),
        (WAITING, "verdict=rejected"),
        (CONFLICTS, "conflict_state=open"),
        (CONFLICTS, "conflict_state=decided"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_every_filter_of_a_list_costs_a_page(db: Database, listing: Listing, query: str) -> None:
    found = read(db, listing, query)
    assert found.narrowed and found.rows
    assert found.more is (found.total == COUNTED and len(found.rows) == listing.size)


@pytest.mark.parametrize("listing", [ASSIGNMENTS, CONFLICTS], ids=lambda listing: listing.name)
def test_a_store_managers_list_costs_a_page(db: Database, listing: Listing) -> None:
    assert len(read(db, listing, role="store_manager").rows) == listing.size


def test_pages_follow_each_other_without_a_gap_and_lead_back(db: Database) -> None:
    first = read(db, DEVICES, "sort=enrolled_at&device_state=pending")
    seen, found = [row["id"] for row in first.rows], first
    while found.next:
        found = read(db, DEVICES, found.next)
        seen += [row["id"] for row in found.rows]
    assert len(seen) == len(set(seen)) == ROWS // 500
    while found.previous:
        found = read(db, DEVICES, found.previous)
    assert [row["id"] for row in found.rows] == [row["id"] for row in first.rows]
    moments = [row["enrolled_at"] for row in first.rows]
    assert moments == sorted(moments)


def test_the_last_page_costs_what_the_first_does(db: Database) -> None:
    last = read(db, ASSIGNMENTS, "sort=customer&before=WyJ6IiwieiJd")  # ["z", "z"]
    assert len(last.rows) == ASSIGNMENTS.size and last.next is not None
    assert last.rows[-1]["id"] == max(row["id"] for row in last.rows)


@pytest.mark.parametrize(
    "query",
    ["after=x", "after=e30", "after=WzEsMixd", "sort=password", "sort=name'--", "device_state=x"],
)
def test_what_makes_no_sense_in_an_address_is_passed_over(db: Database, query: str) -> None:
    assert [row["id"] for row in read(db, DEVICES, query).rows] == [
        row["id"] for row in read(db, DEVICES).rows
    ]
