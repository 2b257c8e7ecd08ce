"""Callbacks: the call after a repair, a complaint or a while of silence (S0 #18, #27, S2 #96,
#97, S3 #136)."""

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
    entity,
    instant,
    integer,
    many,
    reference,
    text,
)
from shared.entities.visit import Answer
from shared.states import CALLBACK_STATES

CALL_RESULTS = ("reached", "no_answer", "busy", "wrong_number", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call that was made."""

    at: Any = instant(required=True)
    result: str = choice(*CALL_RESULTS, required=True)
    note: str | None = text(500, personal=Personal.TEXT)


@entity(
    "callback",
    customer="customer_id",
    case="case_id",
    at="due_at",
    creators={
        Role.CALLBACK_AGENT,
        Role.TECHNICIAN,
        Role.STORE_MANAGER,
        Role.ACCOUNT_MANAGER,
    },
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Callback(Record):
    """One thing to call about. Readable to its agent only within the window of their grant (S3
    #151)."""

    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, case=True)
    case_id: str | None = reference("case", merge=Merge.IMMUTABLE, case=True)
    report_id: str | None = reference("report", merge=Merge.IMMUTABLE, case=True)
    kind: str = choice(
        "after_repair", "after_complaint", "care", "contact_check", required=True, case=True
    )
    state: str = choice(*CALLBACK_STATES, required=True, merge=Merge.STATE, case=True)
    due_at: Any = instant(required=True, case=True)
    window_ends_at: Any = instant(writers=SERVER_ONLY, case=True)
    assignee_id: str | None = reference("staff", writers=SERVER_ONLY, case=True)
    attempts: tuple[Attempt, ...] = many(Attempt, 50, merge=Merge.APPEND, case=True)
    answers: tuple[Answer, ...] = many(Answer, 40, personal=Personal.TEXT, case=True)
    outcome: str | None = choice("satisfied", "unsatisfied", "needs_more", "unreachable", case=True)
    satisfaction: int | None = integer(0, 100, case=True)  # S0 #12 measures in points of 100
    notes: str | None = text(4000, personal=Personal.TEXT, case=True)
    next_attempt_at: Any = instant(case=True)
    finished_at: Any = instant(case=True)
    reopened_case: bool | None = boolean(case=True)


__all__ = ["CALL_RESULTS", "Attempt", "Callback"]
