"""The console's code page, one's own second factor, and what an administrator does for the sign-in
of others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.server.desks import Desk, signed_in
from tests.server.phones import ORG, PASSWORD, Field, code, staff_id
from tests.server.test_second_factor import authenticator, next_code

pytestmark = pytest.mark.thorough


@pytest.fixture
def company(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path, policy={"device_approval": "administrator"})
    yield field
    field.close()


def enrolled(desk: Desk) -> tuple[str, list[str]]:
    """Sets a second factor up on one's own page: the secret and the recovery codes."""
    desk.get("/console/account")
    desk.post("/console/account/begin", password=PASSWORD)
    found = re.search(r'<code class="secret">(\w+)</code>', desk.page)
    assert found, desk.text
    now = desk.field.clock.now()
    desk.post("/console/account/confirm", shown=authenticator(found[1], now))
    return found[1], re.findall(r"<li><code>([\w-]+)</code>", desk.page)


def at_code_page(company: Field, username: str = "gao") -> Desk:
    desk = Desk(company)
    assert desk.sign_in(username).status_code == 303
    answer = desk.get("/console")
    assert answer.headers["location"] == "/console/sign-in/totp"
    desk.get("/console/sign-in/totp")
    return desk


def test_a_second_factor_is_set_up_and_asked_for_before_any_page(company: Field) -> None:
    secret, recovery = enrolled(signed_in(company))
    assert len(recovery) == 10
    desk = at_code_page(company)
    assert "Your password is right" in desk.text
    assert desk.get("/console/account").headers["location"] == "/console/sign-in/totp"
    wrong = desk.post("/console/sign-in/totp", shown="000000")
    assert wrong.status_code == 401 and "wrong or was used" in desk.text
    desk.get("/console/sign-in/totp")
    shown = next_code(company, secret)
    before = dict(desk.cookies)
    answer = desk.post("/console/sign-in/totp", shown=shown)
    assert answer.headers["location"] == "/console"
    assert desk.get("/console").status_code == 200
    assert desk.cookies != before  # another cookie than the one that had only a password
    again = at_code_page(company)
    assert again.post("/console/sign-in/totp", shown=shown).status_code == 401


def test_a_recovery_code_opens_the_console_once(company: Field) -> None:
    _, recovery = enrolled(signed_in(company))
    desk = at_code_page(company)
    assert desk.post("/console/sign-in/totp", shown=recovery[0].lower()).status_code == 303
    desk.get("/console/account")
    assert "9 recovery codes left" in desk.text
    assert at_code_page(company).post("/console/sign-in/totp", shown=recovery[0]).status_code == 401


def test_guesses_at_the_code_page_are_counted(company: Field) -> None:
    secret, _ = enrolled(signed_in(company))
    desk = at_code_page(company)
    answers = []
    for guess in range(12):
        desk.get("/console/sign-in/totp")
        answers.append(desk.post("/console/sign-in/totp", shown=f"{guess:06}").status_code)
    assert answers[-1] == 429
    desk.get("/console/sign-in/totp")
    shown = next_code(company, secret)
    assert desk.post("/console/sign-in/totp", shown=shown).status_code == 429


def test_the_secret_and_the_codes_stand_at_no_address_and_in_no_cache(company: Field) -> None:
    desk = signed_in(company)
    desk.get("/console/account")
    begun = desk.post("/console/account/begin", password=PASSWORD)
    assert begun.status_code == 200 and begun.headers["cache-control"] == "no-store"
    assert "<svg" in desk.page and "style=" not in desk.page
    for path in ("/console/account/begin", "/console/account/confirm"):
        assert desk.get(path).status_code in (404, 405)


def test_a_wrong_first_code_says_so_and_shows_the_secret_no_more(company: Field) -> None:
    desk = signed_in(company)
    desk.get("/console/account")
    desk.post("/console/account/begin", password=PASSWORD)
    answer = desk.post("/console/account/confirm", shown="000000")
    assert answer.status_code == 401
    assert "secret" not in desk.page and "Show the QR code anew" in desk.text
    assert Desk(company).sign_in("gao").headers["location"] == "/console"


