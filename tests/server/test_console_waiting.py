"""Quarantine, refused changes, conflicts and health at the console."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from shared.clock import to_wire
from shared.ids import derived_id, new_id
from sync_server.db.accounts import DEVICE
from sync_server.db.log import CHANGE_LOG
from sync_server.db.records import RECORDS
from sync_server.services import users
from sync_server.services.audit import command_line
from sync_server.services.epochs import begin_epoch
from sync_server.services.scopes import assign_customer
from sync_server.services.writing import Unit, write
from tests.server.desks import signed_in
from tests.server.phones import ORG, STORE, Field, Phone, staff_id

pytestmark = pytest.mark.thorough

CUSTOMER, NAME = derived_id("console waiting"), "华联商厦"


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path)

    def work(unit: Unit) -> None:
        row = {"id": CUSTOMER, "name": NAME, "city": "上海", "store_id": STORE}
        unit.create("customer", row)
        assign_customer(unit, CUSTOMER, staff_id("lin"))

    write(made.server.database, ORG, made.clock.now(), work)
    yield made
    made.close()


def grant_of(field: Field, name: str) -> str:
    def work(unit: Unit) -> str:
        bucket, staff = f"customer:{CUSTOMER}", staff_id(name)
        return unit.find("grant", bucket=bucket, staff_id=staff)[0].id

    return write(field.server.database, ORG, field.clock.now(), work)


def push(field: Field, phone: Phone, grant: str, **change: Any) -> str:
    """Pushes one change; says what became of it."""
    now = to_wire(field.clock.now())
    told = {
        "change_id": new_id(), "number": 1, "grant_id": grant, "entity": "customer",
        "record_id": CUSTOMER, "kind": "update", "fields": {}, "claimed_at": now,
        "boot_id": "boot", "monotonic_ms": 1,
    }  # fmt: skip
    envelope = {"app_version": "1.0", "sent_at": now, "boot_id": "boot", "monotonic_ms": 1}
    answer = phone.send("POST", "/v1/sync/push", {**envelope, "changes": [{**told, **change}]})
    return str(answer.json()["outcomes"][0]["verdict"])


def logged(field: Field, change_id: str) -> Any:
    with field.server.database.read() as connection:
        query = select(CHANGE_LOG).where(CHANGE_LOG.c.change_id == change_id)
        return connection.execute(query).one()


def row(field: Field, entity: str, record_id: str) -> dict[str, Any] | None:
    def work(unit: Unit) -> dict[str, Any] | None:
        held = unit.get(entity, record_id)
        return dict(held.row) if held else None

    return write(field.server.database, ORG, field.clock.now(), work)


def test_a_manager_applies_what_waits_and_an_administrator_sees_no_word_of_it(field: Field) -> None:
    phone, grant, change_id = field.phone("lin"), grant_of(field, "lin"), new_id()
    now = field.clock.now()
    users.deactivate(field.server.database, command_line(ORG), staff_id("lin"), "security", now)
    fields = {"needs": "下季度备货", "phone": "13900001111"}
    assert push(field, phone, grant, change_id=change_id, fields=fields) == "quarantined"
    gao, chen = signed_in(field), signed_in(field, "chen")
    gao.get("/console/waiting")
    assert "A store manager decides." in gao.text and "下季度备货" not in gao.page
    chen.get("/console/waiting")
    assert "下季度备货" in chen.text
    assert "13900001111" not in chen.page and "139••••11" in chen.text and NAME in chen.text
    assert gao.post(f"/console/waiting/{change_id}/release").status_code == 403
    chen.follow(chen.post(f"/console/waiting/{change_id}/release"))
    assert "The change is applied." in chen.text and "Nothing waits for a decision." in chen.text
    found = row(field, "customer", CUSTOMER)
    assert found is not None and found["needs"] == "下季度备货"
    assert chen.post(f"/console/waiting/{change_id}/release").status_code == 404


def test_an_edit_of_what_a_restore_lost_waits_and_joins_the_record_when_it_comes_again(
    field: Field,
) -> None:
    """The tablet had seen a contact that the backup had not, and comes before the phone that wrote
    it: its edit waits for the contact, and for nobody's decision."""
    phone, tablet, grant = field.phone("lin"), field.phone("lin"), grant_of(field, "lin")
    begin_epoch(field.server.database, ORG)
    edit, contact = new_id(), {"entity": "contact", "record_id": new_id()}
    asked = {"change_id": edit, "fields": {"position": "经理"}, "base": {"position": 7}}
    assert push(field, tablet, grant, **contact, **asked) == "quarantined"
    assert logged(field, edit).code == "record_missing"
    made = {"customer_id": CUSTOMER, "name": "王主任", "phone": "13900001111"}
    assert push(field, phone, grant, **contact, kind="create", fields=made) == "applied"
    assert (logged(field, edit).verdict, logged(field, edit).missing_id) == ("applied", None)
    found = row(field, "contact", contact["record_id"])
    assert found is not None and (found["name"], found["position"]) == ("王主任", "经理")


