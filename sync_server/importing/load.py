"""Imports both sources into an organisation, in one transaction: all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import Connection, select

from shared import codec
from shared.declare import ENTITIES
from shared.errors import Code, Refusal
from shared.policy import DEFAULTS, PolicySettings
from sync_server.db.base import Database
from sync_server.db.records import RECORDS
from sync_server.importing.assemble import Assembly, staffing
from sync_server.importing.founding import founding_rows
from sync_server.importing.incidents import Incident, read_incidents
from sync_server.importing.retail import Retail, read_retail
from sync_server.importing.source import ImportReport, Progress, Source
from sync_server.importing.stores import Member
from sync_server.services import audit
from sync_server.services.accounts import policy_of
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
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
    retail_file: Source,
    incident_file: Source | None,
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

    def work(unit: Unit) -> Counter[str]:
        rows = chain(
            founding_rows(organisation, name, now, timezone="Europe/London", currency="GBP"),
            source_rows(Assembly(organisation, policy), sources),
        )
        who = audit.command_line(organisation)
        return _write_all(unit, who, rows, sources, policy, progress)

    return write(db, organisation, now, work)


def import_into(
    db: Database, who: Caller | audit.Actor, sources: Sources, now: datetime, progress: Progress
) -> Counter[str]:
    """The same for an organisation that is there and has no customers yet: it keeps its name, its
    policy and its calendar. Refuses RECORD_EXISTS where there are customers, and is on record."""

    def work(unit: Unit) -> Counter[str]:
        if has_customers(unit.connection, who.org_id):
            raise Refusal(Code.RECORD_EXISTS, entity="customer")
        policy = policy_of(unit.connection, who.org_id, unit.now)
        rows = source_rows(Assembly(who.org_id, policy), sources)
        return _write_all(unit, who, rows, sources, policy, progress)

    return write(db, who.org_id, now, work)


def has_customers(connection: Connection, org_id: str) -> bool:
    """Whether there is any customer."""
    table = RECORDS["customer"]
    found = connection.execute(select(table.c.id).where(table.c.org_id == org_id).limit(1))
    return found.first() is not None


def dry_run(organisation: str, sources: Sources) -> Counter[str]:
    """How many records of each entity an import would write; those that would be passed over are
    in the report then. Writes nothing."""
    sources.retail_report.written.clear()
    for _ in checked(source_rows(Assembly(organisation), sources), sources.retail_report):
        pass
    return Counter(sources.retail_report.written)


def _write_all(
    unit: Unit,
    who: Caller | audit.Actor,
    rows: Iterable[tuple[str, dict[str, Any]]],
    sources: Sources,
    policy: PolicySettings,
    progress: Progress,
) -> Counter[str]:
    expected = _size(sources)
    sources.retail_report.written.clear()
    for done in bulk(unit, checked(rows, sources.retail_report)):
        progress("writing", min(done / expected, 1.0))
    for done in bulk(unit, opening_scopes(unit, policy)):
        progress("giving out", done / (done + 1))
    written = Counter(sources.retail_report.written)
    audit.note(unit, who, Action.IMPORTED, records=written.total())
    return written


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
