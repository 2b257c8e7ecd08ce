"""The desk and the feedback at the console: clocks of every open case, and what customers say of
us, without a customer in either."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus
from zoneinfo import ZoneInfo

import pytest

from shared.clock import to_wire
from shared.ids import derived_id, new_id
from sync_server.db.base import Database
from sync_server.services import feedback_figures
from sync_server.services.audit import Actor
from sync_server.services.desk_queue import queue
from sync_server.services.scopes import assign_customers
from sync_server.services.writing import Unit, write
from tests.server.desks import signed_in
from tests.server.phones import ORG, START, STORE, Field, staff_id

ZONE = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)


@pytest.fixture
def field(db: Database, tmp_path: Path) -> Iterator[Field]:
    yield Field.on(db, tmp_path)


@pytest.fixture
def local(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path)
    yield made
    made.close()


def customer(unit: Unit, name: str, **fields: Any) -> str:
    found = derived_id("customer", name)
    if unit.get("customer", found) is None:
        unit.create("customer", {"id": found, "name": name, "store_id": STORE, **fields})
    return found


def case(unit: Unit, number: str, of: str, *moves: tuple[float, str], **fields: Any) -> None:
    """A case opened at START with its `moves`: (hours later, state)."""
    case_id = derived_id("case", number)
    given = {
        "id": case_id, "number": number, "customer_id": of, "kind": "complaint", "title": "门锁",
        "state": moves[-1][1] if moves else "new", "opened_at": to_wire(START), "store_id": STORE,
    }  # fmt: skip
    unit.create("case", given | fields)
    for hours, state in moves:
        unit.create(
            "case_event",
            {
                "id": derived_id("event", number, str(hours)), "case_id": case_id,
                "customer_id": of, "kind": "moved", "to_state": state,
                "happened_at": to_wire(START + hours * HOUR),
            },
        )  # fmt: skip


def opened(field: Field) -> None:
    def work(unit: Unit) -> None:
        plain, vip = customer(unit, "甲"), customer(unit, "乙", vip=True)
        case(unit, "C-1", plain)
        case(unit, "C-2", vip, (1, "assigned"))
        case(unit, "C-3", plain, (1, "assigned"), (2, "accepted"), assignee_id=staff_id("wu"))
        case(unit, "C-4", plain, (1, "assigned"), (2, "resolved"), (3, "closed"))
        case(unit, "C-5", plain, store_id=None)

    write(field.server.database, ORG, field.clock.now(), work)


def test_every_open_case_stands_in_the_queue_on_its_clock_with_vips_first(field: Field) -> None:
    opened(field)
    field.clock.pass_by(hours=4)
    now = field.clock.now()
    with field.server.database.read() as connection:
        mine = queue(connection, ORG, STORE, now, ZONE)
        whole = queue(connection, ORG, None, now, ZONE)
    assert [one.number for one in mine.waiting] == ["C-2", "C-1", "C-3"]
    assert {one.number for one in whole.waiting} == {"C-1", "C-2", "C-3", "C-5"}
    first, second, third = mine.waiting
    assert (first.vip, first.node.node.name, first.late) == (True, "review", False)
    assert second.late and second.clocks.escalated_to == "store_manager"
    assert third.node.clock.started_at == START + 2 * HOUR and third.node.clock.policy == 1
    assert (mine.late, mine.escalated) == (1, 1)
    assert mine.by_node == {"apply": 1, "review": 1, "process": 1, "feedback": 0}


def test_the_desk_shows_timers_and_no_customer_and_keeps_managers_to_their_store(
    local: Field,
) -> None:
    opened(local)
    local.clock.pass_by(hours=4)
    desk = signed_in(local, "chen")
    desk.get("/console/desk")
    assert "C-2 VIP" in desk.text and "over by 3 h" in desk.text and "3 open" in desk.text
    assert "甲" not in desk.text and "门锁" not in desk.text and "C-5" not in desk.text
    desk.get("/console/desk?show=escalated")
    assert "C-1" in desk.text and "C-2" not in desk.text
    desk.get("/console/desk?kind=repair")
    assert "No open cases." in desk.text
    administrator = signed_in(local)
    administrator.get("/console/desk")
    assert "C-5" in administrator.text and "甲" not in administrator.text
    assert "waits for word" not in administrator.text
    local.clock.pass_by(days=4)
    administrator = signed_in(local)
    administrator.get("/console/desk")
    assert "Customer waits for word" in administrator.text


def said(field: Field) -> None:
    """Six customers of quality, two of speed; one complaint that was noted as feedback as well."""

    def work(unit: Unit) -> None:
        for number in range(8):
            of = customer(unit, f"客户{number}")
            topic = "product.quality" if number < 6 else "service.speed"
            row = {
                "id": derived_id("said", str(number)), "customer_id": of, "topic": topic,
                "said": "不好用", "happened_at": to_wire(START - HOUR),
                "due_at": to_wire(START - timedelta(minutes=number)),
            }  # fmt: skip
            if number == 0:
                case(unit, "C-9", of, category=topic)
                row["case_id"] = derived_id("case", "C-9")
            done = {"finished_at": to_wire(START), "effect": "solved"} if number == 7 else {}
            unit.create("feedback", row | done)

    write(field.server.database, ORG, field.clock.now(), work)


def test_frequency_and_share_count_a_complaint_once_and_tell_head_office_of_no_few(
    field: Field,
) -> None:
    said(field)
    now = START + HOUR
    with field.server.database.read() as connection:
        for_store, for_all, before = (
            feedback_figures.shares(connection, ORG, since, now, store_id=store)
            for since, store in ((START - 9 * HOUR, STORE), (START - 9 * HOUR, None), (now, STORE))
        )
    figures = [(r.topic, r.count, r.percent, r.overdue, r.solved) for r in for_store.rows]
    assert figures == [("product.quality", 6, 75, 6, 0), ("service.speed", 2, 25, 1, 1)]
    assert for_store.total == 8
    shown = {r.topic: (r.count, r.percent, r.solved) for r in for_all.rows}
    assert shown["service.speed"] == (None, None, None)
    assert for_all.total is None or shown["product.quality"][0] is None, "the rest would follow"
    assert before.rows == []


def test_a_departments_list_says_what_it_owes_by_when_and_what_came_of_the_rest(
    local: Field,
) -> None:
    said(local)
    stranger = derived_id("customer", "路人")

    def routed(unit: Unit) -> None:
        for number in range(8):
            department = "品质部" if number < 6 else "客服部"
            unit.update("feedback", derived_id("said", str(number)), {"department": department})
        assign_customers(unit, [derived_id("customer", "客户1")], staff_id("chen"))
        unit.create("customer", {"id": stranger, "name": "路人"})
        row = {"id": new_id(), "customer_id": stranger, "topic": "price", "said": "太贵"}
        at = {"happened_at": to_wire(START), "due_at": to_wire(START + 99 * HOUR)}
        unit.create("feedback", row | at | {"department": "销售部"})

    write(local.server.database, ORG, local.clock.now(), routed)
    manager = signed_in(local, "chen")
    manager.follow(manager.get("/console/feedback/owed"))
    assert "6 品质部 · 5 overdue · 0 finished" in manager.text
    assert "1 客服部 · 1 overdue · 1 finished" in manager.text
    assert "客户1" in manager.text and "客户2" not in manager.text, "names of whom they hold"
    assert "不好用" in manager.text and "销售部" not in manager.text, "another store's"
    manager.get("/console/feedback/owed?standing=finished")
    assert "Solved" in manager.text and "Overdue" not in manager.text.split("Effect", 2)[-1]
    administrator = signed_in(local)
    administrator.follow(administrator.get("/console/feedback/owed"))
    assert "1 销售部 · 0 overdue" in administrator.text
    assert "不好用" not in administrator.text and "客户1" not in administrator.text
    administrator.get("/console/feedback/owed?standing=owed&department=销售部|Sales")
    assert "price" in administrator.text and "product.quality" not in administrator.text


def test_whoever_belongs_to_a_department_begins_with_its_list(local: Field) -> None:
    def teamed(unit: Unit) -> None:
        unit.update("staff", staff_id("chen"), {"team": "Quality desk"})

    topic = feedback_figures.Topic(
        key="quality", title={"en": "Quality"}, workdays=5,
        department={"zh-CN": "品质部", "en": "Quality desk"},
    )  # fmt: skip
    write(local.server.database, ORG, local.clock.now(), teamed)
    actor = Actor(org_id=ORG, via="cli")
    feedback_figures.keep_topic(local.server.database, actor, topic, local.clock.now())
    said(local)
    routed = {"department": "品质部"}
    write(
        local.server.database, ORG, local.clock.now(),
        lambda unit: unit.update("feedback", derived_id("said", "1"), routed),
    )  # fmt: skip
    desk = signed_in(local, "chen")
    answer = desk.get("/console/feedback/owed")
    assert unquote_plus(answer.headers["location"]).endswith("department=Quality desk|品质部")
    assert "1 Quality desk · 1 overdue" in desk.follow(answer), "by its name in their language"
    assert "品质部" not in desk.text


def test_the_taxonomy_is_edited_by_administrators_and_a_retired_topic_goes_on_counting(
    local: Field,
) -> None:
    said(local)
    desk = signed_in(local)
    desk.get("/console/feedback/topics/new")
    topic = {
        "key": "product.quality", "title_zh": "质量", "title_en": "Quality",
        "department_zh": "品质部", "department_en": "Quality desk", "workdays": "5",
    }  # fmt: skip
    wrong = desk.post("/console/feedback/topics/new", **{**topic, "workdays": "soon"})
    assert wrong.status_code == 422 and "Working days to deal with it" in desk.text
    answer = desk.post("/console/feedback/topics/new", **topic)
    assert "Topic kept" in desk.follow(answer)
    assert "Quality desk" in desk.text and "service.speed" in desk.text
    assert desk.post("/console/feedback/topics/new", **topic).status_code == 303  # sent again
    taken = desk.post("/console/feedback/topics/new", **{**topic, "title_en": "Another"})
    assert taken.status_code == 409 and "is already there" in desk.text
    desk.get("/console/feedback/topics/product.quality")
    answer = desk.post("/console/feedback/topics/product.quality", **topic, retired="on")
    assert "retired" in desk.follow(answer)
    with local.server.database.read() as connection:
        (kept,) = feedback_figures.topics(connection, ORG)
    assert (kept.title["en"], kept.workdays, kept.retired) == ("Quality", 5, True)
    manager = signed_in(local, "chen")
    manager.get("/console/feedback")
    assert "75%" in manager.text and "New topic" not in manager.text
    assert manager.get("/console/feedback/topics/new").status_code == 403
