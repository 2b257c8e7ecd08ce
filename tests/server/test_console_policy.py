"""The policy editor: a change is looked at before it is stored, and taken back before it holds."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.ids import derived_id
from shared.policy import DEFAULTS, NOT_IN_USE, SETTINGS, PolicySettings
from sync_server.services import accounts
from sync_server.services.writing import Unit, write
from tests.server.desks import Desk, signed_in
from tests.server.phones import ORG, Field

pytestmark = pytest.mark.thorough

_INPUT = re.compile(r'<input[^>]*?name="([\w.]+)"[^>]*?>')
_VALUE = re.compile(r'value="([^"]*)"')
_CHOSEN = re.compile(r'<select[^>]*name="([\w.]+)".*?value="(\w*)" selected', re.DOTALL)
LATER = "2026-12-01T08:00"


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path)
    yield made
    made.close()


@pytest.fixture
def desk(field: Field) -> Desk:
    return signed_in(field)


def form_of(page: str) -> dict[str, str]:
    """What a browser would send of the page's form as it stands."""
    sent = dict(_CHOSEN.findall(page))
    for found in _INPUT.finditer(page):
        ticked = 'type="checkbox"' not in found[0] or " checked" in found[0]
        if ticked:
            value = _VALUE.search(found[0])
            sent[found[1]] = html.unescape(value[1]) if value else "on"
    sent.pop("form_token")
    return sent


def change(desk: Desk, step: str = "preview", **values: str) -> int:
    desk.get("/console/policy/change")
    answer = desk.post("/console/policy/change", **{**form_of(desk.page), "step": step, **values})
    return answer.status_code


def holds(field: Field) -> PolicySettings:
    with field.server.database.read() as connection:
        return accounts.policy_of(connection, ORG, field.clock.now())


def test_every_setting_stands_on_the_page_and_in_the_form(desk: Desk) -> None:
    desk.get("/console/policy")
    assert "S0 #17" in desk.text and "3 working days" in desk.text and "3,000.00" in desk.text
    desk.get("/console/policy/change")
    sent = form_of(desk.page)
    names = {name.partition(".")[0] for name in sent}
    assert SETTINGS.keys() - names == {"totp_strict"}  # a box that is not ticked
    assert sent["tier_high_cents"] == "3000.00" and sent["repair_callback_days"] == "2"


def test_what_no_rule_obeys_yet_is_said_to_be_out_of_use(desk: Desk) -> None:
    for path in ("/console/policy", "/console/policy/change"):
        desk.get(path)
        assert desk.text.count("Not in use yet.") == len(NOT_IN_USE), path


def test_a_flow_is_changed_in_its_table_and_a_wrong_cell_stands_at_its_flow(
    field: Field, desk: Desk
) -> None:
    cells = {
        "flow_complaint.review.amount": "6",
        "flow_complaint.process.amount": "",
        "flow_complaint.feedback.escalate_to": "head_office",
    }
    assert change(desk, "store", **cells) == 303
    nodes = {node.name: node for node in holds(field).flow("complaint")}
    assert str(nodes["review"]) == "review store_manager 6 hours head_office 16 hours"
    assert str(nodes["process"]) == "process technician none"
    assert nodes["feedback"].escalate_to == "head_office"
    assert holds(field).flow("repair") == DEFAULTS.flow("repair")
    desk.get("/console/policy")
    assert "Process: Technician, no limit" in desk.text
    assert change(desk, **{"flow_repair.apply.amount": "soon"}) == 422
    assert "Repair: flow" in desk.text and 'value="soon"' in desk.page
    assert holds(field).flow("repair") == DEFAULTS.flow("repair")


def test_a_change_is_shown_with_what_it_moves_then_stored_then_undone(field: Field) -> None:
    def work(unit: Unit) -> None:
        row = {"id": derived_id("policy", "one"), "name": "甲", "tier": "mid"}
        unit.create("customer", {**row, "spend_12m_cents": 280_000, "orders_12m": 9})

    write(field.server.database, ORG, field.clock.now(), work)
    desk = signed_in(field)
    looked = change(desk, tier_high_cents="2,500.00", holds_from=LATER, totp_strict="on")
    assert looked == 200
    assert "3,000.00 2,500.00" in desk.text
    assert "1 customer changes tier" in desk.text and "1 from Middle to High" in desk.text
    desk.get("/console/policy")
    assert ">coming<" not in desk.page, "a preview stores nothing"
    change(desk, tier_high_cents="2500", holds_from=LATER, totp_strict="on")
    sent = form_of(desk.page)
    answer = desk.post("/console/policy/change", **sent, step="store")
    assert "Version 2 is stored." in desk.follow(answer)
    assert "coming" in desk.text and "3,000.00 → 2,500.00" in desk.text and "gao" in desk.text
    assert "Sign-in" not in desk.text.partition("Version 2 is stored.")[0]
    assert "Version 2 is withdrawn." in desk.follow(desk.post("/console/policy/2/withdraw"))
    assert "withdrawn" in desk.text
    field.clock.pass_by(days=30)
    assert holds(field).tier_high_cents == DEFAULTS.tier_high_cents


