"""Reading a working-day calendar: JSON as the reference catalogue has it, a CSV of ``date,kind``,
or iCal events of whole days that say whether they are off or worked.

What can't be read is reported by line and never guessed. Only days that differ from
Monday-to-Friday are kept: a holiday on a Sunday is none.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from shared.workdays import Workdays

LARGEST = 1_000_000
"""Bytes of a file; a year has some twenty lines."""

_YEARS = range(2000, 2101)
_LONGEST = 31
_SHOWN = 50
_HEADINGS = {"date": "date", "日期": "date", "kind": "kind", "类型": "kind"}
_KINDS = {word: False for word in ("holiday", "off", "休", "假", "放假", "节假日", "休息日")}
_KINDS |= {word: True for word in ("workday", "work", "班", "补班", "上班", "工作日", "调休上班")}
_WORKED = re.compile(r"班|work(?:ing)?[ -]?day", re.IGNORECASE)
_OFF = re.compile(r"休|假|holiday|day off", re.IGNORECASE)
_SPECIAL = {"WORK-HOLIDAY": False, "ALTERNATE-WORKDAY": True}


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read in a line, by a word that the console's catalogues explain."""

    line: int
    reason: str


@dataclass(slots=True)
class CalendarFile:
    """What was read. `known_until` is the file's own word, if it has one."""

    days: dict[date, bool] = field(default_factory=dict)
    named: set[date] = field(default_factory=set)
    known_until: date | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def years(self) -> list[int]:
        """Years that the file speaks of."""
        return sorted({day.year for day in self.named})

    def problem(self, line: int, reason: str) -> None:
        if len(self.problems) < _SHOWN:
            self.problems.append(Problem(line, reason))

    def take(self, line: int, day: date, worked: bool) -> None:
        if day.year not in _YEARS:
            self.problem(line, "year")
        elif day in self.named and self.days.get(day, day.weekday() < 5) is not worked:
            self.problem(line, "twice")
        else:
            self.named.add(day)
            if worked is not (day.weekday() < 5):
                self.days[day] = worked


def read_calendar(content: bytes) -> CalendarFile:
    """Reads a file of any of the three kinds. Whatever is wrong with it stands in `problems`."""
    found = CalendarFile()
    if len(content) > LARGEST:
        found.problem(1, "too_large")
        return found
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        found.problem(1, "no_text")
        return found
    begin = text.lstrip()
    if not begin:
        found.problem(1, "empty")
    elif begin.startswith("{"):
        _read_json(found, text)
    elif begin.upper().startswith("BEGIN:VCALENDAR"):
        _read_ical(found, text)
    else:
        _read_csv(found, text)
    if not found.named and not found.problems:
        found.problem(1, "empty")
    latest = max(found.named, default=None)
    if found.known_until and latest and found.known_until < latest:
        found.problem(1, "known_until")
    return found


def as_data(calendar: Workdays) -> dict[str, Any]:
    """The calendar as the reference catalogue has it (`workdays.from_data`)."""
    days = sorted(calendar.exceptions.items())
    return {
        "known_until": calendar.known_until.isoformat(),
        "holidays": [day.isoformat() for day, worked in days if not worked],
        "workdays": [day.isoformat() for day, worked in days if worked],
    }


def _read_json(found: CalendarFile, text: str) -> None:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        found.problem(getattr(error, "lineno", 1), "json")
        return
    for name, worked in (("holidays", False), ("workdays", True)):
        listed = data.get(name, [])
        for told in listed if isinstance(listed, list) else [listed]:
            place = text.find(f'"{told if isinstance(told, str) else name}"')
            line = 1 + text[: max(0, place)].count("\n")
            _take_text(found, line, told, worked)
    until = data.get("known_until")
    found.known_until = _day(until)
    if until is not None and found.known_until is None:
        found.problem(1, "day")


def _read_csv(found: CalendarFile, text: str) -> None:
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        heading = [_HEADINGS.get(cell.strip().lower(), "") for cell in next(reader, [])]
        if not {"date", "kind"} <= set(heading):
            found.problem(1, "columns")
            return
        places = heading.index("date"), heading.index("kind")
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            told = [cells[i].strip() if i < len(cells) else "" for i in places]
            worked = _KINDS.get(told[1].lower())
            if worked is None:
                found.problem(reader.line_num, "kind")
            else:
                _take_text(found, reader.line_num, told[0], worked)
    except csv.Error:
        found.problem(reader.line_num, "columns")


def _read_ical(found: CalendarFile, text: str) -> None:
    event: dict[str, str] | None = None
    began = 0
    for line, told in _unfolded(text.splitlines()):
        name, _, value = told.partition(":")
        name = name.partition(";")[0].upper()
        if name == "BEGIN" and value.upper() == "VEVENT":
            event, began = {}, line
        elif name == "END" and value.upper() == "VEVENT" and event is not None:
            _take_event(found, began, event)
            event = None
        elif event is not None:
            event.setdefault(name, value.strip())


def _unfolded(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """(number of its first line, whole line): RFC 5545 §3.1 folds long ones."""
    first, whole = 0, ""
    for number, line in enumerate(lines, 1):
        if line[:1] in {" ", "\t"} and first:
            whole += line[1:]
            continue
        if first:
            yield first, whole
        first, whole = number, line
    if first:
        yield first, whole


def _take_event(found: CalendarFile, line: int, event: dict[str, str]) -> None:
    begin, end = _day(event.get("DTSTART")), _day(event.get("DTEND"))
    if begin is None or (end is None and "DTEND" in event):
        found.problem(line, "day")
        return
    if "RRULE" in event or "RDATE" in event:
        found.problem(line, "repeats")
        return
    summary = event.get("SUMMARY", "")
    worked = _SPECIAL.get(event.get("X-APPLE-SPECIAL-DAY", "").upper())
    if worked is None and _WORKED.search(summary):
        worked = True
    elif worked is None and _OFF.search(summary):
        worked = False
    if worked is None:
        found.problem(line, "kind")
        return
    length = (end - begin).days if end else 1
    if not 1 <= length <= _LONGEST:
        found.problem(line, "length")
        return
    for step in range(length):
        found.take(line, begin + timedelta(days=step), worked)


def _take_text(found: CalendarFile, line: int, told: Any, worked: bool) -> None:
    day = _day(told)
    if day is None:
        found.problem(line, "day")
    else:
        found.take(line, day, worked)


def _day(told: Any) -> date | None:
    """``2026-10-01``, ``2026/10/1`` or ``20261001``; None for anything else."""
    if not isinstance(told, str):
        return None
    parts = re.fullmatch(r"(\d{4})[-/.]?(\d{1,2})[-/.]?(\d{1,2})", told.strip(), re.ASCII)
    try:
        return date(*(int(part) for part in parts.groups())) if parts else None
    except ValueError:
        return None


__all__ = ["LARGEST", "CalendarFile", "Problem", "as_data", "read_calendar"]
