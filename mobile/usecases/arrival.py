"""What the address of the app brought along, when a link or the company's sign-in opened it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.errors import Code


@dataclass(frozen=True, slots=True)
class Arrival:
    """One of three: a code that lets this device in, a ticket of the company's sign-in, or why
    there is none."""

    enrolment_code: str = ""
    ticket: str = ""
    failed: Code | None = None


def arrival_of(told: Any) -> Arrival | None:
    """What the page says that it was opened with (`{"kind": …, "value": …}`); None for nothing."""
    if not isinstance(told, dict):
        return None
    kind, value = told.get("kind"), str(told.get("value") or "")
    if not value:
        return None
    if kind == "enrol":
        return Arrival(enrolment_code=value)
    if kind == "signed-in":
        return Arrival(ticket=value)
    if kind == "sign-in-failed":
        return Arrival(failed=Code.of(value))
    return None