def test_a_change_at_once_holds_at_once(desk: Desk, field: Field) -> None:
    assert change(desk, "store", idle_lock_minutes="5", totp_required_roles="") == 303
    assert holds(field).idle_lock_minutes == 5 and holds(field).totp_required_roles == ""
    desk.get("/console/policy")
    desk.post("/console/policy/2/withdraw")
    assert "does not follow the present one" in desk.text, "what holds is not taken back"


def test_a_seat_of_the_panel_is_given_to_people_by_name(desk: Desk, field: Field) -> None:
    wu, left = derived_id("staff", "seat"), derived_id("staff", "left")
    people = [(wu, "吴敏", True), (left, "郑凯", False)]

    def work(unit: Unit) -> None:
        for one, name, active in people:
            row = {"id": one, "name": name, "role": "account_manager", "active": active}
            unit.create("staff", row)

    write(field.server.database, ORG, field.clock.now(), work)
    desk.get("/console/policy/change")
    assert "吴敏" in desk.text and "郑凯" not in desk.text
    assert change(desk, panel_sales=f"store_manager {wu} {left}") == 200
    assert "Store manager, 吴敏, 郑凯" in desk.text and wu not in desk.text
    answer = desk.post("/console/policy/change", **form_of(desk.page), step="store")
    assert answer.status_code == 303
    assert holds(field).panel_sales == f"store_manager {wu} {left}"
    desk.get("/console/policy")
    assert "吴敏" in desk.text and wu not in desk.text
    desk.get("/console/policy/change")
    assert re.search(f'value="{wu}" checked', desk.page)
    assert "Somebody who works here no more" in desk.text


WRONG = [
    ({"lease_hours": "3"}, "Lease length: A value does not fit its field."),
    ({"lease_hours": "many"}, "Lease length: A value does not fit its field."),
    ({"lease_hours": ""}, "Lease length: A required field is empty."),
    ({"tier_high_cents": "1.005"}, "High tier: spend in a year: A value does not fit"),
    ({"tier_mid_cents": "9000.00"}, "Mid tier: spend in a year: A value does not fit"),
    ({"lease_hours": "24", "holds_from": "2026-11-21T10:00"}, "Now or later, and after every"),
    ({"lease_hours": "24", "holds_from": "0001-01-01T00:00"}, "Holds from: A value does not"),
    ({}, "No change"),
]


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(desk: Desk) -> None:
    for values, said in WRONG:
        status = change(desk, visit_minutes="45", **values)
        assert status == 422 and said in desk.text, values
        assert all(f'value="{value}"' in desk.page for value in values.values() if value), values


def test_going_back_from_the_preview_keeps_what_was_filled_in(desk: Desk) -> None:
    change(desk, lease_hours="24", tier_mid_cents="800.50")
    answer = desk.post("/console/policy/change", **{**form_of(desk.page), "step": "edit"})
    assert answer.status_code == 200
    sent = form_of(desk.page)
    assert (sent["lease_hours"], sent["tier_mid_cents"]) == ("24", "800.50")
    assert sent["totp_required_roles"] == "administrator"


def test_two_who_change_it_at_once_do_not_undo_each_other(desk: Desk, field: Field) -> None:
    change(desk, lease_hours="24")
    mine = form_of(desk.page)
    field.clock.pass_by(minutes=1)
    assert change(signed_in(field), "store", idle_lock_minutes="5") == 303
    field.clock.pass_by(minutes=1)
    answer = desk.post("/console/policy/change", **mine, step="store")
    assert answer.status_code == 409 and "Somebody stored another version" in desk.text
    assert (holds(field).idle_lock_minutes, holds(field).lease_hours) == (5, 72)


def test_only_administrators_come_to_the_policy(field: Field) -> None:
    manager = signed_in(field, "chen")
    for path in ("/console/policy", "/console/policy/change"):
        assert manager.get(path).status_code == 403
    assert manager.post("/console/policy/change", lease_hours="24").status_code == 403