def test_a_refused_change_goes_through_once_what_it_lacked_is_there(field: Field) -> None:
    phone, grant, change_id, contact = (
        field.phone("lin"),
        grant_of(field, "lin"),
        new_id(),
        new_id(),
    )
    fields = {"position": "经理"}
    asked = {"change_id": change_id, "entity": "contact", "record_id": contact, "fields": fields}
    assert push(field, phone, grant, **asked) == "rejected"
    desk = signed_in(field)
    desk.get("/console/waiting?verdict=rejected")
    assert "There is no such record." in desk.text
    said = desk.follow(desk.post(f"/console/waiting/{change_id}/retry"))
    assert "It is still refused." in said and logged(field, change_id).code == "record_missing"
    new = {"id": contact, "customer_id": CUSTOMER, "name": "王主任"}
    write(field.server.database, ORG, field.clock.now(), lambda unit: unit.create("contact", new))
    said = desk.follow(desk.post(f"/console/waiting/{change_id}/retry"))
    assert "The change went through." in said and "No change was refused." in said
    found = row(field, "contact", contact)
    assert found is not None and found["position"] == "经理"
    assert logged(field, change_id).verdict in {"applied", "merged"}
    assert desk.post(f"/console/waiting/{change_id}/retry").status_code == 404
    assert push(field, phone, grant, **asked) in {"applied", "merged"}


def test_work_of_a_blocked_device_waits_for_a_manager_when_it_is_judged_again(field: Field) -> None:
    phone, grant, change_id, contact = (
        field.phone("lin"),
        grant_of(field, "lin"),
        new_id(),
        new_id(),
    )
    asked = {"change_id": change_id, "entity": "contact", "record_id": contact}
    assert push(field, phone, grant, **asked, fields={"position": "经理"}) == "rejected"
    desk = signed_in(field)
    desk.get(f"/console/devices/{phone.device_id}")
    desk.follow(desk.post(f"/console/devices/{phone.device_id}/block"))
    new = {"id": contact, "customer_id": CUSTOMER, "name": "王主任"}
    write(field.server.database, ORG, field.clock.now(), lambda unit: unit.create("contact", new))
    said = desk.follow(desk.post(f"/console/waiting/{change_id}/retry"))
    assert "It is not applied yet: it waits." in said
    assert logged(field, change_id).verdict == "quarantined"
    assert "position" not in (row(field, "contact", contact) or {})


def test_only_an_administrator_has_changes_judged_again(field: Field) -> None:
    phone, grant, change_id = field.phone("lin"), grant_of(field, "lin"), new_id()
    assert push(field, phone, grant, change_id=change_id, fields={"tier": "high"}) == "rejected"
    chen = signed_in(field, "chen")
    chen.get("/console/waiting")
    assert chen.post(f"/console/waiting/{change_id}/retry").status_code == 403
    assert logged(field, change_id).verdict == "rejected"


def conflict(world: Field, **facts: Any) -> str:
    made = new_id()
    told = {
        "id": made, "customer_id": CUSTOMER, "entity": "customer", "record_id": CUSTOMER,
        "field": "city", "kept_value": "上海", "other_value": "苏州",
        "other_by": staff_id("lin"), "found_at": to_wire(world.clock.now()),
    } | facts  # fmt: skip
    write(world.server.database, ORG, world.clock.now(), lambda u: u.create("conflict", told))
    return made


