"""The console's pages for who looked at whom: filters, alarms, the weekly sample, the audit log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from shared.clock import to_wire
from shared.ids import new_id
from shared.unusual import KINDS
from sync_server.admin.texts import catalogue
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.db.log import ALARM
from sync_server.services import scopes
from sync_server.services.alarms import BROKEN
from sync_server.services.audit import Action
from sync_server.services.writing import Unit, write
from tests.server.desks import signed_in
from tests.server.phones import ORG, STORE, Field, staff_id

NAME = "王秘密商贸"


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path)
    yield field
    field.close()


def at_the_office(field: Field, work: Any) -> Any:
    return write(field.server.database, ORG, field.clock.now(), work)


def a_customer(field: Field) -> str:
    """Of lin's, in chen's store."""
    made = new_id()

    def work(unit: Unit) -> None:
        unit.create("customer", {"id": made, "name": NAME, "store_id": STORE})
        scopes.assign_customer(unit, made, staff_id("lin"))
        scopes.enrol(unit, staff_id("chen"))

    at_the_office(field, work)
    return made


def looked(field: Field, who: str, customer_id: str | None, what: str = "opened") -> str:
    row = {
        "id": new_id(), "customer_id": customer_id, "entity": "customer", "what": what,
        "record_id": customer_id or new_id(), "looked_at": to_wire(field.clock.now()),
        "number": 1, "previous": "0" * 64, "created_by": staff_id(who),
        "hits": 3 if what == "searched" else None,
    }  # fmt: skip
    at_the_office(field, lambda unit: unit.create("look", row))
    return str(row["id"])


def test_looks_are_listed_and_filtered_and_an_administrator_reads_no_customers_name(
    field: Field,
) -> None:
    customer = a_customer(field)
    looked(field, "lin", customer)
    looked(field, "lin", None, "searched")
    looked(field, "wu", customer, "unmasked")
    desk = signed_in(field)
    desk.get("/console/looks")
    assert "3 entries" in desk.text and "3 hits" in desk.text
    assert NAME not in desk.page and customer in desk.page
    for asked, count in (
        ("what=searched", 1),
        ("staff=w", 1),
        (f"customer={customer}", 2),
        ("day=2026-11-21", 3),
        ("day=2026-11-20", 0),
        ("day=yesterday", 0),
        ("device=nobody's", 0),
    ):
        desk.get(f"/console/looks?{asked}")
        found = re.search(r"(\d+) entr", desk.text)
        assert int(found[1] if found else 0) == count, asked
    manager = signed_in(field, "chen")
    manager.get("/console/looks")
    assert NAME in manager.text, "a store manager holds their store's customers"
    assert acts_of(field).count("looks_listed") == 9


@pytest.mark.parametrize("aside", ["?after=", "?before=x", "?after=WyJ6IiwieiJd"])
def test_no_address_reads_what_is_on_record_without_a_record_of_it(
    field: Field, aside: str
) -> None:
    looked(field, "lin", a_customer(field))
    desk = signed_in(field)
    for page in ("looks", "acts"):
        desk.get(f"/console/{page}{aside}")
    phone = field.phone("gao")
    assert phone.send("GET", "/v1/audit/looks?after=zzzz").json()["looks"]
    assert phone.send("GET", "/v1/audit/entries?below=9999999").json()["entries"]
    acts = acts_of(field)
    assert (acts.count("looks_listed"), acts.count("audit_listed")) == (2, 2)


def acts_of(field: Field) -> list[str]:
    with field.server.database.read() as connection:
        return list(connection.scalars(select(AUDIT_ENTRY.c.action)))


def test_an_alarm_is_seen_and_explained_at_the_console(field: Field) -> None:
    told = {"day": "2026-11-20", "customers": 9, "kind": "reading_many"}
    told |= {"first": "2026-11-20T08:00:00.000Z", "last": "2026-11-20T08:40:00.000Z"}
    with field.server.database.write() as connection:
        for name in ("lin", "chen"):
            connection.execute(
                ALARM.insert().values(
                    org_id=ORG, id=f"about-{name}", kind="reading_many", device_id="",
                    raised_at=to_wire(field.clock.now()), staff_id=staff_id(name),
                    subject_id=staff_id(name), detail=json.dumps(told),
                )
            )  # fmt: skip
    desk = signed_in(field, "chen")
    desk.get("/console/alarms?alarm_state=open")
    assert "2 entries" in desk.text
    desk.get("/console/alarms/about-lin")
    assert "Very many customers in an hour" in desk.text and "2026-11-20 16:40" in desk.text
    assert "Marked as seen" in desk.follow(desk.post("/console/alarms/about-lin/seen"))
    desk.get("/console/alarms/about-lin")
    answer = desk.post("/console/alarms/about-lin/explain", explanation=" ")
    assert answer.status_code == 422 and "Explanation:" in desk.text
    said = desk.follow(desk.post("/console/alarms/about-lin/explain", explanation="月度盘点"))
    assert "Explained." in said
    desk.get("/console/alarms/about-lin")
    assert "月度盘点" in desk.text
    desk.get("/console/alarms/about-chen")
    assert "somebody else explains it" in desk.text
    assert desk.post("/console/alarms/about-chen/explain", explanation="x").status_code == 403
    assert desk.get("/console/alarms/nobody's").status_code == 404


def test_a_weeks_sample_is_reviewed_at_the_console(field: Field) -> None:
    customer = a_customer(field)
    one = looked(field, "lin", customer)
    own = looked(field, "chen", customer)
    field.server.watch_looks()
    desk = signed_in(field, "chen")
    desk.get("/console/reviews")
    assert "2 waiting" in desk.text
    path = re.search(r"/console/reviews/[\w-]+", desk.page)
    assert path is not None
    desk.get(path[0])
    assert NAME in desk.text and "somebody else reviews it" in desk.text
    said = desk.follow(desk.post(f"{path[0]}/{one}", verdict="question", note="为什么？"))
    assert "Reviewed: a question." in said and "为什么？" in said
    assert desk.post(f"{path[0]}/{own}", verdict="fine").status_code == 403
    assert desk.post(f"{path[0]}/{one}", verdict="perhaps").status_code == 422
    field.clock.pass_by(days=8)
    desk = signed_in(field)
    assert "1 Looks whose review is overdue" in desk.text
    desk.get("/console/reviews")
    assert "1 overdue" in desk.text
    desk.get(path[0])
    assert NAME not in desk.page
    assert desk.get("/console/reviews/nobody's").status_code == 404


def test_the_audit_log_is_read_and_verified_by_administrators_alone(field: Field) -> None:
    desk = signed_in(field)
    field.phone("lin")
    desk.get("/console/acts")
    assert "Signed in" in desk.text and "App 127.0.0.0/24" in desk.text
    desk.get("/console/acts?action=device_enrolled&actor=l")
    assert "1 entry" in desk.text
    answer = desk.post("/console/acts/verify")
    assert answer.status_code == 200 and "It holds" in desk.text
    assert signed_in(field, "chen").get("/console/acts").status_code == 403


def test_everything_that_is_recorded_or_raised_has_words() -> None:
    for language in ("en", "zh-CN"):
        wanted = {f"choice.action.{action.value}" for action in Action}
        wanted |= {f"choice.alarm_kind.{kind}" for kind in (*BROKEN, *KINDS)}
        wanted |= {f"alarms.about.{kind}" for kind in (*BROKEN, *KINDS)}
        assert wanted <= catalogue(language).keys(), wanted - catalogue(language).keys()


@pytest.mark.parametrize("page", ["looks", "acts", "alarms"])
def test_a_long_list_is_read_in_the_order_of_an_index(field: Field, page: str) -> None:
    desk, said = signed_in(field), []

    def heard(_connection: Any, _cursor: Any, text: str, values: Any, *_other: Any) -> None:
        if "ORDER BY" in text and "LIMIT" in text:
            said.append((text, values))

    event.listen(field.server.database.engine, "before_cursor_execute", heard)
    desk.get(f"/console/{page}")
    event.remove(field.server.database.engine, "before_cursor_execute", heard)
    listed = [one for one in said if "JOIN staff_row" in one[0]]
    with field.server.database.read() as connection:
        for text, values in listed:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all()
            # The key that follows an index's last column may be sorted for rows of one moment.
            sorted_whole = [row[3] for row in plan if row[3] == "USE TEMP B-TREE FOR ORDER BY"]
            assert not sorted_whole, plan
    assert listed
