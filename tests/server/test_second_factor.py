"""The second factor: set up by its owner, asked at sign-in, each code taken once (RFC 6238)."""

from __future__ import annotations

from base64 import b32decode, b32encode, b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from PIL import Image

from sync_server.db.base import Database
from sync_server.services.second_factors import DIGITS, STEP_SECONDS
from tests.server.phones import ORG, PASSWORD, Field, Phone, code, staff_id


@pytest.fixture
def company(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path)
    yield field
    field.close()


def authenticator(secret: str, at: datetime) -> str:
    """What an authenticator app shows at that moment."""
    totp = TOTP(b32decode(secret), DIGITS, SHA1(), STEP_SECONDS)
    return totp.generate(at.timestamp()).decode()


def set_up(phone: Phone) -> tuple[str, list[str]]:
    """The secret that the authenticator has learnt, and the recovery codes."""
    begun = phone.send("POST", "/v1/auth/second-factor/begin", {"password": PASSWORD})
    assert begun.status_code == 200, begun.text
    secret = begun.json()["secret"]
    shown = {"code": authenticator(secret, phone.clock.now())}
    confirmed = phone.send("POST", "/v1/auth/second-factor/confirm", shown)
    assert confirmed.status_code == 200, confirmed.text
    return secret, confirmed.json()["recovery_codes"]


def next_code(company: Field, secret: str) -> str:
    """Of the next step: the one of this step may have been used."""
    company.clock.pass_by(seconds=STEP_SECONDS)
    return authenticator(secret, company.clock.now())


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds: int, shown: str) -> None:
    secret = b32encode(b"12345678901234567890").decode()
    at = datetime.fromtimestamp(seconds, UTC)
    assert authenticator(secret, at) == shown[-DIGITS:]  # its appendix B shows eight digits


def test_a_second_factor_is_asked_for_on_either_database(db: Database, tmp_path: Path) -> None:
    company = Field.on(db, tmp_path)
    secret, recovery = set_up(company.phone("gao"))
    assert code(company.phone().sign_in("gao")) == "second_factor_wanted"
    shown = next_code(company, secret)
    assert company.phone().sign_in("gao", second_factor=shown).status_code == 200
    assert code(company.phone().sign_in("gao", second_factor=shown)) == "second_factor_wrong"
    assert company.phone().sign_in("gao", second_factor=recovery[0]).status_code == 200
    assert code(company.phone().sign_in("gao", second_factor=recovery[0])) == "second_factor_wrong"
    assert company.phone().sign_in("lin").status_code == 200


def test_until_it_is_confirmed_nothing_is_asked(company: Field) -> None:
    phone = company.phone("lin")
    phone.send("POST", "/v1/auth/second-factor/begin", {"password": PASSWORD})
    assert company.phone().sign_in("lin").status_code == 200
    wrong = phone.send("POST", "/v1/auth/second-factor/confirm", {"code": "000000"})
    assert code(wrong) == "second_factor_wrong"
    assert phone.send("GET", "/v1/auth/second-factor").json()["enrolled_at"] is None


def test_what_the_authenticator_learns_is_said_as_text_link_and_picture(company: Field) -> None:
    phone = company.phone("lin")
    told = phone.send("POST", "/v1/auth/second-factor/begin", {"password": PASSWORD}).json()
    assert told["uri"].startswith("otpauth://totp/Huifang:lin?")
    assert told["secret"] in told["uri"]
    assert len(b32decode(told["secret"])) == 20
    assert told["qr"].startswith("<svg") and "style" not in told["qr"]
    with Image.open(BytesIO(b64decode(told["qr_png"]))) as picture:
        assert picture.format == "PNG" and picture.width == picture.height


def test_a_phone_that_lies_open_is_not_enough_to_set_one_up(company: Field) -> None:
    phone = company.phone("lin")
    wrong = phone.send("POST", "/v1/auth/second-factor/begin", {"password": "a guess"})
    assert code(wrong) == "sign_in_failed"


def test_another_one_is_set_up_only_after_the_first_has_ended(company: Field) -> None:
    phone = company.phone("lin")
    secret, _ = set_up(phone)
    again = phone.send("POST", "/v1/auth/second-factor/begin", {"password": PASSWORD})
    assert code(again) == "record_exists"
    asked: dict[str, Any] = {"password": PASSWORD, "code": "000000"}
    assert code(phone.send("POST", "/v1/auth/second-factor/end", asked)) == "second_factor_wrong"
    asked["code"] = next_code(company, secret)
    assert phone.send("POST", "/v1/auth/second-factor/end", asked).status_code == 204
    assert company.phone().sign_in("lin").status_code == 200
    set_up(phone)


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(company: Field, steps: int, taken: bool) -> None:
    secret, _ = set_up(company.phone("lin"))
    company.clock.pass_by(minutes=10)
    at = datetime.fromtimestamp(company.clock.now().timestamp() + steps * STEP_SECONDS, UTC)
    answer = company.phone().sign_in("lin", second_factor=authenticator(secret, at))
    assert (answer.status_code == 200) == taken


