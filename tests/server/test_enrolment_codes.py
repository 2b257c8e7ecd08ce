"""A device is let in at once by a code that an administrator shows, and waits with a ticket
otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.services import accounts, devices
from tests.server.phones import ORG, PASSWORD, Field, Phone, code, staff_id
from tests.server.test_second_factor import next_code, set_up

POLICY = {"device_approval": "administrator"}


@pytest.fixture
def company(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path, policy=POLICY)
    yield field
    field.close()


def approved(company: Field, name: str) -> Phone:
    """A phone that was approved by hand at the server."""
    phone = company.phone(name)
    with company.server.database.write() as connection:
        device = devices.find(connection, ORG, phone.device_id)
        devices.decide(connection, device, devices.APPROVED, now=company.clock.now())
    assert phone.sign_in(name).status_code == 200
    return phone


def shown(administrator: Phone, name: str) -> dict[str, str]:
    answer = administrator.send("POST", f"/v1/admin/users/{staff_id(name)}/enrolment-code")
    assert answer.status_code == 200, answer.text
    told: dict[str, str] = answer.json()
    return told


def test_a_code_lets_one_device_in_on_either_database(db: Database, tmp_path: Path) -> None:
    company = Field.on(db, tmp_path, policy=POLICY)
    one = shown(approved(company, "gao"), "lin")["code"]
    first, second = company.phone(), company.phone()
    assert first.sign_in("lin", enrolment_code=one).json()["device_state"] == "approved"
    assert first.who().status_code == 200
    assert code(second.sign_in("lin", enrolment_code=one)) == "enrolment_code_invalid"
    assert second.sign_in("lin").json()["device_state"] == "pending"


def test_the_code_stands_in_the_links_fragment_which_no_browser_sends(company: Field) -> None:
    told = shown(approved(company, "gao"), "lin")
    link = urlsplit(told["link"])
    assert told["code"] in link.fragment
    assert told["code"] not in link.path + link.query
    assert told["qr"].startswith("<svg")


def test_a_device_that_waits_is_let_in_by_a_code_that_comes_later(company: Field) -> None:
    phone = company.phone()
    ticket = phone.sign_in("lin").json()["ticket"]
    one = shown(approved(company, "gao"), "lin")["code"].lower().replace("-", "")
    answer = phone.sign_in("", "", ticket=ticket, enrolment_code=one)
    assert answer.json()["device_state"] == "approved"
    assert answer.json()["ticket"] is None


def test_who_showed_the_code_has_approved_the_device(company: Field) -> None:
    one = shown(approved(company, "gao"), "lin")["code"]
    phone = company.phone()
    phone.sign_in("lin", enrolment_code=one)
    with company.server.database.read() as connection:
        row = connection.exec_driver_sql(
            "SELECT decided_by FROM device WHERE id = ?", (phone.device_id,)
        ).one()
        used = connection.exec_driver_sql("SELECT device_id, hash FROM enrolment_code").one()
    assert row.decided_by == staff_id("gao")
    assert used.device_id == phone.device_id
    assert used.hash != one


def test_a_code_is_for_one_person_and_stays_good_after_a_strangers_try(company: Field) -> None:
    one = shown(approved(company, "gao"), "lin")["code"]
    assert code(company.phone().sign_in("wu", enrolment_code=one)) == "enrolment_code_invalid"
    assert company.phone().sign_in("lin", enrolment_code=one).status_code == 200


def test_a_code_ends_after_a_quarter_of_an_hour(company: Field) -> None:
    one = shown(approved(company, "gao"), "lin")["code"]
    company.clock.pass_by(minutes=15)
    assert code(company.phone().sign_in("lin", enrolment_code=one)) == "enrolment_code_invalid"


def test_the_code_shown_last_is_the_one_that_counts(company: Field) -> None:
    gao = approved(company, "gao")
    first, second = shown(gao, "lin")["code"], shown(gao, "lin")["code"]
    assert code(company.phone().sign_in("lin", enrolment_code=first)) == "enrolment_code_invalid"
    assert company.phone().sign_in("lin", enrolment_code=second).status_code == 200


def test_a_code_stands_for_the_approval_and_not_for_the_password(company: Field) -> None:
    one = shown(approved(company, "gao"), "lin")["code"]
    guessed = company.phone().sign_in("lin", "a guess", enrolment_code=one)
    assert code(guessed) == "sign_in_failed"
    assert company.phone().sign_in("lin", enrolment_code=one).status_code == 200


def test_a_blocked_device_is_not_let_in_by_a_code(company: Field) -> None:
    phone = approved(company, "lin")
    with company.server.database.write() as connection:
        device = devices.find(connection, ORG, phone.device_id)
        devices.decide(connection, device, devices.BLOCKED, now=company.clock.now())
    one = shown(approved(company, "gao"), "lin")["code"]
    assert code(phone.sign_in("lin", enrolment_code=one)) == "device_blocked"
    assert company.phone().sign_in("lin", enrolment_code=one).status_code == 200


def test_only_an_administrator_shows_codes(company: Field) -> None:
    path = f"/v1/admin/users/{staff_id('lin')}/enrolment-code"
    assert code(approved(company, "chen").send("POST", path)) == "role_not_allowed"
    nobody = f"/v1/admin/users/{new_id()}/enrolment-code"
    assert code(approved(company, "gao").send("POST", nobody)) == "record_missing"


def test_a_device_that_waits_needs_neither_password_nor_code_again(company: Field) -> None:
    gao = approved(company, "gao")
    secret, _ = set_up(approved(company, "lin"))
    phone = company.phone()
    told = phone.sign_in("lin", second_factor=next_code(company, secret)).json()
    assert told["device_state"] == "pending"
    company.clock.pass_by(hours=3)
    again = phone.sign_in("", "", ticket=told["ticket"])
    assert again.json()["device_state"] == "pending"
    gao.refresh()
    gao.send("POST", f"/v1/admin/devices/{told['device_id']}/approve")
    assert phone.sign_in("", "", ticket=again.json()["ticket"]).json()["access_token"]


def test_a_ticket_is_worthless_on_another_device_and_after_a_day(company: Field) -> None:
    phone = company.phone()
    ticket = phone.sign_in("lin").json()["ticket"]
    assert code(company.phone().sign_in("", "", ticket=ticket)) == "token_invalid"
    forged = ticket[:-4] + ("AAAA" if ticket[-4:] != "AAAA" else "BBBB")
    assert code(phone.sign_in("", "", ticket=forged)) == "token_invalid"
    company.clock.pass_by(hours=24)
    assert code(phone.sign_in("", "", ticket=ticket)) == "token_invalid"


def test_a_ticket_opens_nothing_but_the_sign_in(company: Field) -> None:
    phone = company.phone()
    ticket = phone.sign_in("lin").json()["ticket"]
    phone.access_token = ticket
    assert code(phone.who()) == "token_invalid"
    token = approved(company, "wu").access_token
    assert code(phone.sign_in("", "", ticket=token)) == "token_invalid"


def test_a_new_password_ends_the_tickets_of_the_old_one(company: Field) -> None:
    phone = company.phone()
    ticket = phone.sign_in("lin").json()["ticket"]
    company.clock.pass_by(minutes=1)
    with company.server.database.write() as connection:
        account = accounts.known(connection, "lin")
        fresh = company.server.hashes.make(PASSWORD + "!")
        accounts.set_password(connection, account, fresh, company.clock.now())
    assert code(phone.sign_in("", "", ticket=ticket)) == "token_invalid"


def test_someone_who_set_up_a_second_factor_meanwhile_is_asked_for_it(company: Field) -> None:
    waiting = company.phone()
    ticket = waiting.sign_in("lin").json()["ticket"]
    secret, _ = set_up(approved(company, "lin"))
    assert code(waiting.sign_in("", "", ticket=ticket)) == "second_factor_wanted"
    shown_now = next_code(company, secret)
    answer = waiting.sign_in("", "", ticket=ticket, second_factor=shown_now)
    assert answer.json()["device_state"] == "pending"
