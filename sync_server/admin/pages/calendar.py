"""The working-day calendar: a year at a glance, and new years from a file, looked at first."""

from __future__ import annotations

import calendar as months_of
import json
from collections.abc import Container
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import Response

from shared.declare import day, text
from shared.workdays import Workdays
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import Page, Visiting
from sync_server.admin.visit import HEADERS, Visit
from sync_server.services.calendar_files import LARGEST, CalendarFile, as_data, read_calendar
from sync_server.services.calendars import calendar_of, preview, store_calendar

PAGE = Page("calendar", group="system")
router = PAGE.router()
_SOON = timedelta(days=60)
_YEARS = range(2000, 2101)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarForm:
    """Until which day the calendar is known then; `data` is what was looked at, when confirmed."""

    known_until: str | None = day()
    data: str | None = text(LARGEST)


@dataclass(frozen=True, slots=True)
class DayCell:
    """`kind`: plain, weekend, holiday or workday (made up for)."""

    number: int
    kind: str
    changed: bool
    guess: bool


@router.get("")
def calendar(visit: Visiting) -> Response:
    """One year."""
    return _page(visit, filled(CalendarForm), 200)


@router.get("/calendar.json")
def download(visit: Visiting) -> Response:
    """What holds, as a file that can be put in again."""
    with visit.server.database.read() as connection:
        found = calendar_of(connection, visit.org_id)
    named = {"Content-Disposition": 'attachment; filename="calendar.json"'}
    content = json.dumps(as_data(found), indent=1)
    return Response(content, 200, {**HEADERS, **named}, "application/json")


@router.post("")
def put_in(visit: Visiting) -> Response:
    """What a file would change; then, confirmed, the new calendar."""
    return submit(visit, CalendarForm, partial(_done, visit), partial(_page, visit))


def _done(visit: Visit, asked: CalendarForm) -> Response:
    until = date.fromisoformat(asked.known_until) if asked.known_until else None
    if asked.data is not None:
        made = store_calendar(
            visit.server.database, visit.caller, read_calendar(asked.data.encode()), until,
            visit.now,
        )  # fmt: skip
        return visit.done(PAGE.path, "calendar.stored", count=len(made.changed))
    file = read_calendar(_sent(visit))
    form = filled(CalendarForm, {"known_until": asked.known_until})
    if file.problems:
        return _page(visit, form, 422, file)
    with visit.server.database.read() as connection:
        looked = preview(connection, visit.org_id, file, until)
    return visit.show(
        "calendar_preview.html",
        made=looked,
        years=[(year, _months(looked.calendar, year, looked.changed)) for year in looked.years],
        days=[(str(day), worked) for day, worked in sorted(looked.changed.items())],
        data=_said(file),
        known_until=asked.known_until or "",
    )


def _sent(visit: Visit) -> bytes:
    file = visit.form.get("file")
    return file.file.read(LARGEST + 1) if isinstance(file, UploadFile) else b""


def _said(file: CalendarFile) -> str:
    """Every day that the file named, also those that change nothing: they say which years it
    speaks of."""
    worked = {day: file.days.get(day, day.weekday() < 5) for day in sorted(file.named)}
    data: dict[str, Any] = {
        "holidays": [str(day) for day, w in worked.items() if not w],
        "workdays": [str(day) for day, w in worked.items() if w],
    }
    return json.dumps(data | ({"known_until": str(file.known_until)} if file.known_until else {}))


def _page(
    visit: Visit, form: Form[CalendarForm], status: int, file: CalendarFile | None = None
) -> Response:
    form.raw.pop("data", None)
    today = visit.now.astimezone(visit.words.zone).date()
    asked = visit.asked.get("year", "")
    year = int(asked) if asked.isdecimal() and len(asked) == 4 else today.year
    year = min(max(year, _YEARS[0]), _YEARS[-1])
    with visit.server.database.read() as connection:
        found = calendar_of(connection, visit.org_id)
    return visit.show(
        "calendar.html",
        status=status,
        form=form,
        problems=file.problems if file else [],
        year=year,
        months=_months(found, year, ()),
        known=found.known_until if found.known_until > date.min else None,
        ends_soon=found.known_until < today + _SOON,
        over=found.known_until < today,
    )


def _months(
    found: Workdays, year: int, changed: Container[date]
) -> list[list[list[DayCell | None]]]:
    """Twelve months of weeks, Monday first; None where a week has no day of the month."""

    def cell(month: int, number: int) -> DayCell | None:
        if not number:
            return None
        of = date(year, month, number)
        usual, worked = of.weekday() < 5, found.is_workday(of)
        differs = "workday" if worked else "holiday"
        kind = ("plain" if usual else "weekend") if usual is worked else differs
        return DayCell(number, kind, of in changed, found.is_provisional(of))

    weeks = months_of.Calendar()
    return [
        [[cell(month, n) for n in week] for week in weeks.monthdayscalendar(year, month)]
        for month in range(1, 13)
    ]


__all__ = ["PAGE", "router"]
