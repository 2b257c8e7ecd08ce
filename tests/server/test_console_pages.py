"""What administrators do at the console, and what store managers may not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from shared.clock import to_wire
from shared.ids import derived_id
from shared.wire import DeviceTells, PullRequest, dump
from sync_server.db.accounts import DEVICE
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.services import accounts
from sync_server.services.scopes import assign_customers
from sync_server.services.writing import Unit, write
from tests.server.desks import Desk, signed_in
from tests.server.phones import ORG, PASSWORD, STORE, Field, Phone, staff_id

CUSTOMERS = [derived_id("console", str(n)) for n in range(3)]
NAMES = ["大客户甲", "大客户乙", "大客户丙"]
SOUTH = derived_id("south")


@pytest.fixture(scope="module")
def shared_field(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path_factory.mktemp("console"))

    def work(unit: Unit) -> None:
        unit.create("store", {"id": SOUTH, "name": "二号店"})
        for customer, name in zip(CUSTOMERS, NAMES, strict=True):
            unit.create("customer", {"id": customer, "name": name, "store_id": STORE})
        assign_customers(unit, CUSTOMERS, staff_id("lin"))

    write(made.server.database, ORG, made.clock.now(), work)
    yield made
    made.close()


@pytest.fixture
def field(shared_field: Field) -> Field:
    return shared_field


def acts(field: Field, action: str) -> list[str]:
    """How the audit log says that these acts came about."""
    with field.server.database.read() as connection:
        rows = connection.execute(select(AUDIT_ENTRY).where(AUDIT_ENTRY.c.action == action))
        return [row.via for row in rows]


def new_user(desk: Desk, username: str, **fields: str) -> str:
    """Adds somebody; returns the address of their page."""
    desk.get("/console/users/new")
    told = {"name": username.title(), "role": "technician", "store_id": STORE, "password": PASSWORD}
    answer = desk.post("/console/users/new", username=username, **{**told, **fields})
    assert answer.status_code == 303, desk.text
    desk.follow(answer)
    return str(answer.headers["location"])


def pull(phone: Phone, told: DeviceTells | None = None, **fields: object) -> None:
    request = PullRequest(app_version="1.2", cursor=0, grants_digest="", told=told)
    answer = phone.send("POST", "/v1/sync/pull", {**dump(request), **fields})
    assert answer.status_code == 200, answer.text


def test_somebody_new_signs_in_and_the_audit_log_says_who_let_them(field: Field) -> None:
    desk = signed_in(field)
    new_user(desk, "newcomer")
    assert "Newcomer can sign in." in desk.text
    assert field.phone("newcomer").who().status_code == 200
    assert acts(field, "user_added") == ["console"]


def test_a_user_form_is_refused_at_each_field_as_the_api_refuses(field: Field) -> None:
    desk = signed_in(field)
    desk.get("/console/users/new")
    told = {"name": "X", "role": "technician", "password": PASSWORD}
    for wrong, at in (
        ({"username": "gao2", "password": "short"}, "f-password"),
        ({"username": "gao2", "role": "emperor"}, "f-role"),
        ({"username": "gao2", "role": "store_manager"}, "f-store_id"),
        ({"username": "", "name": "X"}, "f-username"),
    ):
        answer = desk.post("/console/users/new", **{**told, **wrong})
        assert answer.status_code == 422
        assert f'<a href="#{at}">' in desk.page
        assert PASSWORD not in desk.page
    assert desk.post("/console/users/new", **told, username="gao").status_code == 409
    assert desk.post("/console/users/new", **told, username="x", more="1").status_code == 422
    with field.server.database.read() as connection:
        assert accounts.by_username(connection, "gao2") is None


def test_leaving_says_what_waits_and_can_be_taken_back(field: Field) -> None:
    desk = signed_in(field)
    page = f"/console/users/{staff_id('lin')}"
    desk.get(page)
    said = desk.follow(desk.post(f"{page}/deactivate", because="ended"))
    assert "Waiting for somebody: customers 3" in said
    assert field.phone().sign_in("lin").status_code == 403
    assert 'action="/console/users/' + staff_id("lin") + '/reactivate"' in desk.page
    assert "can sign in again" in desk.follow(desk.post(f"{page}/reactivate"))
    assert "has ended" not in desk.text
    assert field.phone("lin").who().status_code == 200

    def back(unit: Unit) -> None:
        assign_customers(unit, CUSTOMERS, staff_id("lin"))

    write(field.server.database, ORG, field.clock.now(), back)


def test_nobody_takes_the_last_administrator_away_from_the_console(field: Field) -> None:
    desk = signed_in(field)
    page = f"/console/users/{staff_id('gao')}"
    desk.get(page)
    assert desk.post(f"{page}/deactivate", because="ended").status_code == 409
    assert "Nobody would be left who can administer." in desk.text
    assert desk.post(f"{page}/role", role="technician").status_code == 409
    assert desk.get("/console").status_code == 200


def test_another_role_ends_what_was_held_by_the_old_one(field: Field) -> None:
    desk = signed_in(field)
    page = new_user(desk, "turncoat", role="store_manager")
    turncoat = page.rpartition("/")[2]

    def held(unit: Unit) -> set[str]:
        live = unit.find("grant", staff_id=turncoat, revoked_at=None)
        return {grant.row["bucket"].partition(":")[0] for grant in live}

    database = field.server.database
    assert "customer" in write(database, ORG, field.clock.now(), held)
    other = signed_in(field, "turncoat")
    assert "The role is changed." in desk.follow(desk.post(f"{page}/role", role="technician"))
    assert "customer" not in write(database, ORG, field.clock.now(), held)
    assert "user" in write(database, ORG, field.clock.now(), held)
    assert other.get("/console").status_code == 303


def test_a_new_password_ends_the_sessions_of_the_old_one(field: Field) -> None:
    desk = signed_in(field)
    page = new_user(desk, "forgetful", role="store_manager")
    other = signed_in(field, "forgetful")
    desk.get(page)
    desk.follow(desk.post(f"{page}/password", password="another password"))
    assert other.get("/console").status_code == 303
    assert Desk(field).sign_in("forgetful", "another password").status_code == 303


def test_a_store_is_opened_and_renamed(field: Field) -> None:
    desk = signed_in(field)
    desk.get("/console/stores/new")
    assert "三号店 is there." in desk.follow(desk.post("/console/stores/new", name="三号店"))
    desk.get(f"/console/stores/{SOUTH}")
    assert 'value="二号店"' in desk.page
    desk.follow(desk.post(f"/console/stores/{SOUTH}", name="二号店", region="南"))
    assert desk.post(f"/console/stores/{SOUTH}", name=" ").status_code == 422
    assert desk.post("/console/stores/nowhere", name="x").status_code == 404
    assert acts(field, "store_added") == acts(field, "store_changed") == ["console"]


def test_a_device_is_blocked_and_let_in_again_by_undo(field: Field) -> None:
    phone, desk = field.phone("wu"), signed_in(field)
    page = f"/console/devices/{phone.device_id}"
    desk.get(page)
    desk.follow(desk.post(f"{page}/block"))
    assert "is blocked" in desk.text and f'action="{page}/approve"' in desk.page
    assert phone.who().status_code == 403
    desk.follow(desk.post(f"{page}/approve"))
    assert phone.who().status_code == 200
    assert acts(field, "device_blocked") == acts(field, "device_approved") == ["console"]


def test_a_device_shows_what_it_told_with_its_pull(field: Field) -> None:
    phone, desk = field.phone("wu"), signed_in(field)
    desk.get(f"/console/devices/{phone.device_id}")
    assert "has not told" in desk.text
    field.clock.pass_by(minutes=6)
    phone.refresh()
    since = to_wire(field.clock.now())
    pull(
        phone, DeviceTells(unsent=3, unsent_files=1, stored_bytes=5_300_000, oldest_unsent_at=since)
    )
    signed_in(field)
    desk.get(f"/console/devices/{phone.device_id}")
    assert "3 changes, 1 file" in desk.text and "5.3 MB" in desk.text and "1.2" in desk.text
    desk.get("/console/devices?holds=unsent")
    assert phone.device_id in desk.page and desk.page.count("<tr role") == 2


def test_a_pull_notes_the_contact_every_few_minutes_only(field: Field) -> None:
    phone = field.phone("wu")

    def heard() -> tuple[str, int | None]:
        with field.server.database.read() as connection:
            query = select(DEVICE).where(DEVICE.c.id == phone.device_id)
            row = connection.execute(query).one()
            return row.heard_at, row.unsent

    began = heard()
    pull(phone, DeviceTells(unsent=1, unsent_files=0, stored_bytes=1))
    assert heard() == began
    field.clock.pass_by(minutes=6)
    phone.refresh()
    pull(phone, DeviceTells(unsent=2**40, unsent_files=-1, stored_bytes=-5, oldest_unsent_at="?"))
    assert heard() == (to_wire(field.clock.now()), 2**31 - 1)
    field.clock.pass_by(minutes=6)
    phone.refresh()
    pull(phone)  # an app that does not tell yet
    assert heard() == (to_wire(field.clock.now()), 2**31 - 1)


@pytest.mark.parametrize("page", ["users", "users/new", "stores", "devices"])
def test_a_store_manager_opens_no_administrators_page(field: Field, page: str) -> None:
    desk = signed_in(field, "chen")
    assert desk.get(f"/console/{page}").status_code == 403
    assert (
        desk.post(f"/console/users/{staff_id('lin')}/deactivate", because="ended").status_code
        == 403
    )
    assert f'href="/console/{page}"' not in desk.page


def test_no_page_of_an_administrator_names_a_customer(field: Field) -> None:
    desk = signed_in(field)
    for page in ("", "/users", f"/users/{staff_id('lin')}", "/stores", "/devices"):
        assert desk.get(f"/console{page}").status_code == 200
        assert not [name for name in NAMES if name in desk.page]
