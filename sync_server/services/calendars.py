"""The zone and the working-day calendar of an organisation: what is known, and new years put in its
place (decision on S0 #16, #17).

A file takes the place of the years that it speaks of and leaves the others as they are, so that the
clocks of old cases stay as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from shared.errors import Code, Refusal
from shared.ids import derived_id
from shared.workdays import MONDAY_TO_FRIDAY, Workdays, from_data
from sync_server.db.base import Database
from sync_server.db.records import RECORDS
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.calendar_files import CalendarFile, as_data
from sync_server.services.caller import Caller
from sync_server.services.writing import Author, Unit, write

_ENTRY = RECORDS["reference"].c
_KEY = "calendar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a file would make of the calendar: `changed` maps each day that is counted otherwise to
    whether it will be worked."""

    calendar: Workdays
    years: list[int]
    changed: Mapping[date, bool]


def zone_of(connection: Connection, org_id: str) -> ZoneInfo:
    """Where the organisation's days begin."""
    company = RECORDS["organisation"].c
    name = connection.scalar(select(company.timezone).where(company.org_id == org_id))
    return ZoneInfo(name or "UTC")


def calendar_of(connection: Connection, org_id: str) -> Workdays:
    """As phones count: all entries together, up to the furthest known day."""
    query = select(_ENTRY.data).where(_ENTRY.org_id == org_id, _ENTRY.catalogue == "calendar")
    entries = [from_data(row.data) for row in connection.execute(query)]
    if not entries:
        return MONDAY_TO_FRIDAY
    days = {day: worked for entry in entries for day, worked in entry.exceptions.items()}
    return Workdays(max(entry.known_until for entry in entries), days)


def preview(connection: Connection, org_id: str, file: CalendarFile, until: date | None) -> Preview:
    """What `file` would change; `until` is the day up to which the calendar is known then: else
    the file's own, else the end of its last year, and never less than was known before.

    Refuses FIELD_INVALID for a file with problems, and for an `until` before its last day.
    """
    return _preview(calendar_of(connection, org_id), file, until)


def store_calendar(
    db: Database, who: Caller | audit.Actor, file: CalendarFile, until: date | None, now: datetime
) -> Preview:
    """Stores what `preview` shows; phones have it with their next sync. Harmless twice."""

    def work(unit: Unit) -> Preview:
        made = _preview(calendar_of(unit.connection, who.org_id), file, until)
        author = Author(staff_id=who.staff_id)
        entries = sorted(unit.find("reference", catalogue="calendar"), key=lambda one: one.id)
        data = as_data(made.calendar)
        if entries:
            sources = entries[0].row["data"]
            unit.update("reference", entries[0].id, {"data": {**sources, **data}}, author)
        else:
            record_id = derived_id(who.org_id, "reference", "calendar", _KEY)
            row = {"id": record_id, "catalogue": "calendar", "key": _KEY, "order": 0, "data": data}
            unit.create("reference", row, author)
        for other in entries[1:]:  # phones read all entries together: the first has it all now
            rest = {**other.row["data"], "holidays": [], "workdays": [], **_until(made)}
            unit.update("reference", other.id, {"data": rest}, author)
        audit.note(
            unit, who, Action.CALENDAR_CHANGED, days=len(made.changed),
            known_until=made.calendar.known_until.isoformat(),
        )  # fmt: skip
        return made

    return write(db, who.org_id, now, work)


def _until(made: Preview) -> dict[str, str]:
    return {"known_until": made.calendar.known_until.isoformat()}


def _preview(before: Workdays, file: CalendarFile, until: date | None) -> Preview:
    if file.problems:
        raise Refusal(Code.FIELD_INVALID, field="calendar.file", wanted="no problems")
    latest = max(file.named)
    if until is not None and until < latest:
        raise Refusal(Code.FIELD_INVALID, field="calendar.known_until", wanted=str(latest))
    known = until or max(before.known_until, file.known_until or date(file.years[-1], 12, 31))
    kept = {day: w for day, w in before.exceptions.items() if day.year not in file.years}
    after = Workdays(known, {**kept, **file.days})
    days = sorted(before.exceptions.keys() | after.exceptions.keys())
    changed = {
        day: after.is_workday(day)
        for day in days
        if before.is_workday(day) is not after.is_workday(day)
    }
    return Preview(calendar=after, years=file.years, changed=changed)


__all__ = ["Preview", "calendar_of", "preview", "store_calendar", "zone_of"]