def test_an_earlier_code_is_worth_nothing_after_a_later_one(company: Field) -> None:
    secret, _ = set_up(company.phone("lin"))
    company.clock.pass_by(minutes=10)
    now = company.clock.now().timestamp()
    ahead, behind = (
        authenticator(secret, datetime.fromtimestamp(now + by, UTC)) for by in (30, -30)
    )
    assert company.phone().sign_in("lin", second_factor=ahead).status_code == 200
    assert code(company.phone().sign_in("lin", second_factor=behind)) == "second_factor_wrong"


def test_codes_are_taken_as_people_type_them(company: Field) -> None:
    secret, recovery = set_up(company.phone("lin"))
    shown = next_code(company, secret)
    wide = "".join(chr(ord(c) + 0xFEE0) for c in shown)
    typed = f" {wide[:3]} {wide[3:]} "
    assert company.phone().sign_in("lin", second_factor=typed).status_code == 200
    typed = recovery[3].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert company.phone().sign_in("lin", second_factor=typed).status_code == 200


def test_a_right_password_buys_no_new_guesses_at_the_code(company: Field) -> None:
    secret, _ = set_up(company.phone("lin"))
    for guess in range(10):
        company.clock.pass_by(seconds=1)
        answer = company.phone().sign_in("lin", second_factor=f"{guess:06}")
        assert code(answer) == "second_factor_wrong"
    shown = next_code(company, secret)
    assert code(company.phone().sign_in("lin", second_factor=shown)) == "too_many_tries"
    company.clock.pass_by(minutes=16)
    shown = next_code(company, secret)
    assert company.phone().sign_in("lin", second_factor=shown).status_code == 200


def test_the_code_is_asked_for_before_anything_is_told_of_the_account(company: Field) -> None:
    from sync_server.services import accounts

    secret, _ = set_up(company.phone("lin"))
    with company.server.database.write() as connection:
        accounts.set_active(connection, ORG, staff_id("lin"), False)
    assert code(company.phone().sign_in("lin")) == "second_factor_wanted"
    shown = next_code(company, secret)
    assert code(company.phone().sign_in("lin", second_factor=shown)) == "user_inactive"


def test_new_recovery_codes_end_the_old_ones(company: Field) -> None:
    phone = company.phone("lin")
    secret, old = set_up(phone)
    asked = {"code": next_code(company, secret)}
    fresh = phone.send("POST", "/v1/auth/second-factor/recovery-codes", asked).json()
    assert len(set(fresh["recovery_codes"])) == 10
    assert code(company.phone().sign_in("lin", second_factor=old[0])) == "second_factor_wrong"
    used = company.phone().sign_in("lin", second_factor=fresh["recovery_codes"][0])
    assert used.status_code == 200
    assert phone.send("GET", "/v1/auth/second-factor").json()["recovery_codes_left"] == 9


def test_a_recovery_code_is_its_owners_alone(company: Field) -> None:
    _, mine = set_up(company.phone("lin"))
    set_up(company.phone("wu"))
    assert code(company.phone().sign_in("wu", second_factor=mine[0])) == "second_factor_wrong"


def test_nothing_of_a_second_factor_lies_open_in_the_database(company: Field) -> None:
    secret, recovery = set_up(company.phone("lin"))
    with company.server.database.read() as connection:
        kept = b""
        for table in ("second_factor", "recovery_code"):
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}").fetchall():
                kept += b"\0".join(c if isinstance(c, bytes) else str(c).encode() for c in row)
    assert kept
    assert secret.encode() not in kept and b32decode(secret) not in kept
    assert not [one for one in recovery if one.replace("-", "").encode() in kept]


def test_a_lost_authenticator_is_taken_off_by_an_administrator(company: Field) -> None:
    set_up(company.phone("lin"))
    path = f"/v1/admin/users/{staff_id('lin')}/second-factor/reset"
    assert code(company.phone("chen").send("POST", path)) == "role_not_allowed"
    assert company.phone("gao").send("POST", path).status_code == 204
    assert company.phone().sign_in("lin").status_code == 200


def test_a_role_that_should_have_one_is_told_so_until_it_has(company: Field) -> None:
    phone = company.phone()
    assert phone.sign_in("gao").json()["second_factor_due"] is True
    assert company.phone().sign_in("lin").json()["second_factor_due"] is False
    secret, _ = set_up(phone)
    shown = next_code(company, secret)
    told = company.phone().sign_in("gao", second_factor=shown).json()
    assert told["second_factor_due"] is False


def test_a_policy_that_insists_turns_away_who_has_none(
    sqlite_template: Path, tmp_path: Path
) -> None:
    policy = {"totp_strict": True, "totp_required_roles": "technician store_manager"}
    company = Field.on_sqlite(sqlite_template, tmp_path, policy=policy)
    assert code(company.phone().sign_in("wu")) == "second_factor_unset"
    assert code(company.phone().sign_in("wu", "a guess")) == "sign_in_failed"
    assert company.phone().sign_in("lin").status_code == 200
    company.close()
