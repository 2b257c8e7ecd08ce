"""Loads the demo organisation: a part of the real data moved to today, its people, and their
working day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from shared.ids import derived_id
from shared.policy import DEFAULTS, settings_from
from sync_server.db.base import Database
from sync_server.demo import day
from sync_server.demo.cast import CAST, PASSWORD, Player
from sync_server.demo.extract import DATA, DEVICE_WORDS
from sync_server.importing import stores
from sync_server.importing.assemble import Assembly
from sync_server.importing.founding import founding_rows
from sync_server.importing.load import Sources, checked, read_sources, source_rows
from sync_server.importing.people import stable_number
from sync_server.importing.source import ImportReport, Progress
from sync_server.importing.stores import Member
from sync_server.services.accounts import add_account
from sync_server.services.opening import opening_scopes
from sync_server.services.passwords import PasswordHashes
from sync_server.services.scopes import assign_callback, dispatch_case
from sync_server.services.writing import Unit, bulk, write

ORGANISATION = derived_id("demo organisation")
NAME = "回访演示公司"
POLICY: dict[str, Any] = {"device_approval": "automatic"}
ZONE = ZoneInfo("Asia/Shanghai")
CUSTOMERS_PER_MANAGER = 20
OPEN_REPAIRS, CALLBACKS = 7, 6
_LAST_ORDER = datetime(2011, 12, 9, 13, tzinfo=UTC)
_LAST_EVENT = datetime(2016, 12, 3, 10, tzinfo=UTC)


def load_demo(db: Database, now: datetime, progress: Progress) -> Sequence[Player]:
    """Fills an empty database with the demo organisation and returns who can sign in; all of it or
    nothing.

    The orders end yesterday and the old cases the day before; visits, open repairs and callbacks
    lie around `now`.
    """
    sources = read_sources(
        ORGANISATION,
        DATA / "online_retail_part.csv.gz",
        DATA / "incident_event_log_part.csv.gz",
        progress,
        retail_shift=timedelta(days=(now - _LAST_ORDER).days - 1),
        incident_shift=timedelta(days=(now - _LAST_EVENT).days - 2),
        per_manager=CUSTOMERS_PER_MANAGER,
    )
    cast = _casting(sources)
    settings = settings_from(POLICY)
    moment = day.Moment(now, ZONE)

    def work(unit: Unit) -> None:
        assembly = Assembly(ORGANISATION, DEFAULTS, DEVICE_WORDS)
        report = ImportReport()
        rows = chain(
            founding_rows(ORGANISATION, NAME, now, POLICY, currency="GBP"),
            _recast(source_rows(assembly, sources), cast),
            _extra_staff(cast),
            _visits(sources, assembly, moment),
        )
        for done in bulk(unit, checked(rows, report)):
            progress("writing", done / (done + 4000))
        for _done in bulk(unit, opening_scopes(unit, settings)):
            pass
        _dispatch(unit, assembly, sources, cast, moment, report)
        _call(unit, assembly, sources, cast, moment, report)
        if report.skipped:
            raise ValueError(f"the demo's own rows do not pass: {dict(report.skipped)}")
        secret = PasswordHashes().make(PASSWORD)
        for player, staff_id in cast.items():
            add_account(
                unit.connection,
                org_id=ORGANISATION,
                staff_id=staff_id,
                username=player.username,
                password_hash=secret,
                now=now,
            )

    write(db, ORGANISATION, now, work)
    progress("writing", 1.0)
    return CAST


def _casting(sources: Sources) -> dict[Player, str]:
    """Each player as one of the imported members of their role and store, or as a new one."""
    cast: dict[Player, str] = {}
    for player in CAST:
        home = stores.store_id(ORGANISATION, player.store)
        alike = [m for m in sources.members if m.role is player.role and m.store_id == home]
        alike.sort(key=lambda m: m.id)
        known = alike[player.place].id if player.place < len(alike) else None
        cast[player] = known or derived_id(ORGANISATION, "player", player.username)
    return cast


def _recast(
    rows: Iterator[tuple[str, dict[str, Any]]], cast: dict[Player, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    names = {staff_id: player.name for player, staff_id in cast.items()}
    for entity, row in rows:
        if row["id"] in names:
            row = row | {"name": names[row["id"]]}
        elif entity == "case":
            # The source is anonymised: "Category 26" tells nobody what a call will be about.
            title, description, _ = day.FAULTS[stable_number("fault", row["id"]) % len(day.FAULTS)]
            row = row | {"title": title, "description": description}
        yield entity, row


def _extra_staff(cast: dict[Player, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for player, staff_id in cast.items():
        if staff_id == derived_id(ORGANISATION, "player", player.username):
            home = stores.store_id(ORGANISATION, player.store)
            member = Member(staff_id, player.name, player.role, home)
            yield from Assembly(ORGANISATION).staff([member])


def _visits(sources: Sources, assembly: Assembly, moment: day.Moment) -> day.Rows:
    for staff_id in dict.fromkeys(sources.owners.values()):
        mine = sorted(c for c, owner in sources.owners.items() if owner == staff_id)
        yield from day.visits(staff_id, [assembly.customer_id(c) for c in mine], moment)


def _dispatch(
    unit: Unit,
    assembly: Assembly,
    sources: Sources,
    cast: dict[Player, str],
    moment: day.Moment,
    report: ImportReport,
) -> None:
    """Fresh repairs for the technicians, on devices that customers really bought."""
    technicians = [i for p, i in cast.items() if p.role == "technician"]
    owned = {
        customer: code
        for (customer, code), bought in sources.retail.purchases.items()
        if any(word in bought.description for word in DEVICE_WORDS)
        and sources.retail.countries[customer] == "United Kingdom"
    }
    for place, source in enumerate(sorted(owned)[: OPEN_REPAIRS * len(technicians)]):
        customer = unit.get("customer", assembly.customer_id(source))
        assert customer is not None  # it was written just now
        contact = unit.find("contact", customer_id=customer.id, primary=True)[0]
        technician = technicians[place % len(technicians)]
        row = customer.row | {"contact_id": contact.id}
        asset = assembly.asset_id(source, owned[source])
        turn = place // len(technicians)
        repair = list(day.open_repair(ORGANISATION, f"R{2600 + place}", row, asset, turn, moment))
        for entity, fields in checked(repair, report):
            unit.create(entity, fields)
        dispatch_case(unit, repair[0][1]["id"], technician, DEFAULTS)
        unit.flush()


def _call(
    unit: Unit,
    assembly: Assembly,
    sources: Sources,
    cast: dict[Player, str],
    moment: day.Moment,
    report: ImportReport,
) -> None:
    """Calls that are due, for the agents: half of them about a case that was closed lately."""
    for player, agent in cast.items():
        if player.role != "callback_agent":
            continue
        callers = assembly.callers(sources.cases, sources.retail)
        cases = [
            c
            for c in sorted(sources.cases.values(), key=lambda c: c.opened_at, reverse=True)
            if sources.retail.countries[callers[c.caller]] == player.store
        ]
        for place, case in enumerate(cases[:CALLBACKS]):
            customer = assembly.customer_id(callers[case.caller])
            about = {"id": assembly.case_id(case.number)} if place % 3 != 2 else None
            rows = list(day.callback(ORGANISATION, about, customer, place, moment))
            for entity, fields in checked(rows, report):
                unit.create(entity, fields)
            assign_callback(unit, rows[0][1]["id"], agent, DEFAULTS)
            unit.flush()
