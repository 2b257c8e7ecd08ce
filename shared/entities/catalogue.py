"""Policy and reference data: rules with numbers, templates, scripts, checklists and calendars,
as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.declare import (
    SERVER_ONLY,
    Record,
    choice,
    entity,
    instant,
    integer,
    json_value,
    text,
)


@entity("policy", catalogue="policy", at="holds_from")
@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Record):
    """One version of the organisation's policy, with the time from which it holds
    (`shared.policy`)."""

    version: int = integer(1, 10**6, required=True, writers=SERVER_ONLY)
    holds_from: Any = instant(required=True, writers=SERVER_ONLY)
    settings: Any = json_value(required=True)


@entity("reference", catalogue="reference")
@dataclass(frozen=True, slots=True, kw_only=True)
class Reference(Record):
    """One entry of a catalogue: a visit template, a callback script, a checklist, a cause, a
    calendar."""

    catalogue: str = choice(
        "visit_template",
        "callback_script",
        "repair_checklist",
        "repair_cause",
        "feedback_topic",
        "work_instruction",
        "calendar",
        "consent_text",
        required=True,
        writers=SERVER_ONLY,
    )
    key: str = text(80, required=True, writers=SERVER_ONLY)
    order: int | None = integer(0, 10**6, writers=SERVER_ONLY)
    data: Any = json_value(required=True)


__all__ = ["Policy", "Reference"]
