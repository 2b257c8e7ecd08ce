"""Ways in that the server's own command line has."""

from __future__ import annotations

import re

import pytest

from sync_server.app import create_app
from sync_server.bootstrap import Server
from sync_server.cli import letting_in
from sync_server.services import accounts
from sync_server.services.second_factors import Begun
from sync_server.services.writing import Unit
from tests.server.phones import ORG, PASSWORD, AppClient, HandClock, Phone, code, staff_id
from tests.server.test_cli_commands import home, logging_as_before, refused, run, server
from tests.server.test_second_factor import authenticator

pytestmark = pytest.mark.thorough

__all__ = ["home", "logging_as_before", "server"]


def phone_of(server: Server) -> Phone:
    return Phone(AppClient(create_app(server)), HandClock(server.clock.now()))


def with_second_factor(server: Server, name: str) -> None:
    now = server.clock.now()
    with server.database.write() as connection:
        account = accounts.known(connection, name)
        begun: Begun = server.sessions.factors.begin(connection, account, now)
        shown = authenticator(begun.secret, now)
        server.sessions.factors.confirm(connection, account, shown, now)


def test_a_code_for_a_device_is_shown_as_blocks_text_and_link(server: Server) -> None:
    output = run("device", "code", "lin", "--url", "https://crm.example/").output
    one = re.search(r"Code for lin: ([0-9A-Z-]{19})", output)
    assert one, output
    assert f"https://crm.example/#/enrol/{one[1]}" in output
    assert "▀" in output and "▄" in output
    answer = phone_of(server).sign_in("lin", enrolment_code=one[1])
    assert answer.status_code == 200


def test_a_second_factor_is_taken_off_at_the_server(server: Server) -> None:
    with_second_factor(server, "lin")
    assert code(phone_of(server).sign_in("lin")) == "second_factor_wanted"
    assert run("user", "totp-reset", "lin").exit_code == 0
    assert phone_of(server).sign_in("lin").status_code == 200


def test_the_last_administrator_is_deactivated_by_force_and_rescued(server: Server) -> None:
    with_second_factor(server, "gao")
    assert refused("user", "deactivate", "gao") == "last_administrator"
    assert run("user", "deactivate", "gao", "--force").exit_code == 0
    secret = "another password"
    for _ in range(2):  # safe to repeat
        result = run("user", "rescue", "gao", keys=f"{secret}\n{secret}\n")
        assert result.exit_code == 0, result.output
        assert secret not in result.output
    told = phone_of(server).sign_in("gao", secret).json()
    assert told["staff"]["role"] == "administrator"


def test_whoever_is_rescued_administers_whatever_they_were_before(server: Server) -> None:
    secret = "another password"
    run("user", "rescue", "wu", keys=f"{secret}\n{secret}\n")
    phone = phone_of(server)
    assert phone.sign_in("wu", secret).status_code == 200
    assert phone.send("GET", "/v1/admin/devices").status_code == 200
    with server.database.read() as connection:
        mine = connection.exec_driver_sql(
            "SELECT bucket FROM grant_row WHERE org_id = ? AND staff_id = ?",
            (ORG, staff_id("wu")),
        ).scalars()
        assert f"user:{staff_id('wu')}" in set(mine)


def test_a_rescue_that_is_cut_short_has_changed_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(unit: Unit, staff_id: str) -> None:
        raise OSError(f"the power went at {unit.now} for {staff_id}")

    with server.database.read() as connection:
        before = accounts.known(connection, "gao")
    monkeypatch.setattr(letting_in, "make_administrator", cut)
    run("user", "rescue", "gao", keys="another password\nanother password\n")
    with server.database.read() as connection:
        assert accounts.known(connection, "gao") == before
    assert phone_of(server).sign_in("gao").status_code == 200


def test_a_rescue_ends_what_was_open_at_the_console(server: Server) -> None:
    cookie = server.console.sign_in("gao", PASSWORD, "10.0.0.1")
    assert server.console.find(cookie, "10.0.0.1") is not None
    run("user", "rescue", "gao", keys="another password\nanother password\n")
    assert server.console.find(cookie, "10.0.0.1") is None


def test_the_only_device_of_the_only_administrator_is_blocked_by_force(server: Server) -> None:
    phone_of(server).sign_in("gao")
    assert refused("device", "block", "gao") == "last_administrator"
    assert run("device", "block", "gao", "--force").exit_code == 0
