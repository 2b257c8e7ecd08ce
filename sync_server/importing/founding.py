"""What every organisation begins with: itself, its first policy, templates, scripts, checklists
and calendar."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from shared.clock import to_wire
from shared.ids import derived_id

_HERE = Path(__file__).parent
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


def _entry(organisation: str, catalogue: str, key: str, place: int, data: Any) -> dict[str, Any]:
    return {
        "id": derived_id(organisation, "reference", catalogue, key),
        "catalogue": catalogue,
        "key": key,
        "order": place,
        "data": data,
    }
