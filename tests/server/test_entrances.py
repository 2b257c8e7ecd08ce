"""Where customers write to a store from their own phones (S4 #177)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select

from shared.errors import Code, Refusal
from shared.ids import derived_id
from sync_server.db.base import Database
from sync_server.db.records import RECORDS, to_row
from sync_server.services import audit, entrances, policies
from sync_server.services.desk_queue import queue
from sync_server.services.scopes import enrol
from sync_server.services.writing import Unit, write
from tests.server.desks import Desk, signed_in
from tests.server.phones import ADDRESS, ORG, STORE, Field, staff_id

pytestmark = pytest.mark.thorough

_LINK = re.compile(rf"{ADDRESS}(/c/[\w-]+)")
_ONCE = re.compile(r'name="once" value="([\w-]+)"')
_NUMBER = re.compile(r"Number (C\d+)")
TOLD = {
    "kind": "complaint", "name": "赵敏", "phone": "139 1234 5678", "title": "门锁打不开",
    "description": "钥匙断在里面",
}  # fmt: skip
AGENT = derived_id("agent of the store")


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = staffed(Field.on_sqlite(sqlite_template, tmp_path))
    yield made
    made.close()


@pytest.fixture
def anywhere(db: Database, tmp_path: Path) -> Field:
    """On each database."""
    return staffed(Field.on(db, tmp_path))


def staffed(made: Field) -> Field:
    row = {"id": AGENT, "name": "周", "role": "callback_agent", "store_id": STORE, "active": True}

    def work(unit: Unit) -> None:
        enrol(unit, staff_id("chen"))
        unit.create("staff", row)

    write(made.server.database, ORG, made.clock.now(), work)
    return made


def opened(field: Field, who: str = "chen") -> str:
    """The path of the store's address, as the console shows it."""
    desk = signed_in(field, who)
    desk.get("/console/entrances")
    assert "Open. The code" in desk.follow(desk.post(f"/console/entrances/{STORE}/open"))
    return _LINK.findall(desk.page)[0]


def sent(browser: Desk, path: str, **other: str) -> httpx.Response:
    """A message by the form that the path shows."""
    browser.get(path)
    once = _ONCE.findall(browser.page)[0]
    return browser.post(path, **{**TOLD, "once": once, **other})


def stored(field: Field, entity: str) -> list[dict[str, Any]]:
    with field.server.database.read() as connection:
        rows = connection.execute(select(RECORDS[entity]).where(RECORDS[entity].c.org_id == ORG))
        return [to_row(entity, row) for row in rows]


def test_what_a_customer_writes_is_a_case_in_the_stores_queue_and_they_see_a_number(
    anywhere: Field,
) -> None:
    field = anywhere
    path, browser = opened(field), Desk(field)
    assert sent(browser, path).status_code == 200
    number = _NUMBER.findall(browser.text)[0]
    assert "Received" in browser.text and "赵敏" not in browser.page and not browser.cookies
    now = field.clock.now()
    with field.server.database.read() as connection:
        (waiting,) = queue(connection, ORG, STORE, now, ZoneInfo("Asia/Shanghai")).waiting
    assert (waiting.number, waiting.kind, waiting.state) == (number, "complaint", "new")
    assert waiting.clocks.response.started_at == now and waiting.clocks.response.due_at
    (case,) = stored(field, "case")
    assert (case["title"], case["description"]) == ("门锁打不开", "钥匙断在里面")
    (customer,) = stored(field, "customer")
    assert (customer["name"], customer["stage"], customer["store_id"]) == (
        "赵敏",
        "potential",
        STORE,
    )
    buckets = {grant["bucket"]: grant["staff_id"] for grant in stored(field, "grant")}
    assert buckets[f"customer:{customer['id']}"] == staff_id("chen"), "its store's manager"
    (call,) = stored(field, "callback")
    assert (call["assignee_id"], call["kind"]) == (AGENT, "contact_check")
    assert buckets[f"case:{case['id']}"] == AGENT, "and who calls back, for a while"


def test_nothing_says_whether_a_number_is_known(field: Field) -> None:
    known = derived_id("known")
    row = {"id": known, "name": "甲", "phone": "+86 13912345678", "store_id": STORE}
    write(field.server.database, ORG, field.clock.now(), lambda unit: unit.create("customer", row))
    path, browser = opened(field), Desk(field)
    pages = []
    for phone in ("13912345678", "13900000000"):
        sent(browser, path, phone=phone)
        pages.append(_NUMBER.sub("Number", browser.text))
    assert pages[0] == pages[1]
    first, second = sorted(stored(field, "case"), key=lambda one: one["number"])
    assert first["customer_id"] == known and second["customer_id"] != known
    names = {one["id"]: one["name"] for one in stored(field, "customer")}
    assert names[known] == "甲", "a stranger changes nothing of what is known"
    (opening,) = (e for e in stored(field, "case_event") if e["case_id"] == first["id"])
    assert opening["note"] == "赵敏", "and who wrote is not lost"


