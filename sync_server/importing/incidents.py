"""UCI 498 "Incident management process": cases with their whole history and everyone they were
given to.

Amaral, Fantinato, Peres (2018), doi:10.24432/C57S4H, CC BY 4.0. Every event repeats the case's
final resolution and close; these are taken only from the events that brought them, so that no case
knows its future.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sync_server.importing.source import ImportReport, Malformed, Progress, Source, read_rows

COLUMNS = (
    "number",
    "incident_state",
    "sys_mod_count",
    "sys_updated_at",
    "opened_at",
    "reopen_count",
    "caller_id",
    "contact_type",
    "location",
    "category",
    "subcategory",
    "u_symptom",
    "priority",
    "assignment_group",
    "assigned_to",
)

STATES: dict[str, tuple[str, str | None]] = {
    "New": ("new", None),
    "Active": ("in_progress", None),
    "Awaiting User Info": ("waiting", "customer"),
    "Awaiting Vendor": ("waiting", "vendor"),
    "Awaiting Problem": ("waiting", "problem"),
    "Awaiting Evidence": ("waiting", "evidence"),
    "Resolved": ("resolved", None),
    "Closed": ("closed", None),
}
PRIORITIES = {"1": "critical", "2": "high", "3": "moderate", "4": "low"}
CHANNELS = {"Phone": "phone", "Email": "email", "IVR": "phone", "Self service": "app"}


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a case's audit trail."""

    order: int
    at: datetime
    state: str
    waiting_for: str | None
    assignee: str
    group: str


@dataclass(slots=True)
class Incident:
    """One case with its events in the source's order (`sys_mod_count`); the rest as its last
    event has it."""

    number: str
    opened_at: datetime
    caller: str
    channel: str
    location: str
    category: str
    subcategory: str
    symptom: str
    priority: str
    reopened: int
    reassigned: int | None = None  # a part of the source does not say
    events: list[Event] = field(default_factory=list)


def read_incidents(
    source: Source, report: ImportReport, progress: Progress, shift: timedelta = timedelta(0)
) -> dict[str, Incident]:
    """Every case by its number. `shift` moves all times, for a demonstration that lies in the
    present."""
    cases: dict[str, Incident] = {}
    for number, row in read_rows(source, COLUMNS, report, progress):
        try:
            _take(cases, row, shift)
        except Malformed as error:
            report.skip(number, str(error))
    for case in cases.values():
        case.events.sort(key=lambda e: (e.order, e.at))
    return cases


def _take(cases: dict[str, Incident], row: dict[str, str], shift: timedelta) -> None:
    state = STATES.get(row["incident_state"])
    if state is None:
        raise Malformed("unknown state")
    if not row["number"]:
        raise Malformed("no case number")
    try:
        order, reopened = int(row["sys_mod_count"]), int(row["reopen_count"])
        told = row.get("reassignment_count")
        reassigned = int(told) if told else None
        at = _time(row["sys_updated_at"]) + shift
        opened_at = _time(row["opened_at"]) + shift
    except (ValueError, OverflowError):
        raise Malformed("a number or time can't be read") from None
    case = cases.get(row["number"])
    if case is None:
        case = cases[row["number"]] = Incident(
            row["number"], opened_at, row["caller_id"], "", "", "", "", "", "", 0
        )
    case.channel = CHANNELS.get(row["contact_type"], "other")
    case.location = row["location"]
    case.category = row["category"]
    case.subcategory = row["subcategory"]
    case.symptom = row["u_symptom"]
    case.priority = PRIORITIES.get(row["priority"][:1], "low")
    case.reopened = max(case.reopened, reopened)
    if reassigned is not None:
        case.reassigned = max(case.reassigned or 0, reassigned)
    case.events.append(
        Event(order, at, state[0], state[1], row["assigned_to"], row["assignment_group"])
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
