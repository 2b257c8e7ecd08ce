"""After the day: what lies on the phone. No customer can be read in it without the PIN."""

from __future__ import annotations

import apsw
import pytest

from mobile.store.vault import faults
from shared.errors import Code, Refusal
from tests.e2e.day import AGENT, MANAGER, TECHNICIAN, Day
from tests.e2e.people import PIN
from tests.e2e.scope import customers_of, marks_of
from tests.e2e.vault_files import every_file, natively, unwrapped


def secrets_of(day: Day, username: str) -> set[str]:
    """By what this person's customers are known, and what was written down about them. Ids are
    left out: an address that the browser remembers may hold one."""
    assert day.visited and day.repaired and day.called
    entered = {
        MANAGER: day.visited.texts,
        TECHNICIAN: day.repaired.texts,
        AGENT: day.called.texts,
    }[username]
    customers = customers_of(day.evidence, username)
    return {*marks_of(day.evidence, customers), *entered} - customers


_TELLING = 6
"""Bytes. Four of them stand somewhere in some megabytes of random ones every few dozen runs."""


def plain_in(content: bytes, texts: set[str]) -> set[str]:
    """Those of `texts` that can be read in these bytes, in any of the ways that programs write."""
    return {
        text
        for text in texts
        for written in (text.encode(), text.encode("utf-16-le"))
        if len(written) >= _TELLING and written in content
    }


@pytest.mark.parametrize("username", [MANAGER, TECHNICIAN, AGENT])
def test_the_app_s_own_files_hold_no_customer_in_plain_text(day: Day, username: str) -> None:
    files = every_file(day.people[username].tab.page)
    vault = day.evidence.staff_id(username)
    assert {f"vaults/{vault}{part}" for part in (".db", ".db-wal", ".log-a")} <= set(files)
    assert sum(map(len, files.values())) > 500_000
    secrets = secrets_of(day, username)
    assert len(secrets) > 20
    for path, content in files.items():
        assert plain_in(content, secrets) == set(), path
        assert b"SQLite format 3" not in content and b"CREATE TABLE" not in content, path


def test_nothing_else_of_the_browser_s_profile_holds_one_either(day: Day) -> None:
    assert day.visited
    customers = customers_of(day.evidence, MANAGER)
    names = {day.evidence.row("customer", customer_id)["name"] for customer_id in customers}
    looked_at = 0
    for path in (day.profiles / MANAGER).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            looked_at += len(content)
            assert plain_in(content, names | set(day.visited.texts)) == set(), path.name
    assert looked_at > 10_000_000, "the profile with the app in its cache"


def test_the_file_opens_natively_with_its_key_and_holds_what_was_entered(day: Day) -> None:
    assert day.visited
    person, vault = day.people[MANAGER], day.evidence.staff_id(MANAGER)
    key, extractable = unwrapped(person.tab.page, vault, PIN)
    assert not extractable, "the device's key could be carried to another device"
    files = every_file(person.tab.page)

    def look(connection: apsw.Connection) -> tuple[list[str], dict[str, str], int]:
        visits = dict(connection.execute("SELECT id, body FROM server_row WHERE entity = 'visit'"))
        customers = connection.execute(
            "SELECT count(*) FROM server_row WHERE entity = 'customer'"
        ).get
        return faults(connection), visits, customers

    broken, visits, customers = natively(files, vault, key, look)
    assert broken == []
    assert customers == len(customers_of(day.evidence, MANAGER))
    for text in day.visited.texts:
        assert text in visits[day.visited.visit_id]


def test_a_wrong_key_or_pin_opens_nothing_and_says_so(day: Day) -> None:
    person, vault = day.people[MANAGER], day.evidence.staff_id(MANAGER)
    files = every_file(person.tab.page)
    with pytest.raises(Refusal) as caught:
        natively(files, vault, bytes(32), faults)
    assert caught.value.code is Code.VAULT_WRONG_KEY
    with pytest.raises(Exception, match="OperationError"):
        unwrapped(person.tab.page, vault, "135791")
