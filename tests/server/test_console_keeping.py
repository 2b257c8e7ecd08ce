"""The console's pages about keeping: backups and their drills, and customers that are erased."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import Code
from shared.ids import new_id
from sync_server.services.backup_drill import last_drill
from sync_server.services.backup_manifest import whole_backups
from sync_server.services.erasing import preview
from sync_server.services.writing import write
from tests.server.desks import signed_in
from tests.server.phones import ORG, Field

pytestmark = pytest.mark.thorough


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path, backup_dir=tmp_path / "backups")
    yield made
    made.close()


def a_customer(field: Field) -> str:
    made = new_id()
    write(
        field.server.database, ORG, field.clock.now(),
        lambda unit: unit.create("customer", {"id": made, "name": "金丝雀商厦"}) and None,
    )  # fmt: skip
    return made


def test_a_backup_is_taken_and_restored_to_see_from_the_console(field: Field) -> None:
    desk = signed_in(field)
    desk.get("/console/backups")
    assert "None yet" in desk.text and "No backup was ever restored" in desk.text
    assert "A backup was taken." in desk.follow(desk.post("/console/backups/take"))
    assert "Restored and found whole." in desk.follow(desk.post("/console/backups/drill"))
    assert "Undo" not in desk.text  # nothing takes a drill back
    assert "Whole" in desk.text and last_drill(field.server.database) is not None
    field.clock.pass_by(minutes=5)
    desk.get("/console/backups")
    (one,) = whole_backups(field.server.settings.backup_dir or Path())
    copy = (field.server.settings.backup_dir or Path()) / one.database
    copy.write_bytes(bytes(one.bytes))
    assert "It would not serve" in desk.follow(desk.post("/console/backups/drill"))
    assert 'class="said warn"' in desk.page
    assert "Other bytes than when it was taken" in desk.text


def test_without_a_folder_the_page_says_what_to_set(sqlite_template: Path, tmp_path: Path) -> None:
    field = Field.on_sqlite(sqlite_template, tmp_path)
    desk = signed_in(field)
    desk.get("/console/backups")
    assert "HUIFANG_BACKUP_DIR" in desk.text
    assert desk.post("/console/backups/take").status_code == Code.FIELD_REQUIRED.status
    field.close()


def test_a_customer_is_erased_in_two_steps_and_no_page_names_them(field: Field) -> None:
    customer_id = a_customer(field)
    desk = signed_in(field)
    desk.get("/console/erasures")
    found = desk.post("/console/erasures", customer_id=customer_id)
    assert "1 Customer" in desk.follow(found) and "金丝雀" not in desk.page
    path = f"/console/erasures/{customer_id}"
    plan = preview(field.server.database, ORG, customer_id).plan
    assert desk.post(path, plan=plan, reason="").status_code == Code.FIELD_REQUIRED.status
    assert desk.post(path, plan="x", reason="letter").status_code == Code.PREVIEW_OUTDATED.status
    assert plan in desk.page  # what is shown is what is confirmed next
    said = desk.follow(desk.post(path, plan=plan, reason="letter of 3 May"))
    assert "The customer was erased." in said and "letter of 3 May" in said
    assert desk.get(path).status_code == Code.CUSTOMER_ERASED.status
    ledger = (field.server.settings.backup_dir or Path()) / "erasures.jsonl"
    assert customer_id in ledger.read_text()


def test_a_number_that_is_nobodys_is_said_at_the_form(field: Field) -> None:
    desk = signed_in(field)
    desk.get("/console/erasures")
    for number in (new_id(), "nobody"):
        answer = desk.post("/console/erasures", customer_id=number)
        assert answer.status_code == Code.RECORD_MISSING.status


def test_a_store_manager_finds_neither_page(field: Field) -> None:
    desk = signed_in(field, "chen")
    for path in ("/console/backups", "/console/erasures"):
        assert desk.get(path).status_code == Code.ROLE_NOT_ALLOWED.status
