"""Who gets into the console, for how long, and what a page of another site can't do there."""

from __future__ import annotations

import hashlib
from base64 import b32decode
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import select

from sync_server.db.accounts import CONSOLE_SESSION
from sync_server.services import accounts
from sync_server.services.console_sessions import end_all
from sync_server.services.writing import write
from tests.server.desks import Desk, signed_in
from tests.server.phones import ORG, PASSWORD, Field, staff_id


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path, sign_in_tries=3)
    yield field
    field.close()


def let_in(desk: Desk) -> bool:
    return desk.get("/console").status_code == 200


def test_a_page_asks_a_stranger_to_sign_in_and_comes_back_to_it(field: Field) -> None:
    desk = Desk(field)
    asked = desk.get("/console/language/en?next=/console/sign-in")
    assert asked.headers["location"] == "/console/sign-in"
    asked = desk.get("/console")
    assert asked.headers["location"] == "/console/sign-in?next=/console"
    desk.get(asked.headers["location"])
    answer = desk.post("/console/sign-in", username="gao", password=PASSWORD, next="/console")
    assert answer.headers["location"] == "/console"
    assert "gao · Administrator" in desk.follow(answer)


@pytest.mark.parametrize(
    "elsewhere", ["https://other.example", "//other.example", "/v1", "/console/../v1"]
)
def test_signing_in_leads_nowhere_but_into_the_console(field: Field, elsewhere: str) -> None:
    desk = Desk(field)
    answer = desk.post("/console/sign-in", username="gao", password=PASSWORD, next=elsewhere)
    assert answer.headers["location"] == "/console"


@pytest.mark.parametrize("name", ["lin", "wu"])
def test_only_administrators_and_store_managers_get_in(field: Field, name: str) -> None:
    desk = Desk(field)
    answer = desk.sign_in(name)
    assert answer.status_code == 403
    assert "Your role may not do this." in desk.text
    assert not desk.cookies
    assert let_in(signed_in(field, "chen"))


def test_a_wrong_password_is_said_and_counted_as_the_app_counts_it(field: Field) -> None:
    desk = Desk(field)
    for _ in range(3):
        assert desk.sign_in("gao", "wrong password").status_code == 401
        assert "Name or password is wrong." in desk.text
        assert "wrong password" not in desk.page
    assert desk.sign_in("gao").status_code == 429
    assert field.phone().sign_in("gao").status_code == 429
    field.clock.pass_by(minutes=16)
    assert desk.sign_in("gao").status_code == 303


def test_a_field_left_empty_is_said_at_that_field(field: Field) -> None:
    desk = Desk(field)
    assert desk.post("/console/sign-in", username="gao").status_code == 422
    assert 'id="f-password"' in desk.page and 'aria-describedby="e-password"' in desk.page
    assert "required field" in desk.text