def test_a_page_that_is_sent_twice_is_one_case(anywhere: Field) -> None:
    field = anywhere
    path, browser = opened(field), Desk(field)
    browser.get(path)
    once = _ONCE.findall(browser.page)[0]
    numbers = set()
    for _ in range(2):
        assert browser.post(path, **TOLD, once=once).status_code == 200
        numbers.add(_NUMBER.findall(browser.text)[0])
    assert len(numbers) == len(stored(field, "case")) == len(stored(field, "customer")) == 1


def test_an_address_that_was_closed_or_renewed_leads_nowhere(field: Field) -> None:
    path, browser = opened(field), Desk(field)
    browser.get(path)
    once = _ONCE.findall(browser.page)[0]
    renewed = opened(field)
    assert browser.post(path, **TOLD, once=once).status_code == 404 and renewed != path
    desk = signed_in(field)
    desk.get("/console/entrances")
    assert "Closed." in desk.follow(desk.post(f"/console/entrances/{STORE}/close"))
    nowhere = [browser.get(way).status_code for way in (renewed, "/c/none", "/c/" + "x" * 90)]
    assert nowhere == [404] * 3 and stored(field, "case") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phone", "call me"),
        ("phone", "1" * 39),
        ("title", "长" * 161),
        ("description", "a" * 2001),
        ("name", " "),
        ("kind", "repair"),
        ("once", ""),
        ("more", "than is asked"),
    ],
)
def test_what_is_no_message_is_refused_and_what_was_typed_stays(
    field: Field, name: str, value: str
) -> None:
    path, browser = opened(field), Desk(field)
    assert 400 <= sent(browser, path, **{name: value}).status_code < 500
    assert stored(field, "case") == [] and stored(field, "customer") == []
    if name != "description":
        assert "钥匙断在里面" in browser.page


@given(st.text(max_size=60))
@example("甲\u202e乙\u200b\u2066丙\ufeff\x1b[31m")
def test_no_text_turns_hides_or_breaks_what_stands_beside_it(said: str) -> None:
    for lines in (True, False):
        kept = entrances.cleaned(said, lines=lines)
        assert entrances.cleaned(kept, lines=lines) == kept and kept == kept.strip()
        assert not set(kept) & set("\x00\x1b\r\t\u202e\u2066\u200b\ufeff")
        assert lines or "\n" not in kept


def test_one_address_and_one_day_bring_a_store_no_more_than_the_policy_lets_in(
    field: Field,
) -> None:
    path = opened(field)
    there = httpx.ASGITransport(app=field.app, client=("203.0.113.7", 1))

    async def messages() -> list[int]:
        async with httpx.AsyncClient(transport=there, base_url=ADDRESS) as browser:
            given = [TOLD | {"once": str(number)} for number in range(4)]
            return [(await browser.post(path, data=one)).status_code for one in given]

    assert asyncio.run(messages()) == [200] * 3 + [429]

    who = audit.Actor(org_id=ORG, via="cli")
    policies.add_version(field.server.database, who, {"entrance_daily": 4}, None, field.clock.now())
    browser = Desk(field)
    assert [sent(browser, path).status_code for _ in range(2)] == [200, 429]
    field.clock.pass_by(days=1)
    assert sent(browser, path).status_code == 200 and len(stored(field, "case")) == 5


def test_of_messages_that_come_at_once_each_counts(anywhere: Field) -> None:
    field, now = anywhere, anywhere.clock.now()
    database, who = field.server.database, audit.Actor(org_id=ORG, via="cli")
    policies.add_version(database, who, {"entrance_daily": 2}, None, now)
    token = opened(field).rpartition("/")[2]

    def one(once: str) -> str | Code:
        try:
            return entrances.take(database, token, TOLD, once, now)
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(6) as many:
        came = list(many.map(one, "abcdef"))
    assert came.count(Code.TOO_MANY_REQUESTS) == 4 and len(stored(field, "case")) == 2


def test_a_store_manager_opens_their_own_stores_entrance_and_no_other(field: Field) -> None:
    other = derived_id("elsewhere")
    row = {"id": other, "name": "二号店"}
    write(field.server.database, ORG, field.clock.now(), lambda unit: unit.create("store", row))
    desk = signed_in(field, "chen")
    desk.get("/console/entrances")
    assert "二号店" not in desk.text
    assert desk.post(f"/console/entrances/{other}/open").status_code == 403
    assert opened(field, "gao")


def test_no_log_line_holds_the_address_or_what_was_written(
    field: Field, capsys: pytest.CaptureFixture[str]
) -> None:
    path = opened(field)
    capsys.readouterr()
    assert sent(Desk(field), path).status_code == 200
    told = "".join(capsys.readouterr())
    assert "/c/{token}" in told
    secrets = (path.rpartition("/")[2], *TOLD.values())
    assert not [one for one in secrets if one != "complaint" and one in told]
