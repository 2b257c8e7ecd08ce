"""Plans to keep customers at the console, for a store manager."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.clock import to_wire
from shared.ids import derived_id, new_id
from sync_server.services.scopes import assign_customers, enrol
from sync_server.services.writing import Unit, write
from tests.server.desks import signed_in
from tests.server.phones import ORG, STORE, Field, staff_id

SILENT = derived_id("silent customer")


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path)
    now = made.clock.now()

    def work(unit: Unit) -> None:
        enrol(unit, staff_id("chen"))
        row = {"id": SILENT, "name": "静安五金", "tier": "high", "store_id": STORE}
        unit.create("customer", row)
        for days in (100, 110, 120):
            at = to_wire(now - timedelta(days=days))
            order = {"id": new_id(), "customer_id": SILENT, "number": str(days)}
            unit.create("order", order | {"ordered_at": at, "total_cents": 40_000})
        assign_customers(unit, [SILENT], staff_id("lin"))

    write(made.server.database, ORG, now, work)
    yield made
    made.close()


def test_a_manager_has_the_rules_look_and_follows_a_plan_to_its_outcome(field: Field) -> None:
    desk = signed_in(field, "chen")
    desk.get("/console/churn?state=proposed")
    assert "Nothing matches" in desk.text
    shown = desk.follow(desk.post("/console/churn/score"))
    assert "1 plan proposed" in shown
    assert "静安五金" in desk.text and "Silent for long" in desk.text
    assert "Too few customers came back" in desk.text

    def closed(unit: Unit) -> None:
        (plan,) = unit.find("retention_plan", customer_id=SILENT)
        said = {"state": "done", "outcome": "stayed", "owner_id": staff_id("lin")}
        unit.update("retention_plan", plan.id, said | {"cause": "price"})

    write(field.server.database, ORG, field.clock.now(), closed)
    desk.get("/console/churn?state=done&outcome=stayed")
    assert "静安五金" in desk.text and "Price" in desk.text and "Stayed" in desk.text
    desk.get("/console/churn?state=done&outcome=left")
    assert "静安五金" not in desk.text


def test_plans_are_for_the_managers_of_the_store(field: Field) -> None:
    assert signed_in(field).get("/console/churn?state=open").status_code == 403
