"""Visits to customers (S0 #20–#23, S2 #104): planned, begun, finished, with what was learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.declare import (
    SERVER_ONLY,
    Merge,
    Personal,
    Record,
    Role,
    boolean,
    choice,
    day,
    entity,
    instant,
    integer,
    many,
    number,
    reference,
    struct,
    text,
)

PURPOSES = ("experience", "satisfaction", "news", "business", "industry", "care", "win_back")


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An explicit fix. Never a stale one: `fixed_at` is the time of the fix, not of the record."""

    latitude: float = number(-90, 90, required=True)
    longitude: float = number(-180, 180, required=True)
    accuracy_m: float | None = number(0, 100_000)
    fixed_at: Any = instant(required=True)
    mocked: bool | None = boolean()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question of a template or script and what was answered."""

    key: str = text(60, required=True)
    question: str | None = text(300)
    answer: str | None = text(2000, personal=Personal.TEXT)


@entity(
    "visit",
    customer="customer_id",
    at="planned_at",
    creators={Role.ACCOUNT_MANAGER, Role.STORE_MANAGER},
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Visit(Record):
    """One visit. A next step with a date becomes the next visit, created beside it."""

    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE)
    owner_id: str = reference("staff", required=True)
    contact_id: str | None = reference("contact")
    purpose: str = choice(*PURPOSES, required=True)
    channel: str | None = choice("on_site", "phone", "email")
    state: str = choice(
        "planned", "started", "finished", "cancelled", required=True, merge=Merge.STATE
    )
    planned_at: Any = instant(required=True)
    minutes: int | None = integer(5, 24 * 60)
    # Set on what the cadence planned (`shared.cadence`): by when the tier wants it, how often.
    due_by: Any = instant(writers=SERVER_ONLY)
    every_days: int | None = integer(1, 1096, writers=SERVER_ONLY)
    started_at: Any = instant()
    finished_at: Any = instant()
    position: Position | None = struct(Position, personal=Personal.ADDRESS)
    no_position_because: str | None = choice("no_signal", "not_permitted", "not_wanted", "remote")
    answers: tuple[Answer, ...] = many(Answer, 40, personal=Personal.TEXT)
    notes: str | None = text(8000, personal=Personal.TEXT)
    needs_found: str | None = text(4000, personal=Personal.TEXT)
    preferences_found: str | None = text(2000, personal=Personal.TEXT)
    satisfaction: int | None = integer(0, 100)
    photo_ids: tuple[str, ...] = many(reference("file"), 40, merge=Merge.APPEND)
    next_step: str | None = text(500, personal=Personal.TEXT)
    next_step_on: Any = day()
    next_visit_id: str | None = reference("visit")
    previous_visit_id: str | None = reference("visit", merge=Merge.IMMUTABLE)
    cancelled_because: str | None = text(500, personal=Personal.TEXT)


__all__ = ["PURPOSES", "Answer", "Position", "Visit"]
