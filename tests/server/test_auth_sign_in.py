"""Signing in, staying signed in, and everything that ends it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sync_server.app import create_app
from sync_server.db.base import Database
from sync_server.services import accounts
from tests.server.phones import (
    ADDRESS,
    ORG,
    PASSWORD,
    AppClient,
    Field,
    Phone,
    code,
    server_on,
    staff_id,
)


@pytest.fixture
def company(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path)
    yield field
    field.close()


def test_a_session_lives_on_either_database(db: Database, tmp_path: Path) -> None:
    company = Field.on(db, tmp_path)
    phone = company.phone("lin")
    first = phone.refresh_token
    headers = {
        "Authorization": f"DPoP {phone.access_token}",
        "DPoP": phone.proof("GET", ADDRESS + "/v1/auth/who", phone.access_token),
    }
    assert company.client.get("/v1/auth/who", headers=headers).status_code == 200
    assert code(company.client.get("/v1/auth/who", headers=headers)) == "proof_invalid"
    assert phone.refresh().status_code == 200
    assert phone.refresh(first).status_code == 200
    assert phone.refresh().status_code == 200
    assert code(phone.refresh(first)) == "token_invalid"
    assert code(phone.refresh()) == "token_invalid"


def test_a_signed_in_phone_is_known_by_its_person_role_and_device(company: Field) -> None:
    phone = company.phone()
    told = phone.sign_in("lin").json()
    assert told["device_state"] == "approved"
    assert told["staff"]["role"] == "account_manager"
    assert told["staff"]["organisation"] == "回访商贸"
    assert told["expires_in"] == 900
    assert told["server_time"] == "2026-11-21T08:00:00.000Z"
    assert set(told["keys"]) == {"lease", "seal"}
    answer = phone.who()
    assert answer.status_code == 200
    assert answer.json()["staff"]["id"] == staff_id("lin")
    assert answer.json()["device_id"] == told["device_id"]


def test_a_user_name_is_known_in_any_case_and_width(company: Field) -> None:
    assert company.phone().sign_in(" ＬＩＮ ").status_code == 200


def test_a_wrong_password_and_an_unknown_name_are_told_alike(company: Field) -> None:
    wrong = company.phone().sign_in("lin", "wrong password")
    nobody = company.phone().sign_in("nobody", "wrong password")
    assert wrong.status_code == nobody.status_code == 401
    assert code(wrong) == code(nobody) == "sign_in_failed"
    assert wrong.json() == nobody.json()


def test_ten_wrong_passwords_close_the_door_for_a_quarter_of_an_hour(
    db: Database, tmp_path: Path
) -> None:
    company = Field.on(db, tmp_path)
    for _ in range(10):
        assert code(company.phone().sign_in("lin", "wrong password")) == "sign_in_failed"
    refused = company.phone().sign_in("lin")
    assert refused.status_code == 429
    assert code(refused) == "too_many_tries"
    assert refused.headers["Retry-After"]
    assert company.phone().sign_in("wu").status_code == 200
    company.clock.pass_by(minutes=16)
    assert company.phone().sign_in("lin").status_code == 200


def test_a_right_password_gives_the_tries_back(company: Field) -> None:
    for _ in range(3):
        for _ in range(9):
            company.phone().sign_in("lin", "wrong password")
        assert company.phone().sign_in("lin").status_code == 200


def test_one_address_can_not_try_everyone(sqlite_template: Path, tmp_path: Path) -> None:
    company = Field.on_sqlite(sqlite_template, tmp_path, sign_in_tries_per_address=5)
    for number in range(5):
        assert code(company.phone().sign_in(f"user{number}")) == "sign_in_failed"
    assert code(company.phone().sign_in("lin")) == "too_many_tries"


def test_a_crowd_behind_one_address_signs_in(sqlite_template: Path, tmp_path: Path) -> None:
    company = Field.on_sqlite(sqlite_template, tmp_path, sign_in_tries_per_address=3)
    for _ in range(5):
        assert company.phone().sign_in("lin").status_code == 200


def test_sign_in_needs_the_proof_of_the_key_that_it_names(company: Field) -> None:
    thief = company.phone()
    answer = thief.sign_in("lin", device_key=company.phone().device_key)
    assert code(answer) == "proof_invalid"
    bare = company.client.post("/v1/auth/sign-in", json={"username": "lin"})
    assert bare.status_code == 400


def test_a_request_without_a_token_is_told_to_sign_in(company: Field) -> None:
    answer = company.phone().who()
    assert answer.status_code == 401
    assert code(answer) == "sign_in_required"
    assert answer.headers["WWW-Authenticate"].startswith("DPoP ")


@pytest.mark.parametrize("host", ["{}/healthz?", "{}/healthz#", "[::1", "{}:x", ""])
def test_no_proof_is_bent_to_another_request_by_what_stands_in_host(
    company: Field, host: str
) -> None:
    phone = company.phone("lin")
    sent = {
        "Host": host.format(ADDRESS.partition("//")[2]),
        "Authorization": f"DPoP {phone.access_token}",
        "DPoP": phone.proof("GET", f"{ADDRESS}/healthz", phone.access_token),
    }
    answer = company.client.get("/v1/auth/who", headers=sent)
    assert (answer.status_code, code(answer)) == (401, "proof_invalid")


def test_a_token_is_worthless_on_another_device(company: Field) -> None:
    thief = company.phone()
    thief.access_token = company.phone("lin").access_token
    assert code(thief.who()) == "proof_invalid"


def test_an_overheard_request_can_not_be_sent_again(company: Field) -> None:
    phone = company.phone("lin")
    headers = {
        "Authorization": f"DPoP {phone.access_token}",
        "DPoP": phone.proof("GET", ADDRESS + "/v1/auth/who", phone.access_token),
    }
    assert company.client.get("/v1/auth/who", headers=headers).status_code == 200
    again = company.client.get("/v1/auth/who", headers=headers)
    assert code(again) == "proof_invalid"
    assert again.json()["details"]["reason"] == "used"


def test_a_phone_with_a_wrong_clock_is_told_the_time_and_can_go_on(company: Field) -> None:
    phone = company.phone("lin")
    company.clock.pass_by(hours=1)
    phone.refresh()
    phone.skew = timedelta(hours=-1)
    refused = phone.who()
    assert refused.json()["details"]["server_time"] == "2026-11-21T09:00:00.000Z"
    phone.skew = timedelta(0)
    assert phone.who().status_code == 200


def test_an_access_token_ends_and_a_refresh_brings_the_next(company: Field) -> None:
    phone = company.phone("lin")
    company.clock.pass_by(minutes=15)
    assert code(phone.who()) == "token_expired"
    assert phone.refresh().status_code == 200
    assert phone.who().status_code == 200


def test_a_refresh_whose_answer_was_lost_may_be_sent_again(company: Field) -> None:
    phone = company.phone("lin")
    sent = phone.refresh_token
    lost = phone.refresh().json()["refresh_token"]
    assert phone.refresh(sent).status_code == 200
    assert phone.refresh().status_code == 200
    assert code(phone.refresh(lost)) == "token_invalid"


def test_an_old_refresh_token_ends_the_whole_family(company: Field) -> None:
    phone = company.phone("lin")
    first = phone.refresh_token
    phone.refresh()
    phone.refresh()
    newest = phone.refresh_token
    assert code(phone.refresh(first)) == "token_invalid"
    assert code(phone.refresh(newest)) == "token_invalid"
    assert phone.sign_in("lin").status_code == 200
    assert phone.refresh().status_code == 200


def test_a_device_that_goes_on_in_two_places_is_shut_out_and_alarmed(company: Field) -> None:
    phone = company.phone("lin")
    copy = replace(phone)  # key, tokens and all
    company.clock.pass_by(minutes=14)
    assert copy.refresh().status_code == 200
    assert phone.refresh().status_code == 200  # as if the answer before had been lost
    assert code(copy.refresh()) == "token_invalid"
    assert code(phone.refresh()) == "token_invalid"
    with company.server.database.read() as connection:
        raised = connection.exec_driver_sql("SELECT kind, device_id, staff_id FROM alarm").all()
    assert [tuple(row) for row in raised][0] == ("device_copied", phone.device_id, staff_id("lin"))
    assert phone.sign_in("lin").status_code == 200  # the password, which no copy holds


def test_a_refresh_token_is_worthless_on_another_device(company: Field) -> None:
    phone, thief = company.phone("lin"), company.phone()
    assert code(thief.refresh(phone.refresh_token)) == "proof_invalid"
    assert phone.refresh().status_code == 200


def test_an_unused_refresh_token_ends_after_ninety_days(company: Field) -> None:
    phone = company.phone("lin")
    company.clock.pass_by(days=89)
    assert phone.refresh().status_code == 200
    company.clock.pass_by(days=90)
    assert code(phone.refresh()) == "token_invalid"


def test_signing_out_ends_the_session(company: Field) -> None:
    phone = company.phone("lin")
    assert phone.send("POST", "/v1/auth/sign-out").status_code == 204
    assert code(phone.refresh()) == "token_invalid"


def test_a_deactivated_user_is_barred_at_once_and_can_not_sign_in(company: Field) -> None:
    phone = company.phone("lin")
    with company.server.database.write() as connection:
        accounts.set_active(connection, ORG, staff_id("lin"), False)
    assert code(phone.who()) == "user_inactive"
    assert code(company.phone().sign_in("lin")) == "user_inactive"
    assert code(company.phone().sign_in("lin", "wrong password")) == "sign_in_failed"


def test_a_deactivated_user_still_gets_tokens_to_hand_in_their_work(company: Field) -> None:
    phone = company.phone("lin")
    with company.server.database.write() as connection:
        accounts.set_active(connection, ORG, staff_id("lin"), False)
    assert phone.refresh().status_code == 200
    assert code(phone.who()) == "user_inactive"


def test_a_password_hash_of_an_older_cost_is_made_anew_at_sign_in(
    company: Field, tmp_path: Path
) -> None:
    db = company.server.database
    dearer = server_on(db, tmp_path, company.clock, password_iterations=2)
    with db.read() as connection:
        before = accounts.known(connection, "lin").password
    phone = Phone(AppClient(create_app(dearer)), company.clock)
    assert phone.sign_in("lin").status_code == 200
    with db.read() as connection:
        after = accounts.known(connection, "lin").password
    assert ",t=1," in before and ",t=2," in after
    assert company.phone().sign_in("lin").status_code == 200


def test_nothing_secret_is_told_or_kept(company: Field) -> None:
    phone = company.phone("lin")
    with company.server.database.read() as connection:
        for table in ("account", "device", "refresh_token", "sign_in_try"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").fetchall()
            text = json.dumps([list(map(str, row)) for row in rows])
            assert PASSWORD not in text
            assert str(phone.refresh_token) not in text
            assert str(phone.access_token) not in text
