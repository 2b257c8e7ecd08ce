"""What administrators do at the console, and what store managers may not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from shared.clock import to_wire
from shared.declare import Role
from shared.ids import derived_id
from shared.messages import dump
from shared.wire import DeviceTells, PullRequest
from sync_server.db.accounts import DEVICE
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.services import accounts
from sync_server.services.caller import Caller
from sync_server.services.contacts import note_contact
from sync_server.services.scopes import assign_customers
from sync_server.services.writing import Unit, write
from tests.server.desks import Desk, signed_in
from tests.server.phones import ORG, PASSWORD, STORE, Field, Phone, staff_id

pytestmark = pytest.mark.thorough

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
    for _ in range(2):  # the first reply was lost
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
    right = field.clock.now() - timedelta(days=1)  # the clock was ahead
    caller = Caller(
        org_id=ORG, staff_id=staff_id("wu"), role=Role.TECHNICIAN, device_id=phone.device_id,
        device_key="", heard_at=heard()[0],
    )  # fmt: skip
    asked = PullRequest(app_version="1.2", cursor=0, grants_digest="")
    note_contact(field.server.database, caller, asked, right)
    assert heard()[0] == to_wire(right)


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


def test_a_dry_run_says_what_the_move_then_does_and_changes_nothing(field: Field) -> None:
    desk = signed_in(field)
    he = new_user(desk, "he", role="account_manager").rpartition("/")[2]
    lin = field.phone("lin")
    pull(lin, grants=[])
    field.clock.pass_by(minutes=6)
    lin.refresh()
    pull(lin, DeviceTells(unsent=4, unsent_files=0, stored_bytes=1), grants=[])
    desk = signed_in(field)
    desk.get("/console/assignments")
    answer = desk.post("/console/assignments/rehearse", customers_of=staff_id("lin"), to=he)
    assert answer.status_code == 200
    assert "3 Customers would change hands" in desk.text
    assert "4 Unsent changes on devices" in desk.text and "lin 3 0" in desk.text
    assert "He 0 3" in desk.text and "测试手机 lin 3 0 4" in desk.text

    def owners(unit: Unit) -> set[str]:
        return {c.row["owner_id"] for c in unit.find("customer", id=CUSTOMERS)}

    database = field.server.database
    assert write(database, ORG, field.clock.now(), owners) == {staff_id("lin")}
    answer = desk.post("/console/assignments/move", customers_of=staff_id("lin"), to=he)
    assert "3 customers handed over; 0 were theirs already." in desk.follow(answer)
    assert write(database, ORG, field.clock.now(), owners) == {he}
    moved = acts(field, "customers_moved")
    assert moved == ["console"] * 3
    desk.get("/console/assignments")
    desk.post("/console/assignments/rehearse", customer=CUSTOMERS[:2], to=staff_id("lin"))
    assert "2 Customers would change hands" in desk.text
    desk.follow(desk.post("/console/assignments/move", customer=CUSTOMERS, to=staff_id("lin")))
    assert write(database, ORG, field.clock.now(), owners) == {staff_id("lin")}


def test_a_move_without_customers_or_receiver_is_refused_at_its_field(field: Field) -> None:
    desk = signed_in(field)
    desk.get("/console/assignments")
    assert desk.post("/console/assignments/rehearse", to=staff_id("lin")).status_code == 422
    assert 'href="#f-customers_of"' in desk.page
    assert 'action="/console/assignments"' in desk.page, "the list can be narrowed from here"
    assert desk.post("/console/assignments/move", customer=CUSTOMERS).status_code == 422
    assert 'href="#f-to"' in desk.page and desk.page.count("checked") == 3
    answer = desk.post("/console/assignments/rehearse", customer=CUSTOMERS, to=staff_id("wu"))
    assert answer.status_code == 403 and "Your role may not do this." in desk.text


def test_a_store_manager_sees_and_hands_over_their_own_stores_customers(field: Field) -> None:
    elsewhere = derived_id("console", "elsewhere")
    row = {"id": elsewhere, "name": "别家", "store_id": SOUTH}
    write(field.server.database, ORG, field.clock.now(), lambda unit: unit.create("customer", row))
    desk = signed_in(field, "chen")
    desk.get("/console/assignments")
    assert all(name in desk.page for name in NAMES)
    assert elsewhere not in desk.page and "别家" not in desk.page
    chosen = {"customer": elsewhere, "to": staff_id("lin")}
    for act in ("rehearse", "move"):
        assert desk.post(f"/console/assignments/{act}", **chosen).status_code == 403
    desk.post("/console/assignments/rehearse", customers_of=staff_id("lin"), to=staff_id("chen"))
    assert "3 Customers would change hands" in desk.text
    desk = signed_in(field)
    desk.get("/console/assignments")
    assert elsewhere in desk.page and not any(name in desk.page for name in NAMES)


def test_what_people_call_themselves_is_shown_and_never_run(field: Field) -> None:
    evil = "<script>alert(1)</script>"
    phone = field.phone()
    phone.sign_in("wu", device_name=evil)
    desk = signed_in(field)
    new_user(desk, "evil", name=evil)
    for page in ("/users", f"/devices/{phone.device_id}", "/devices", f"/users/{staff_id('wu')}"):
        desk.get(f"/console{page}")
        assert evil not in desk.page and "<script>" not in desk.page
    assert "&lt;script&gt;" in desk.page
