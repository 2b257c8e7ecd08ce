"""Signing in with the company's own accounts, at a real OpenID Connect provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from sync_server.app import create_app
from sync_server.db.audit import AUDIT_ENTRY
from tests.databases import database_at
from tests.oidc.running import RunningProvider, provider
from tests.server.desks import Desk
from tests.server.phones import (
    ADDRESS,
    AppClient,
    Field,
    HandClock,
    Phone,
    code,
    found_company,
    server_on,
    staff_id,
)
from tests.server.test_second_factor import authenticator, set_up

pytestmark = pytest.mark.processes
CALLBACK = f"{ADDRESS}/v1/auth/company/callback"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningProvider]:
    with provider(CALLBACK) as one:
        yield one


@pytest.fixture
def company(running: RunningProvider, sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    """The provider lives in our time; so does the company, from this moment on."""
    path = tmp_path / "server.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    clock = HandClock(datetime.now(UTC))
    server = server_on(
        database_at(f"sqlite:///{path}"),
        tmp_path,
        clock,
        oidc_issuer=running.issuer,
        oidc_client_id=running.client_id,
        oidc_client_secret=running.client_secret,
    )
    found_company(server)
    app = create_app(server)
    yield Field(server, clock, AppClient(app), app)
    server.close()


def begun(phone: Phone) -> str:
    answer = phone.send("POST", "/v1/auth/company/begin", {"device_key": phone.device_key})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["address"])


def returned(company: Field, address: str) -> str:
    """Where the app begins after the provider: the fragment."""
    path = address.removeprefix(ADDRESS)
    answer = company.client.get(path)
    assert answer.status_code == 303, answer.text
    target: str = answer.headers["location"]
    assert urlsplit(target).query == ""
    return urlsplit(target).fragment


def link(company: Field, name: str, value: str) -> None:
    path = f"/v1/admin/users/{staff_id(name)}/identity"
    answer = company.phone("gao").send("PUT", path, {"value": value})
    assert answer.status_code == 204, answer.text


@pytest.fixture
def ticket_of(company: Field, running: RunningProvider) -> Callable[[Phone, str], str]:
    """`ticket_of(phone, "lin")`: what the app comes back with."""

    def go(phone: Phone, login: str) -> str:
        kind, _, ticket = returned(company, running.sign_in(begun(phone), login))[1:].partition("/")
        assert kind == "signed-in", ticket
        return ticket

    return go


def test_a_linked_person_signs_in_at_the_company_and_the_device_is_enrolled(
    company: Field, ticket_of: Callable[[Phone, str], str]
) -> None:
    link(company, "lin", "Lin@Example.com")
    phone = company.phone()
    ticket = ticket_of(phone, "lin")
    told = phone.sign_in("", "", ticket=ticket).json()
    assert told["staff"]["id"] == staff_id("lin")
    assert told["device_state"] == "approved"
    assert phone.who().status_code == 200


def test_nobody_gets_an_account_by_signing_in(company: Field, running: RunningProvider) -> None:
    there = running.sign_in(begun(company.phone()), "lin")
    assert returned(company, there) == "/sign-in-failed/identity_unknown"


def test_an_address_that_the_provider_has_not_verified_is_nobodys(
    company: Field, running: RunningProvider
) -> None:
    link(company, "lin", "stranger@example.com")
    there = running.sign_in(begun(company.phone()), "stranger")
    assert returned(company, there) == "/sign-in-failed/identity_unknown"


def test_the_ticket_is_for_the_device_that_began(
    company: Field, ticket_of: Callable[[Phone, str], str]
) -> None:
    link(company, "lin", "lin@example.com")
    mine, other = company.phone(), company.phone()
    ticket = ticket_of(mine, "lin")
    assert code(other.sign_in("", "", ticket=ticket)) == "token_invalid"


def test_the_second_factor_is_asked_for_as_well(
    company: Field, ticket_of: Callable[[Phone, str], str]
) -> None:
    link(company, "lin", "lin@example.com")
    secret, _ = set_up(company.phone("lin"))
    phone = company.phone()
    ticket = ticket_of(phone, "lin")
    assert code(phone.sign_in("", "", ticket=ticket)) == "second_factor_wanted"
    company.clock.pass_by(seconds=30)
    shown = authenticator(secret, company.clock.now())
    answer = phone.sign_in("", "", ticket=ticket, second_factor=shown)
    assert answer.json()["staff"]["id"] == staff_id("lin")


def test_an_answer_counts_once_and_only_with_our_own_state(
    company: Field, running: RunningProvider
) -> None:
    link(company, "lin", "lin@example.com")
    there = running.sign_in(begun(company.phone()), "lin")
    assert returned(company, there).startswith("/signed-in/")
    assert returned(company, there) == "/sign-in-failed/provider_failed"
    state = parse_qs(urlsplit(there).query)["state"][0]
    again = running.sign_in(begun(company.phone()), "lin")
    foreign = again.replace(parse_qs(urlsplit(again).query)["state"][0], state)
    assert returned(company, foreign) == "/sign-in-failed/provider_failed"  # PKCE and nonce
    forged = there.replace(state, state[:-6] + "AAAAAA")
    assert returned(company, forged) == "/sign-in-failed/token_invalid"


def test_a_state_ends_after_ten_minutes(company: Field, running: RunningProvider) -> None:
    there = running.sign_in(begun(company.phone()), "lin")
    company.clock.pass_by(minutes=10)
    assert returned(company, there) == "/sign-in-failed/token_invalid"


def test_an_answer_of_another_provider_is_not_taken_for_this_ones(
    company: Field, running: RunningProvider
) -> None:
    link(company, "lin", "lin@example.com")
    there = running.sign_in(begun(company.phone()), "lin")
    assert "&iss=" in there
    other = there.replace(there[there.index("&iss=") :], "&iss=https%3A%2F%2Fother.example")
    assert returned(company, other) == "/sign-in-failed/provider_failed"
    without = there[: there.index("&iss=")]
    assert returned(company, without) == "/sign-in-failed/provider_failed"


def test_whoever_changes_their_mind_is_back_at_the_sign_in(
    company: Field, running: RunningProvider
) -> None:
    there = running.abort(begun(company.phone()))
    assert returned(company, there) == "/sign-in-failed/provider_failed"


def test_the_request_to_the_provider_says_what_it_must(company: Field) -> None:
    asked = parse_qs(urlsplit(begun(company.phone())).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [CALLBACK]
    assert set(asked["scope"][0].split()) == {"openid", "email"}
    assert {"state", "nonce", "code_challenge"} <= set(asked)


def test_an_identity_is_one_persons_and_only_an_administrator_links_it(company: Field) -> None:
    link(company, "lin", "lin@example.com")
    gao, path = company.phone("gao"), f"/v1/admin/users/{staff_id('wu')}/identity"
    taken = gao.send("PUT", path, {"value": "LIN@example.com"})
    assert code(taken) == "record_exists"
    assert code(gao.send("PUT", path, {"value": " "})) == "field_invalid"
    mine = company.phone("wu").send("PUT", path, {"value": "wu@example.com"})
    assert code(mine) == "role_not_allowed"
    assert gao.send("DELETE", f"/v1/admin/users/{staff_id('lin')}/identity").status_code == 204
    assert gao.send("PUT", path, {"value": "LIN@example.com"}).status_code == 204


def at_the_console(company: Field, running: RunningProvider, login: str) -> tuple[Desk, str]:
    """A desk that has been to the provider, and the address it was sent back to."""
    desk = Desk(company)
    away = desk.get("/console/sign-in/company").headers["location"]
    back = running.sign_in(away, login).removeprefix(ADDRESS)
    return desk, str(company.client.get(back).headers["location"])


def test_an_administrator_comes_into_the_console_by_the_company(
    company: Field, running: RunningProvider
) -> None:
    link(company, "gao", "gao@example.com")
    desk, back = at_the_console(company, running, "gao")
    answer = desk.get(back)
    assert answer.status_code == 200 and "You are confirmed" in desk.text
    assert answer.headers["refresh"] == "0; url=/console"
    assert desk.get("/console").status_code == 200


def test_the_console_is_for_the_browser_that_began_and_for_who_may(
    company: Field, running: RunningProvider
) -> None:
    link(company, "gao", "gao@example.com")
    link(company, "lin", "lin@example.com")
    _, back = at_the_console(company, running, "gao")
    other = Desk(company)
    assert other.get(back).status_code == 401
    assert other.get("/console").status_code == 303
    desk, back = at_the_console(company, running, "lin")
    assert desk.get(back).status_code == 403
    desk, back = at_the_console(company, running, "nobody")
    assert desk.get(back).status_code == 403
    assert desk.get("/console").status_code == 303
    entry = AUDIT_ENTRY.c
    with company.server.database.read() as connection:
        refused = select(entry.result).where(entry.via == "console").order_by(entry.number)
        assert connection.scalars(refused).all()[-2:] == ["role_not_allowed", "identity_unknown"]


def test_the_console_asks_for_the_second_factor_after_the_company(
    company: Field, running: RunningProvider
) -> None:
    link(company, "gao", "gao@example.com")
    set_up(company.phone("gao"))
    desk, back = at_the_console(company, running, "gao")
    assert desk.get(back).status_code == 200
    assert desk.get("/console").headers["location"] == "/console/sign-in/totp"


def test_the_sign_in_page_learns_whether_there_is_a_company_sign_in(company: Field) -> None:
    assert company.client.get("/v1/auth/ways").json() == {"company": "公司账号"}


def test_a_provider_that_is_down_is_said_so_and_passwords_go_on(
    sqlite_template: Path, tmp_path: Path
) -> None:
    down = Field.on_sqlite(
        sqlite_template, tmp_path, oidc_issuer="http://127.0.0.1:9", oidc_client_id="huifang"
    )
    phone = down.phone()
    answer = phone.send("POST", "/v1/auth/company/begin", {"device_key": phone.device_key})
    assert code(answer) == "provider_failed"
    assert phone.sign_in("lin").status_code == 200
    down.close()


def test_without_a_provider_there_is_no_company_sign_in(
    sqlite_template: Path, tmp_path: Path
) -> None:
    none = Field.on_sqlite(sqlite_template, tmp_path)
    assert none.client.get("/v1/auth/ways").json() == {"company": None}
    assert code(none.client.get("/v1/auth/company/callback")) == "not_found"
    none.close()