def test_it_is_taken_off_with_password_and_code(company: Field) -> None:
    desk = signed_in(company)
    secret, _ = enrolled(desk)
    desk.get("/console/account/end")
    answer = desk.post("/console/account/end", password=PASSWORD, shown=next_code(company, secret))
    assert "without a second factor" in desk.follow(answer)
    assert signed_in(company).get("/console").status_code == 200


def test_recovery_codes_are_renewed_on_ones_own_page(company: Field) -> None:
    desk = signed_in(company)
    secret, old = enrolled(desk)
    desk.get("/console/account/recovery")
    desk.post("/console/account/recovery", shown=next_code(company, secret))
    fresh = re.findall(r"<li><code>([\w-]+)</code>", desk.page)
    assert len(fresh) == 10 and not set(fresh) & set(old)


def test_an_administrator_shows_a_code_that_lets_a_phone_in(company: Field) -> None:
    desk = signed_in(company)
    desk.get("/console/let-in")
    answer = desk.post("/console/let-in", username="LIN")
    assert "Make a code" in desk.follow(answer)
    desk.post(f"/console/let-in/{staff_id('lin')}/code")
    found = re.search(r'<code class="secret">([\w-]+)</code>', desk.page)
    assert found and "<svg" in desk.page
    told = company.phone().sign_in("lin", enrolment_code=found[1]).json()
    assert told["device_state"] == "approved"
    assert company.phone().sign_in("lin").json()["device_state"] == "pending"


def test_an_administrator_takes_off_a_second_factor_that_was_lost(company: Field) -> None:
    enrolled(signed_in(company, "chen"))
    assert code(company.phone().sign_in("chen")) == "second_factor_wanted"
    desk = signed_in(company)
    desk.get(f"/console/let-in/{staff_id('chen')}")
    assert "Set up" in desk.text
    desk.follow(desk.post(f"/console/let-in/{staff_id('chen')}/factor-off"))
    assert "Not set up" in desk.text
    assert company.phone().sign_in("chen").status_code == 200


def test_a_store_manager_has_an_account_and_lets_nobody_in(company: Field) -> None:
    desk = signed_in(company, "chen")
    assert desk.get("/console/account").status_code == 200
    assert desk.get("/console/let-in").status_code == 403
    assert "Ways in" not in desk.text


def test_nobody_of_another_name_is_found(company: Field) -> None:
    desk = signed_in(company)
    desk.get("/console/let-in")
    assert desk.post("/console/let-in", username="nobody").status_code == 404
    assert desk.get("/console/let-in/nobody").status_code == 404


def test_what_is_done_for_a_sign_in_is_on_record(company: Field) -> None:
    desk = signed_in(company)
    secret, _ = enrolled(desk)
    at_code_page(company).post("/console/sign-in/totp", shown="000000")
    desk.get(f"/console/let-in/{staff_id('lin')}")
    desk.post(f"/console/let-in/{staff_id('lin')}/code")
    desk.get("/console/account/end")
    desk.post("/console/account/end", password=PASSWORD, shown=next_code(company, secret))
    with company.server.database.read() as connection:
        kept = connection.exec_driver_sql(
            "SELECT action, via, actor_id FROM audit_entry WHERE org_id = ?", (ORG,)
        ).fetchall()
    done = {(row.action, row.via) for row in kept}
    for action in ("factor_enrolled", "factor_refused", "factor_removed", "enrolment_code_made"):
        assert (action, "console") in done, sorted(done)
    assert {row.actor_id for row in kept if row.action.startswith("factor_")} == {staff_id("gao")}


def test_a_policy_that_insists_turns_a_manager_away_at_the_console(
    sqlite_template: Path, tmp_path: Path
) -> None:
    policy = {"totp_strict": True, "totp_required_roles": "store_manager administrator"}
    field = Field.on_sqlite(sqlite_template, tmp_path, policy=policy)
    assert Desk(field).sign_in("chen").status_code == 403
    desk = signed_in(field)  # the last administrator gets in, and sets one up
    enrolled(desk)
    assert urlsplit(Desk(field).sign_in("gao").headers["location"]).path == "/console"
    field.close()
