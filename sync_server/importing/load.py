"""Imports both sources into an organisation, in one transaction: all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from shared import codec
from shared.declare import ENTITIES
from shared.errors import Refusal
from shared.policy import DEFAULTS, PolicySettings
from sync_server.db.base import Database
from sync_server.importing.assemble import Assembly, staffing
from sync_server.importing.founding import founding_rows
from sync_server.importing.incidents import Incident, read_incidents
from sync_server.importing.retail import Retail, read_retail
from sync_server.importing.source import ImportReport, Progress
from sync_server.importing.stores import Member
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.opening import opening_scopes
from sync_server.services.writing import Unit, bulk, write

_MARKS = ("id", "created_at")


@dataclass(slots=True)
class Sources:
    """What was read, who is to work with it, and what was passed over on the way."""

    retail: Retail
    cases: dict[str, Incident]
    members: list[Member]
    owners: dict[str, str]  # buyer of the source → account manager
    retail_report: ImportReport = field(default_factory=ImportReport)
    cases_report: ImportReport = field(default_factory=ImportReport)


def read_sources(
    organisation: str,
    retail_file: Path,
    incident_file: Path | None,
    progress: Progress,
    *,
    retail_shift: timedelta = timedelta(0),
    incident_shift: timedelta = timedelta(0),
    per_manager: int = 80,
) -> Sources:
    """Reads the files; without incidents there are customers, orders and assets only."""
    found = Sources(Retail(), {}, [], {})
    found.retail = read_retail(retail_file, found.retail_report, progress, retail_shift)
    if incident_file is not None:
        found.cases = read_incidents(incident_file, found.cases_report, progress, incident_shift)
    found.members, found.owners = staffing(organisation, found.retail, found.cases, per_manager)
    return found


def import_sources(
    db: Database,
    organisation: str,
    name: str,
    sources: Sources,
    now: datetime,
    progress: Progress,
    *,
    policy: PolicySettings = DEFAULTS,
) -> Counter[str]:
    """Writes everything; returns how many records of each entity. A second import of the same
    sources changes nothing. On any failure the database is as it was."""
    assembly = Assembly(organisation, policy)
    expected = _size(sources)

    def work(unit: Unit) -> Counter[str]:
        sources.retail_report.written.clear()
        rows = chain(
            founding_rows(organisation, name, now, timezone="Europe/London", currency="GBP"),
            source_rows(assembly, sources),
        )
        for done in bulk(unit, checked(rows, sources.retail_report)):
            progress("writing", min(done / expected, 1.0))
        for done in bulk(unit, opening_scopes(unit, policy)):
            progress("giving out", done / (done + 1))
        written = Counter(sources.retail_report.written)
        who = audit.command_line(organisation)
        audit.note(unit, who, Action.IMPORTED, records=sum(written.values()))
        return written

    return write(db, organisation, now, work)


def source_rows(assembly: Assembly, sources: Sources) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row of the sources, referenced before referencing."""
    yield from assembly.stores(sources.retail)
    yield from assembly.staff(sources.members)
    yield from assembly.customers(sources.retail, sources.owners)
    yield from assembly.orders(sources.retail)
    yield from assembly.assets(sources.retail)
    yield from assembly.cases(sources.cases, sources.retail)


def checked(
    rows: Iterable[tuple[str, dict[str, Any]]], report: ImportReport
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows that pass the same check as a phone's; one that doesn't is counted by its reason."""
    for entity, row in rows:
        marks = {n: row[n] for n in _MARKS if n in row}
        fields = {n: v for n, v in row.items() if n not in marks and v is not None}
        try:
            kept = codec.check(ENTITIES[entity], fields, whole=True)
        except Refusal as refusal:
            report.skip(0, f"{entity}: {refusal.code.key}")
            continue
        report.written[entity] += 1
        yield entity, marks | kept


def _size(sources: Sources) -> int:
    """About how many records will be written, for the progress bar."""
    lines = sum(len(i.lines) + 1 for i in sources.retail.invoices.values())
    events = sum(len(c.events) for c in sources.cases.values())
    return lines + len(sources.retail.purchases) + events + 3 * len(sources.cases) + 1
