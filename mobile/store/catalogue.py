"""The organisation's rules and texts as the device holds them: policy, calendar, reference data.

They name no customer, so they stay readable while customers' records are not: writing needs them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mobile.store.records import Records
from shared.entities import Organisation, Policy, Reference
from shared.policy import Policies, PolicySettings, policy_at
from shared.workdays import MONDAY_TO_FRIDAY, Workdays, from_data


def policy(records: Records, moment: datetime) -> PolicySettings:
    """The settings that hold at `moment`; the defaults before the first sync."""
    return policy_at(((v.holds_from, v.settings) for v in records.find(Policy)), moment)


def policies(records: Records) -> Policies:
    """Every version, for clocks: each keeps the one under which it began."""
    return Policies((v.version, v.holds_from, v.settings) for v in records.find(Policy))


def calendar(records: Records) -> Workdays:
    """The working-day calendar; Monday to Friday, and all of it provisional, before one has
    arrived.

    Of several entries (one a year, say) the days are taken together, and the furthest known day
    counts.
    """
    entries = [from_data(entry.data) for entry in records.find(Reference, catalogue="calendar")]
    if not entries:
        return MONDAY_TO_FRIDAY
    days = {day: worked for entry in entries for day, worked in entry.exceptions.items()}
    return Workdays(max(entry.known_until for entry in entries), days)


def currency(records: Records) -> str | None:
    """The currency that the organisation reckons in; None before the first sync."""
    found = records.find(Organisation)
    return found[0].currency if found else None


def references(records: Records, catalogue: str) -> list[Reference]:
    """The entries of one catalogue in their order (`visit_template`, `callback_script`, …)."""
    found = records.find(Reference, catalogue=catalogue)
    return sorted(found, key=lambda entry: (entry.order or 0, entry.key))


def reference_data(records: Records, catalogue: str, key: str) -> Any:
    """The data of one entry, or None."""
    found = records.find(Reference, catalogue=catalogue, key=key)
    return found[0].data if found else None
