"""Working-day calendars put in from files: read by line, looked at first, year by year."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import derived_id
from shared.workdays import Workdays, from_data
from sync_server.admin.texts import catalogue
from sync_server.db.base import Database
from sync_server.importing import founding
from sync_server.services import audit
from sync_server.services.calendar_files import LARGEST, as_data, read_calendar
from sync_server.services.calendars import calendar_of, preview, store_calendar
from sync_server.services.writing import Unit, write
from tests.server.desks import Desk, signed_in
from tests.server.phones import ORG, Field, staff_id
from tests.server.test_console_policy import form_of

WHO = audit.Actor(org_id=ORG, via="console", staff_id=staff_id("gao"))
CHINA = json.loads((Path(founding.__file__).parent / "calendar_cn.json").read_text("utf-8"))
CSV = "date,kind\n2027-02-05,holiday\n2027-02-06,holiday\n2027/2/14,班\n"
ICAL = """\
BEGIN:VCALENDAR
BEGIN:VEVENT
DTSTART;VALUE=DATE:20270205
DTEND;VALUE=DATE:20270207
SUMMARY:春节
  假期
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20270214
SUMMARY:春节
X-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY
END:VEVENT
END:VCALENDAR
"""
SPRING = {date(2027, 2, 5): False, date(2027, 2, 14): True}
# 2027-02-06 is a Saturday: off as it is, so that the day says no more than the year.


def problems(text: str | bytes) -> list[tuple[int, str]]:
    found = read_calendar(text if isinstance(text, bytes) else text.encode())
    return [(one.line, one.reason) for one in found.problems]


@pytest.fixture
def field(db: Database, tmp_path: Path) -> Iterator[Field]:
    yield Field.on(db, tmp_path)


@pytest.fixture
def desk(sqlite_template: Path, tmp_path: Path) -> Iterator[Desk]:
    made = Field.on_sqlite(sqlite_template, tmp_path)
    add_entry(made, "cn", CHINA)
    yield signed_in(made)
    made.close()


def add_entry(field: Field, key: str, data: dict[str, Any]) -> None:
    row = {"id": derived_id("calendar", key), "catalogue": "calendar", "key": key, "data": data}
    write(
        field.server.database,
        ORG,
        field.clock.now(),
        lambda unit: _create(unit, row),
    )


def _create(unit: Unit, row: dict[str, Any]) -> None:
    unit.create("reference", row)


def known(field: Field) -> Workdays:
    with field.server.database.read() as connection:
        return calendar_of(connection, ORG)


@pytest.mark.parametrize("text", [CSV, "\ufeff" + CSV.replace("\n", "\r\n"), ICAL])
def test_files_of_each_kind_say_the_same(text: str) -> None:
    found = read_calendar(text.encode())
    assert not found.problems
    assert found.days == SPRING and found.years == [2027]


def test_what_cannot_be_read_is_reported_by_line_and_never_guessed() -> None:
    assert problems("日期,类型\n2027-02-30,休\n\n2027-02-05,maybe\n1999-01-01,休\n") == [
        (2, "day"), (4, "kind"), (5, "year"),
    ]  # fmt: skip
    assert problems("date,kind\n2027-02-05,off\n2027-02-05,work\n") == [(3, "twice")]
    assert problems("when,what\n") == [(1, "columns")]
    assert (
        problems("date,kind\n") == problems("{}") == problems("BEGIN:VCALENDAR") == [(1, "empty")]
    )
    assert problems('{"holidays":\n["2027-01-01",]}')[0][1] == "json"
    assert problems('{"holidays": [\n"2027-01-01",\n"soon", 7, {}]}') == [
        (3, "day"), (1, "day"), (1, "day"),
    ]  # fmt: skip
    late = '{"holidays": ["2027-05-03"], "known_until": "2026-12-31"}'
    assert problems(late) == [(1, "known_until")]
    assert problems(b"\xff\xfe") == [(1, "no_text")]
    assert problems(b" " * (LARGEST + 1)) == [(1, "too_large")]
    for line, reason in (
        ("RRULE:FREQ=YEARLY", "repeats"), ("DTEND:20280101", "length"), ("DTEND:never", "day"),
    ):  # fmt: skip
        event = f"BEGIN:VEVENT\nDTSTART:20270501\n{line}\nSUMMARY:假\nEND:VEVENT"
        assert problems(f"BEGIN:VCALENDAR\n{event}\nEND:VCALENDAR") == [(2, reason)]
    unsaid = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270501\nSUMMARY:Spring\nEND:VEVENT"
    assert problems(unsaid) == [(2, "kind")]
    assert not read_calendar(unsaid.encode()).days


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_no_file_is_too_odd_to_be_answered(content: str | bytes) -> None:
    texts = catalogue("en")
    sent = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    for begin in (b"", b"{", b"date,kind\n", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:"):
        for one in read_calendar(begin + sent).problems:
            assert f"calendar.problem.{one.reason}" in texts


@given(st.dictionaries(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.booleans(), min_size=1))
def test_a_calendar_that_is_written_out_and_read_again_counts_the_same(
    exceptions: dict[date, bool],
) -> None:
    calendar = Workdays(date(2027, 12, 31), exceptions)
    found = read_calendar(json.dumps(as_data(calendar), indent=1).encode())
    assert not found.problems and found.known_until == calendar.known_until
    again = Workdays(calendar.known_until, found.days)
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(730)]
    assert [again.is_workday(day) for day in days] == [calendar.is_workday(day) for day in days]


def test_a_new_year_is_put_in_and_the_old_ones_stay(field: Field) -> None:
    assert known(field).is_provisional(date(2026, 1, 1))
    add_entry(field, "cn", CHINA)
    before, file = known(field), read_calendar(CSV.encode())
    with field.server.database.read() as connection:
        looked = preview(connection, ORG, file, None)
    assert looked.changed == SPRING and looked.calendar.known_until == date(2027, 12, 31)
    assert known(field) == before, "a preview stores nothing"
    for _ in range(2):
        store_calendar(field.server.database, WHO, file, None, field.clock.now())
        after = known(field)
        assert after.exceptions == {**from_data(CHINA).exceptions, **SPRING}
        assert not after.is_provisional(date(2027, 12, 31))


def test_a_year_that_is_put_in_again_is_replaced_whatever_entries_there_are(field: Field) -> None:
    add_entry(field, "cn", CHINA)
    add_entry(field, "2027", {"known_until": "2027-12-31", "holidays": ["2027-03-03"]})
    file = read_calendar(CSV.encode())
    store_calendar(field.server.database, WHO, file, date(2027, 6, 30), field.clock.now())
    after = known(field)
    assert after.is_workday(date(2027, 3, 3)) and not after.is_workday(date(2027, 2, 5))
    assert not after.is_workday(date(2026, 10, 1))
    assert after.known_until == date(2027, 6, 30)


def test_a_calendar_is_looked_at_before_it_is_stored(desk: Desk) -> None:
    desk.get("/console/calendar?year=2026")
    assert "Known until 2026-12-31" in desk.text and "Put in the next year's days" in desk.text
    answer = put_in(desk, CSV)
    assert answer == 200
    assert "2 days are counted otherwise" in desk.text
    assert "2027-02-05: off" in desk.text and "2027-02-14: worked" in desk.text
    desk.get("/console/calendar")
    assert "2026-12-31" in desk.text, "a preview stores nothing"
    put_in(desk, CSV, known_until="2027-06-30")
    stored = desk.post("/console/calendar", **form_of(desk.page))
    assert "The calendar is stored; 2 days" in desk.follow(stored)
    assert "Known until 2027-06-30" in desk.text
    sent = desk.get("/console/calendar/calendar.json").content
    assert read_calendar(sent).days == known(desk.field).exceptions


def test_a_file_with_mistakes_says_which_lines_to_mend(desk: Desk) -> None:
    assert put_in(desk, "date,kind\n2027-02-30,holiday\n2027-02-05,maybe\n") == 422
    assert "Line 2: this is no day" in desk.text and "Line 3: it does not say" in desk.text
    assert put_in(desk, "") == 422 and "there is no day in it" in desk.text
    assert put_in(desk, CSV, known_until="2027-01-01") == 422
    assert "can't be before the last day" in desk.text
    for year in ("0", "9999", "x"):
        assert desk.get(f"/console/calendar?year={year}").status_code == 200


def test_only_administrators_come_to_the_calendar(desk: Desk) -> None:
    manager = signed_in(desk.field, "chen")
    assert manager.get("/console/calendar").status_code == 403
    assert put_in(manager, CSV) == 403


def put_in(desk: Desk, text: str, **values: str) -> int:
    desk.get("/console/calendar")
    file = {"file": ("days.csv", text.encode(), "text/csv")}
    return desk.post("/console/calendar", files=file, **values).status_code
