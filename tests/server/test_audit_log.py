"""What is done to access and to data is on record, and nobody edits the record unnoticed (L7)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import DBAPIError

from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.db.base import Database
from sync_server.services import audit, audit_chain, users
from sync_server.services.accounts import by_staff
from sync_server.services.audit import Action
from sync_server.services.writing import Unit
from tests.databases import RING
from tests.server.field_org import MORNING, ORG, World
from tests.server.phones import ORG as COMPANY
from tests.server.phones import PASSWORD, Field, code, staff_id

WHO = audit.command_line(ORG)


def noted(db: Database, count: int, org_id: str = ORG) -> None:
    who = audit.command_line(org_id)
    for step in range(count):
        with db.write() as connection:
            audit.note(
                connection, who, Action.PASSWORD_SET, now=MORNING + timedelta(days=step),
                subject=("staff", new_id()), step=step,
            )  # fmt: skip


def entries(db: Database, org_id: str = ORG) -> list[Any]:
    with db.read() as connection:
        query = select(AUDIT_ENTRY).where(AUDIT_ENTRY.c.org_id == org_id)
        return list(connection.execute(query.order_by(AUDIT_ENTRY.c.number)))


def verified(db: Database, anchor: audit_chain.Anchor | None = None) -> audit_chain.Verified:
    with db.read() as connection:
        return audit_chain.verify(connection, ORG, anchor)


def test_an_entry_stands_with_what_it_records_or_not_at_all(db: Database) -> None:
    world = World(db)

    def undone(unit: Unit) -> None:
        unit.create("store", {"id": new_id(), "name": "新店"})
        audit.note(unit, WHO, Action.STORE_ADDED)
        raise Refusal(Code.RECORD_EXISTS)

    with pytest.raises(Refusal):
        world.write(undone)
    assert entries(db) == []

    def of_several(unit: Unit) -> None:
        audit.note(unit, WHO, Action.STORE_ADDED)
        unit.begin_change()
        audit.note(unit, WHO, Action.STORE_CHANGED)
        unit.undo_change()
        audit.note(unit, WHO, Action.IMPORTED)

    world.write(of_several)
    assert [(e.number, e.action) for e in entries(db)] == [(1, "store_added"), (2, "imported")]
    assert verified(db).broken == []


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE audit_entry SET action = 'signed_in' WHERE number = 2",
        "DELETE FROM audit_entry WHERE number = 2",
        "DELETE FROM audit_entry",
        "replace",
        "UPDATE audit_part SET last = 100",
        "DELETE FROM audit_part",
    ],
)
def test_the_database_itself_lets_nobody_edit_the_log(db: Database, edit: str) -> None:
    if edit == "replace":  # each database has its own way around a DELETE
        replacing = "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry WHERE number = 2"
        edit = "TRUNCATE audit_entry" if db.is_postgres else replacing
    noted(db, 3)
    with db.write() as connection:
        audit_chain.let_go(connection, ORG, MORNING + timedelta(hours=1), MORNING)
    before = entries(db)
    with pytest.raises(DBAPIError, match="only ever added to"), db.write() as connection:
        connection.execute(text(edit))
    assert entries(db) == before


def test_entries_of_many_writers_at_once_form_one_chain(db: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: noted(db, 4), range(4)))
    assert [e.number for e in entries(db)] == list(range(1, 17))
    assert verified(db).broken == []


def test_no_name_finds_its_way_into_an_entry(db: Database) -> None:
    with db.write() as connection:
        audit.note(
            connection, WHO, Action.USER_ADDED, now=MORNING, subject=("staff", "张伟"),
            customer="x" * 80, reason="打电话给13800001111", role="technician", count=3,
        )  # fmt: skip
    (entry,) = entries(db)
    assert (entry.subject_id, entry.customer_id) == ("?", None)
    assert entry.details == '{"count":3,"reason":"?","role":"technician"}'


@pytest.mark.parametrize(
    "address, kept",
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:12:34::5", "2001:db8:12::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("testclient", ""),
    ],
)
def test_an_address_is_kept_as_its_network(address: str, kept: str) -> None:
    assert audit.shortened(address) == kept


# ── what is done behind the database's back ────────────────────────────────────────────────


@pytest.fixture(scope="module")
def unguarded(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """Twelve entries in a database whose owner took the triggers away."""
    path = tmp_path_factory.mktemp("audit") / "server.sqlite3"
    shutil.copy(sqlite_template, path)
    db = Database(f"sqlite:///{path}", RING, durable=False)
    noted(db, 12)
    with db.write() as connection:
        names = connection.scalars(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%'")
        ).all()
        for name in names:
            connection.execute(text(f"DROP TRIGGER {name}"))
    yield db
    db.close()


NUMBERS = st.integers(1, 12)
EDITED = st.sampled_from(
    ["at", "action", "result", "actor_id", "via", "device_id", "address", "subject_id",
     "customer_id", "details", "previous", "hash", "org_id"]
)  # fmt: skip
TAMPERING = st.one_of(
    st.tuples(st.just("remove"), NUMBERS, NUMBERS),
    st.tuples(st.just("edit"), NUMBERS, EDITED),
    st.tuples(st.just("swap"), NUMBERS, NUMBERS).filter(lambda done: done[1] != done[2]),
    st.tuples(st.just("replay"), NUMBERS, NUMBERS).filter(lambda done: done[1] != done[2]),
    st.tuples(st.just("append"), NUMBERS, NUMBERS),
    st.tuples(st.just("part"), NUMBERS, NUMBERS),
)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(done=TAMPERING)
def test_whatever_is_removed_edited_reordered_or_replayed_in_the_log_is_found(
    unguarded: Database, done: tuple[str, int, Any]
) -> None:
    anchor = verified(unguarded).anchor
    with unguarded.engine.connect() as connection, connection.begin() as undone:
        _tamper(connection, *done)
        found = audit_chain.verify(connection, ORG, anchor)
        undone.rollback()
    assert found.broken, done
    assert verified(unguarded, anchor).broken == []


def _tamper(connection: Connection, how: str, number: int, other: Any) -> None:
    run = connection.exec_driver_sql
    names = [column.name for column in AUDIT_ENTRY.columns if column.name != "number"]
    copied = f"INSERT INTO audit_entry ({', '.join(names)}, number) SELECT {', '.join(names)}, "
    if how == "remove":
        first, last = sorted((number, other))
        run("DELETE FROM audit_entry WHERE number BETWEEN ? AND ?", (first, last))
    elif how == "edit":
        run(f"UPDATE audit_entry SET {other} = 'x' WHERE number = ?", (number,))
    elif how == "swap":
        run("UPDATE audit_entry SET number = -1 WHERE number = ?", (number,))
        run("UPDATE audit_entry SET number = ? WHERE number = ?", (number, other))
        run("UPDATE audit_entry SET number = ? WHERE number = -1", (other,))
    elif how == "replay":
        run("DELETE FROM audit_entry WHERE number = ?", (number,))
        run(f"{copied} ? FROM audit_entry WHERE number = ?", (number, other))
    elif how == "append":
        run(f"{copied} 13 FROM audit_entry WHERE number = ?", (number,))
    else:  # let go of by someone who has no key
        first, last = sorted((number, other))
        run(
            "INSERT INTO audit_part SELECT org_id, 1, number, at, at, hash, at, hash"
            " FROM audit_entry WHERE number = ?",
            (last,),
        )
        run("DELETE FROM audit_entry WHERE number <= ?", (last,))


def test_an_entry_of_a_copy_that_went_on_elsewhere_fits_nowhere(
    sqlite_template: Path, tmp_path: Path
) -> None:
    here = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'a')}", RING)
    noted(here, 2)
    here.close()
    there = Database(f"sqlite:///{shutil.copy(tmp_path / 'a', tmp_path / 'b')}", RING)
    here = Database(f"sqlite:///{tmp_path / 'a'}", RING)
    noted(there, 3)
    noted(here, 2)
    with here.write() as connection:
        connection.execute(insert(AUDIT_ENTRY).values(**entries(there)[4]._asdict()))
    assert verified(here).broken == [audit_chain.Broken(5, "altered")]
    here.close()
    there.close()


def test_the_newest_entries_can_be_looked_at_alone(db: Database) -> None:
    noted(db, 6)
    with db.write() as connection:
        audit_chain.let_go(connection, ORG, MORNING + timedelta(days=2), MORNING)
    with db.read() as connection:
        for newest, looked_at in ((2, 2), (4, 4), (50, 4)):
            found = audit_chain.verify(connection, ORG, None, newest)
            assert (found.entries, found.broken) == (looked_at, [])


def test_entries_cut_off_at_the_end_are_shown_by_an_anchor_alone(unguarded: Database) -> None:
    anchor = verified(unguarded).anchor
    with unguarded.engine.connect() as connection, connection.begin() as undone:
        connection.exec_driver_sql("DELETE FROM audit_entry WHERE number > 9")
        assert audit_chain.verify(connection, ORG).broken == []
        assert audit_chain.verify(connection, ORG, anchor).broken == [audit_chain.Broken(12, "cut")]
        undone.rollback()


def test_old_parts_are_let_go_and_the_rest_still_verifies(db: Database) -> None:
    noted(db, 10)
    before = verified(db)
    with db.write() as connection:
        assert audit_chain.let_go(connection, ORG, MORNING + timedelta(days=4), MORNING) == 4
        assert audit_chain.let_go(connection, ORG, MORNING + timedelta(days=4), MORNING) == 0
    with db.write() as connection:
        assert audit_chain.let_go(connection, ORG, MORNING + timedelta(days=6), MORNING) == 2
    noted(db, 1)
    assert [e.number for e in entries(db)] == [7, 8, 9, 10, 11]
    found = verified(db, before.anchor)
    assert (found.entries, found.let_go, found.broken) == (5, 6, [])
    with db.write() as connection:
        audit_chain.let_go(connection, ORG, MORNING + timedelta(days=99), MORNING)
    assert [e.number for e in entries(db)] == [11]
    assert verified(db, before.anchor).broken == []


# ── what leaves an entry ───────────────────────────────────────────────────────────────────


@pytest.fixture
def company(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    policy = {"device_approval": "administrator"}
    field = Field.on_sqlite(sqlite_template, tmp_path, policy=policy)
    yield field
    field.close()


def acts(company: Field) -> list[tuple[str, str, str | None]]:
    found = entries(company.server.database, COMPANY)
    return [(e.action, e.result, e.actor_id) for e in found]


def test_signing_in_and_failing_to_is_on_record_and_no_name_is(company: Field) -> None:
    phone = company.phone()
    assert code(phone.sign_in("lin", "wrong")) == "sign_in_failed"
    assert code(phone.sign_in("secret typed into the wrong field")) == "sign_in_failed"
    phone.sign_in("lin")
    lin = staff_id("lin")
    assert acts(company) == [
        ("sign_in_refused", "sign_in_failed", None),
        ("sign_in_refused", "sign_in_failed", None),
        ("device_enrolled", "done", lin),
        ("signed_in", "done", lin),
    ]
    first, second, *_ = entries(company.server.database, COMPANY)
    assert (first.subject_id, second.subject_id) == (lin, None)
    assert "secret" not in second.details and PASSWORD not in first.details


def test_a_run_of_refusals_for_too_many_tries_leaves_one_entry(company: Field) -> None:
    limit = company.server.settings.sign_in_tries

    def refused(name: str, times: int) -> None:
        for _ in range(times):
            assert code(company.phone().sign_in(name, "wrong")) == "too_many_tries"

    def failed(name: str) -> None:
        for _ in range(limit):
            assert code(company.phone().sign_in(name, "wrong")) == "sign_in_failed"

    failed("lin")
    failed("nobody")
    before = len(acts(company))
    refused("lin", 3)
    refused("nobody", 3)
    found = entries(company.server.database, COMPANY)[before:]
    assert [(e.action, e.result, e.subject_id) for e in found] == [
        ("sign_in_refused", "too_many_tries", staff_id("lin")),
        ("sign_in_refused", "too_many_tries", None),
    ]
    company.clock.pass_by(minutes=16)
    failed("lin")
    refused("lin", 2)
    assert [e.result for e in entries(company.server.database, COMPANY)].count(
        "too_many_tries"
    ) == 3, "another run, another entry"


def test_nobody_is_let_in_or_out_where_that_cannot_be_put_on_record(company: Field) -> None:
    db, now, lin = company.server.database, company.clock.now(), staff_id("lin")
    who = audit.command_line(COMPANY)

    def let_in() -> None:
        users.reactivate(db, who, lin, now)

    def let_out() -> None:
        users.deactivate(db, who, lin, "ended", now)

    for other, act in ((let_out, let_in), (let_in, let_out)):
        other()
        with db.read() as connection:
            before = by_staff(connection, COMPANY, lin)
        with db.write() as connection:
            connection.execute(
                text("CREATE TRIGGER full BEFORE INSERT ON audit_entry"
                     " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
            )  # fmt: skip
        with pytest.raises(DBAPIError):
            act()
        with db.write() as connection:
            connection.execute(text("DROP TRIGGER full"))
            assert by_staff(connection, COMPANY, lin) == before


def test_what_an_administrator_does_is_on_record_with_who_and_to_whom(company: Field) -> None:
    waiting = company.phone()
    waiting.sign_in("lin")
    admin = company.phone()
    admin.sign_in("gao")
    with company.server.database.write() as connection:
        connection.execute(text("UPDATE device SET state = 'approved' WHERE staff_id = :who"),
                           {"who": staff_id("gao")})  # fmt: skip
    admin.sign_in("gao")
    seen = len(acts(company))
    for path, body in (
        (f"/v1/admin/devices/{waiting.device_id}/approve", None),
        (f"/v1/admin/devices/{waiting.device_id}/block", None),
        (f"/v1/admin/users/{staff_id('lin')}/deactivate", {"because": "security"}),
        (f"/v1/admin/users/{staff_id('lin')}/reactivate", None),
        ("/v1/auth/sign-out", None),
    ):
        assert admin.send("POST", path, body).status_code < 300, path
    new = entries(company.server.database, COMPANY)[seen:]
    assert [(e.action, e.subject_id) for e in new] == [
        ("device_approved", waiting.device_id),
        ("device_blocked", waiting.device_id),
        ("user_deactivated", staff_id("lin")),
        ("user_reactivated", staff_id("lin")),
        ("signed_out", None),
    ]
    assert {(e.actor_id, e.device_id, e.via) for e in new} == {
        (staff_id("gao"), admin.device_id, "api")
    }
    assert '"because":"security"' in new[2].details
