"""What every organisation begins with: itself, its first policy, templates, scripts, checklists
and calendar."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from shared.clock import to_wire
from shared.ids import derived_id
from sync_server.db.base import Database
from sync_server.db.records import RECORDS
from sync_server.services.writing import Unit, write

_HERE = Path(__file__).parent
_LATER = ("consent_text", "feedback_topic", "work_instruction")
"""Catalogues that came after the first organisations were founded."""
_REFERENCE = RECORDS["reference"].c
ORIGIN = (
    "Business records from UCI Online Retail (Chen, Sain, Guo 2012, "
    "doi:10.1057/dbm.2012.17) and the UCI incident event log (Amaral, Fantinato, Peres 2018, "
    "doi:10.24432/C57S4H), both CC BY 4.0. All names of "
    "people and companies, phone numbers and addresses are invented."
)


def founding_rows(
    organisation: str,
    name: str,
    now: datetime,
    policy: dict[str, Any] | None = None,
    *,
    timezone: str = "Asia/Shanghai",
    currency: str = "CNY",
    origin: str | None = ORIGIN,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(entity, row) of a new organisation. `policy` holds the settings that differ from the
    defaults."""
    yield (
        "organisation",
        {
            "id": organisation,
            "name": name,
            "timezone": timezone,
            "currency": currency,
            "origin": origin,
        },
    )
    yield (
        "policy",
        {
            "id": derived_id(organisation, "policy", "1"),
            "version": 1,
            "holds_from": to_wire(now),
            "settings": policy or {},
        },
    )
    catalogues = json.loads((_HERE / "reference.json").read_text(encoding="utf-8"))
    for catalogue, entries in catalogues.items():
        for place, entry in enumerate(entries):
            yield "reference", _entry(organisation, catalogue, entry["key"], place, entry)
    calendar = json.loads((_HERE / "calendar_cn.json").read_text(encoding="utf-8"))
    yield "reference", _entry(organisation, "calendar", "cn", 0, calendar)


def add_later_catalogues(db: Database, now: datetime) -> int:
    """Gives organisations whose catalogues were filled before there was one of `_LATER` (texts for
    consent, topics, instructions: until November 2026) what a new organisation begins with; their
    phones get it with the next sync. Says how many. Harmless at any time, and from several
    processes."""
    with db.read() as connection:
        there = set(connection.execute(select(_REFERENCE.org_id, _REFERENCE.catalogue).distinct()))
    lacking = {
        org_id: missing
        for org_id in {org_id for org_id, _ in there}
        if (missing := [name for name in _LATER if (org_id, name) not in there])
    }
    for org_id, missing in lacking.items():
        rows = [row for name in missing for row in _catalogue(org_id, name)]

        def work(unit: Unit, rows: list[dict[str, Any]] = rows) -> None:
            for row in rows:
                if unit.get("reference", row["id"]) is None:  # another process came first
                    unit.create("reference", row)

        write(db, org_id, now, work)
    return len(lacking)


def _catalogue(organisation: str, name: str) -> Iterator[dict[str, Any]]:
    catalogues = json.loads((_HERE / "reference.json").read_text(encoding="utf-8"))
    for place, entry in enumerate(catalogues[name]):
        yield _entry(organisation, name, entry["key"], place, entry)


def _entry(organisation: str, catalogue: str, key: str, place: int, data: Any) -> dict[str, Any]:
    return {
        "id": derived_id(organisation, "reference", catalogue, key),
        "catalogue": catalogue,
        "key": key,
        "order": place,
        "data": data,
    }
