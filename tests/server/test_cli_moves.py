"""`huifang holders` and `huifang user transfer`: what the terminal says of moves."""

from __future__ import annotations

import pytest

from shared.ids import new_id
from sync_server.bootstrap import Server
from sync_server.services import scopes
from sync_server.services.writing import Unit, write
from tests.server.phones import ORG, staff_id
from tests.server.test_cli_commands import home, logging_as_before, refused, run, server

pytestmark = pytest.mark.thorough

__all__ = ["home", "logging_as_before", "server"]

CUSTOMER = "01a20000-0000-7000-8000-000000000001"


def give(server: Server) -> None:
    def work(unit: Unit) -> None:
        unit.create("customer", {"id": CUSTOMER, "name": "绝密客户"})
        unit.create("store", {"id": new_id(), "name": "南店"})
        scopes.assign_customer(unit, CUSTOMER, staff_id("lin"))

    write(server.database, ORG, server.clock.now(), work)


def test_the_holders_of_a_customer_are_listed_without_the_customers_name(
    server: Server,
) -> None:
    give(server)
    output = run("holders", CUSTOMER).output
    assert "assignment" in output and "It lies on no device." in output
    assert "绝密客户" not in output
    assert "Nobody holds it." in run("holders", CUSTOMER, "--at", "2020-01-01").output


def test_someone_changes_stores_and_the_terminal_says_what_waits(
    server: Server,
) -> None:
    give(server)
    output = run("user", "transfer", "lin", "南店").output
    assert "lin belongs to 南店." in output and "Customers that wait for a new holder: 1." in output


def test_a_store_that_is_not_there_is_refused(server: Server) -> None:
    give(server)
    assert refused("user", "transfer", "lin", "北店") == "record_missing"
