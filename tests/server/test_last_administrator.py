"""Nobody can lock the last administrator out, and there is a way back at the server itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection

from shared.declare import Role
from shared.errors import Code, Refusal
from sync_server.db.base import Database
from sync_server.services import accounts, audit, devices, users
from sync_server.services.last_administrator import keep_one_besides
from sync_server.services.writing import Unit, write
from tests.server.phones import ORG, Field, code, staff_id
from tests.server.test_second_factor import next_code, set_up


@pytest.fixture
def company(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path)
    yield field
    field.close()


def second_administrator(company: Field, name: str = "wu") -> None:
    def work(unit: Unit) -> None:
        unit.update("staff", staff_id(name), {"role": "administrator"})

    write(company.server.database, ORG, company.clock.now(), work)


def test_the_last_administrator_is_not_deactivated_on_either_database(
    db: Database, tmp_path: Path
) -> None:
    company = Field.on(db, tmp_path)
    gao = company.phone("gao")
    path = f"/v1/admin/users/{staff_id('gao')}/deactivate"
    assert code(gao.send("POST", path, {})) == "last_administrator"
    assert gao.who().status_code == 200
    second_administrator(company)
    assert gao.send("POST", path, {}).status_code == 200
    assert code(gao.who()) == "user_inactive"


def waits(connection: Connection) -> bool:
    """Whether somebody waits for a lock."""
    found = connection.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return bool(found.scalar_one())


def at_once(
    db: Database, first: Callable[[Connection], object], second: Callable[[], object]
) -> None:
    """`second` begins while the transaction of `first` is on its way, and waits for its end."""
    begun = Event()

    def the_other() -> None:
        begun.set()
        second()

    with ThreadPoolExecutor(1) as thread:
        with db.write() as connection:
            first(connection)
            other = thread.submit(the_other)
            assert begun.wait(60)
            # There one can see that the other waits; SQLite has one writer at a time anyway.
            while db.is_postgres and not (waits(connection) or other.done()):
                pass
        other.result()


def test_of_two_administrators_who_deactivate_each_other_at_once_one_is_left(
    db: Database, tmp_path: Path
) -> None:
    company = Field.on(db, tmp_path)
    second_administrator(company)

    def deactivate_wu() -> None:
        with db.write() as connection:
            accounts.set_active(connection, ORG, staff_id("wu"), False)

    with pytest.raises(Refusal) as refused:
        at_once(
            db, lambda one: accounts.set_active(one, ORG, staff_id("gao"), False), deactivate_wu
        )
    assert refused.value.code is Code.LAST_ADMINISTRATOR


def test_of_two_administrators_who_take_each_others_role_at_once_one_is_left(
    db: Database, tmp_path: Path
) -> None:
    company = Field.on(db, tmp_path)
    second_administrator(company)
    now, who = company.clock.now(), audit.command_line(ORG)

    def demote_gao(connection: Connection) -> None:
        """`users.change_role`, as far as its commit."""
        unit = Unit(db, connection, ORG, now, locked=False)
        keep_one_besides(connection, ORG, staff_id("gao"))
        unit.update("staff", staff_id("gao"), {"role": "technician"})
        unit.flush()

    def demote_wu() -> None:
        users.change_role(db, who, staff_id("wu"), Role.TECHNICIAN, now)

    with pytest.raises(Refusal) as refused:
        at_once(db, demote_gao, demote_wu)
    assert refused.value.code is Code.LAST_ADMINISTRATOR


def test_an_administrator_who_is_inactive_does_not_count(company: Field) -> None:
    second_administrator(company)
    with company.server.database.write() as connection:
        accounts.set_active(connection, ORG, staff_id("wu"), False)
    with company.server.database.write() as connection, pytest.raises(Refusal) as refused:
        accounts.set_active(connection, ORG, staff_id("gao"), False)
    assert refused.value.code is Code.LAST_ADMINISTRATOR


def test_the_only_device_of_the_only_administrator_is_not_blocked(company: Field) -> None:
    gao = company.phone("gao")
    path = f"/v1/admin/devices/{gao.device_id}/block"
    assert code(gao.send("POST", path)) == "last_administrator"
    other = company.phone("gao")
    assert other.send("POST", path).status_code == 204
    path = f"/v1/admin/devices/{other.device_id}/block"
    assert code(other.send("POST", path)) == "last_administrator"
    second_administrator(company)
    assert other.send("POST", path).status_code == 204


def test_anyone_elses_only_device_is_blocked_as_ever(company: Field) -> None:
    lin = company.phone("lin")
    path = f"/v1/admin/devices/{lin.device_id}/block"
    assert company.phone("gao").send("POST", path).status_code == 204
    assert code(lin.who()) == "device_blocked"


def test_a_policy_that_insists_on_a_second_factor_lets_the_last_administrator_in(
    sqlite_template: Path, tmp_path: Path
) -> None:
    company = Field.on_sqlite(sqlite_template, tmp_path, policy={"totp_strict": True})
    gao = company.phone("gao")  # nobody has one: the policy turns nobody away who could change it
    second_administrator(company)
    assert company.phone().sign_in("wu").json()["second_factor_due"] is True
    secret, _ = set_up(gao)
    assert code(company.phone().sign_in("wu")) == "second_factor_unset"
    shown = next_code(company, secret)
    assert company.phone().sign_in("gao", second_factor=shown).status_code == 200
    ending = {"password": "correct horse", "code": next_code(company, secret)}
    assert code(gao.send("POST", "/v1/auth/second-factor/end", ending)) == "role_not_allowed"
    company.close()


def test_what_asks_for_it_may_be_forced_at_the_server(company: Field) -> None:
    gao = company.phone("gao")
    with company.server.database.write() as connection:
        device = devices.find(connection, ORG, gao.device_id)
        now = company.clock.now()
        devices.decide(connection, device, devices.BLOCKED, now=now, even_last=True)
        accounts.set_active(connection, ORG, staff_id("gao"), False, even_last=True)
    assert code(gao.who()) == "device_blocked"