def test_the_database_knows_a_session_by_its_hash_alone(field: Field) -> None:
    desk = signed_in(field)
    with field.server.database.read() as connection:
        row = connection.execute(select(CONSOLE_SESSION)).one()
    cookie = desk.cookies["huifang-console"]
    assert row.hash == hashlib.sha256(cookie.encode()).hexdigest()
    assert cookie not in str(row._mapping)


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(field: Field) -> None:
    sent = Desk(field).post("/console/sign-in", username="gao", password=PASSWORD)
    (cookie,) = (c for c in sent.headers.get_list("set-cookie") if c.startswith("huifang-console"))
    assert {"HttpOnly", "Path=/console", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Secure" not in cookie  # plain HTTP, on another machine
    here = field.client.post(
        "http://127.0.0.1/console/sign-in", data={"username": "gao", "password": PASSWORD}
    )
    assert "Secure" in here.headers["set-cookie"]


def test_a_session_left_alone_for_half_an_hour_is_over(field: Field) -> None:
    desk = signed_in(field)
    for _ in range(3):
        field.clock.pass_by(minutes=29)
        assert let_in(desk)
    field.clock.pass_by(minutes=31)
    assert not let_in(desk)
    with field.server.database.read() as connection:
        assert connection.execute(select(CONSOLE_SESSION)).first() is None


def test_a_session_ends_after_twelve_hours_of_work(field: Field) -> None:
    desk = signed_in(field)
    for _ in range(28):
        field.clock.pass_by(minutes=25)
        assert let_in(desk)
    field.clock.pass_by(minutes=25)
    assert not let_in(desk)


def test_signing_out_ends_the_session_at_the_server(field: Field) -> None:
    desk = signed_in(field)
    kept = dict(desk.cookies)
    assert desk.post("/console/sign-out").status_code == 303
    assert "huifang-console" not in desk.cookies
    desk.cookies = kept
    assert not let_in(desk)


def test_a_session_ends_with_its_owners_leave_role_or_password(field: Field) -> None:
    database = field.server.database

    def leave() -> None:
        with database.write() as connection:
            accounts.set_active(connection, ORG, staff_id("gao"), False)

    def step_down() -> None:
        row = {"role": "store_manager"}
        write(database, ORG, field.clock.now(), lambda u: u.update("staff", staff_id("gao"), row))

    def change_password() -> None:
        with database.write() as connection:
            end_all(connection, ORG, staff_id("gao"))

    for end in (change_password, step_down, leave):
        desk = signed_in(field)
        end()
        assert not let_in(desk)


def test_a_form_without_the_sessions_own_mark_does_nothing(field: Field) -> None:
    desk, other = signed_in(field), signed_in(field, "chen")
    other.get("/console")
    mark = other.page.split('name="form_token" value="')[1].split('"')[0]
    for token in ("", "0" * 64, mark):
        assert desk.post("/console/sign-out", token=token).status_code == 403
        assert "not sent by a page of this session" in desk.text
    assert let_in(desk)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://other.example"},
    ],
)
def test_a_form_of_another_site_does_nothing(field: Field, headers: dict[str, str]) -> None:
    desk = signed_in(field)
    desk.headers = headers
    assert desk.post("/console/sign-out").status_code == 403
    stranger = Desk(field, headers=headers)
    answer = stranger.post("/console/sign-in", username="gao", password=PASSWORD)
    assert answer.status_code == 403 and not stranger.cookies


def test_what_is_still_wanted_comes_before_any_page(field: Field) -> None:
    console = field.server.console
    with field.server.database.write() as connection:
        account = accounts.known(connection, "gao")
        begun = console.factors.begin(connection, account, field.clock.now())
        code = TOTP(b32decode(begun.secret), 6, SHA1(), 30).generate(field.clock.now().timestamp())
        console.factors.confirm(connection, account, code.decode(), field.clock.now())
    desk = Desk(field)
    desk.post("/console/sign-in", username="gao", password=PASSWORD)
    assert desk.get("/console").headers["location"] == "/console/sign-in/totp"
    before = desk.cookies["huifang-console"]
    found = console.find(before)
    assert found is not None and found.wanted == "totp"
    desk.cookies["huifang-console"] = console.fulfil(before, found)
    assert let_in(desk)
    desk.cookies["huifang-console"] = before
    assert not let_in(desk)


def test_every_page_comes_with_a_policy_that_lets_nothing_foreign_run(field: Field) -> None:
    answer = signed_in(field).get("/console")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "<script>" not in answer.text and " style=" not in answer.text


def test_the_files_of_every_page_are_kept_for_good_and_nothing_else_is_sent(field: Field) -> None:
    desk = Desk(field)
    desk.get("/console/sign-in")
    for name in ("console.css", "console.js", "console.svg"):
        (path,) = (part for part in desk.page.split('"') if f"/static/{name}?v=" in part)
        answer = desk.get(path)
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    assert desk.get("/console/static/..%2Fconsole.py").status_code == 404
    assert desk.get("/console/static/console.py").status_code == 404


def test_an_address_without_a_page_says_so_in_the_chosen_language(field: Field) -> None:
    desk = signed_in(field)
    assert desk.get("/console/nothing").status_code == 404
    assert "There is nothing at this address." in desk.text
    desk.get("/console/language/zh-CN?next=/console")
    desk.get("/console")
    assert '<html lang="zh-CN">' in desk.page and "概览" in desk.text