def looks(field: Field) -> list[tuple[str, ...]]:
    """Who looked at whom, at what, and how."""
    look = RECORDS["look"].c
    query = select(
        look.created_by, look.customer_id, look.entity, look.record_id, look.what
    ).order_by(look.id)
    with field.server.database.read() as connection:
        return [tuple(one) for one in connection.execute(query)]


def test_two_numbers_are_shown_whole_to_who_opens_their_conflict_and_that_is_an_unmasking(
    field: Field,
) -> None:
    made = conflict(field, field="phone", kept_value="13900001111", other_value="13900002222")
    chen = signed_in(field, "chen")
    chen.get("/console/conflicts")
    assert "1390000" not in chen.page and NAME in chen.text
    chen.get(f"/console/conflicts/{made}")
    assert "13900001111" in chen.text and "13900002222" in chen.text
    assert [one[4] for one in looks(field)] == ["unmasked"]
    chen.get("/console/looks")
    assert CUSTOMER[-8:] in chen.page or NAME in chen.text


def test_a_conflicts_values_are_told_in_words(field: Field) -> None:
    chen = signed_in(field, "chen")
    for name, value, shown in (
        ("tier", "mid", "Middle"),
        ("vip", True, "yes"),
        ("contact_verified_at", "2026-11-20T08:00:00.000Z", "2026-11-20 16:00"),
        ("needs", None, "–"),
        ("forecast_12m_cents", 1250, "12.50"),
    ):
        made = conflict(field, field=name, kept_value=value, other_value=value)
        chen.get(f"/console/conflicts/{made}")
        assert chen.page.count(f"<strong>{shown}</strong>") == 2, name


def test_a_manager_takes_one_of_two_values_and_an_administrator_sees_neither(field: Field) -> None:
    made = conflict(field)
    gao, chen = signed_in(field), signed_in(field, "chen")
    gao.get("/console/conflicts")
    assert "Open" in gao.text and "苏州" not in gao.page and "上海" not in gao.page
    assert NAME not in gao.page
    assert gao.post(f"/console/conflicts/{made}/other").status_code == 403
    assert gao.get(f"/console/conflicts/{made}").status_code == 404
    chen.get("/console/conflicts")
    assert "苏州" not in chen.text and f"/console/conflicts/{made}" in chen.page
    assert looks(field) == []
    chen.get(f"/console/conflicts/{made}")
    assert "苏州" in chen.text and "上海" in chen.text
    assert looks(field) == [(staff_id("chen"), CUSTOMER, "customer", CUSTOMER, "opened")]
    assert chen.post(f"/console/conflicts/{made}/third").status_code == 422
    chen.follow(chen.post(f"/console/conflicts/{made}/other"))
    assert "The other one taken" in chen.text
    found = row(field, "customer", CUSTOMER)
    assert found is not None and found["city"] == "苏州"
    assert chen.post(f"/console/conflicts/{made}/kept").status_code == 409


def test_health_shows_the_doctor_and_how_far_devices_are_behind(field: Field) -> None:
    phone, desk = field.phone("lin"), signed_in(field)
    since = to_wire(field.clock.now())
    with field.server.database.write() as connection:
        told = {"unsent": 7, "unsent_since": since}
        connection.execute(update(DEVICE).where(DEVICE.c.id == phone.device_id).values(**told))
    field.clock.pass_by(days=4)
    desk = signed_in(field)
    desk.get("/console/health")
    assert "1 Devices not heard of for 3 days" in desk.text
    assert "1 Devices with work older than a day" in desk.text
    assert "7 Unsent changes known of" in desk.text
    assert '<svg class="chart"' in desk.page and "≤ 7 days: 1" in desk.page
    assert "Backups" in desk.text and "none taken" in desk.text
    metrics = field.client.get("/metrics").text
    assert 'huifang_waiting{what="devices_stuck"} 1.0' in metrics
    assert 'huifang_waiting{what="unsent_changes"} 7.0' in metrics
    desk.get("/console")
    assert "1 Devices with work older than a day" in desk.text
    desk.language = "zh-CN"
    desk.get("/console/health")
    assert "从未备份" in desk.text and "none taken" not in desk.text
