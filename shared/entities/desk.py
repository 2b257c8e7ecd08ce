"""What the work on a case needs beside its steps: questions handed to an expert, milestones, an
inspection on site, what customers say of us, and what they were taught (S0 #15, #28, #29; S2 #83,
#84, #88, #97, #114; S4 #169)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.declare import (
    Merge,
    Personal,
    Record,
    Role,
    choice,
    entity,
    instant,
    integer,
    many,
    reference,
    text,
)
from shared.entities.report import CheckItem

EFFECTS = ("solved", "better", "none")
_DESK = {Role.CALLBACK_AGENT, Role.TECHNICIAN, Role.STORE_MANAGER, Role.ACCOUNT_MANAGER}


@entity("transfer", customer="customer_id", case="case_id", at="asked_at", creators=_DESK)
@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Record):
    """A question that went to an expert, and by when the customer was promised its answer (S0 #15,
    S2 #88). It has a clock of its own (`service_clock.promised_clock`)."""

    case_id: str = reference("case", required=True, merge=Merge.IMMUTABLE, case=True)
    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, case=True)
    asked_by: str = reference("staff", required=True, merge=Merge.IMMUTABLE, case=True)
    expert_id: str = reference("staff", required=True, case=True)
    question: str = text(2000, required=True, personal=Personal.TEXT, case=True)
    asked_at: Any = instant(required=True, merge=Merge.IMMUTABLE, case=True)
    promised_at: Any = instant(required=True, merge=Merge.IMMUTABLE, case=True)
    answered_at: Any = instant(case=True)
    answer: str | None = text(2000, personal=Personal.TEXT, case=True)


@entity("milestone", customer="customer_id", case="case_id", at="due_at", creators=_DESK)
@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone(Record):
    """One thing of a plan: what, who, by when (S2 #114)."""

    case_id: str = reference("case", required=True, merge=Merge.IMMUTABLE, case=True)
    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, case=True)
    title: str = text(160, required=True, personal=Personal.TEXT, case=True)
    owner_id: str | None = reference("staff", case=True)
    due_at: Any = instant(required=True, case=True)
    finished_at: Any = instant(case=True)


@entity(
    "inspection",
    customer="customer_id",
    case="case_id",
    at="happened_at",
    creators={Role.STORE_MANAGER},
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection(Record):
    """A manager's look at service on site (S4 #169)."""

    case_id: str = reference("case", required=True, merge=Merge.IMMUTABLE, case=True)
    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, case=True)
    author_id: str = reference("staff", required=True, merge=Merge.IMMUTABLE, case=True)
    happened_at: Any = instant(required=True, merge=Merge.IMMUTABLE, case=True)
    checklist: tuple[CheckItem, ...] = many(CheckItem, 40, case=True)
    judgement: str = choice("passed", "faults", required=True, case=True)
    notes: str | None = text(2000, personal=Personal.TEXT, case=True)


@entity("feedback", customer="customer_id", case="case_id", at="happened_at", creators=_DESK)
@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback(Record):
    """What a customer said of us, put into the taxonomy, routed to a department with a deadline,
    and what came of it (S0 #28–#30, S2 #97). `topic` is a key of the catalogue
    `feedback_topic`."""

    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, case=True)
    case_id: str | None = reference("case", merge=Merge.IMMUTABLE, case=True)
    # The thing that it is about, a product on trial say (S2 #83).
    asset_id: str | None = reference("asset", case=True)
    happened_at: Any = instant(required=True, merge=Merge.IMMUTABLE, case=True)
    channel: str | None = choice("phone", "chat", "email", "app", "on_site", "other", case=True)
    topic: str = text(80, required=True, case=True)
    said: str = text(2000, required=True, personal=Personal.TEXT, case=True)
    department: str | None = text(80, case=True)
    due_at: Any = instant(case=True)
    measure: str | None = text(2000, personal=Personal.TEXT, case=True)
    effect: str | None = choice(*EFFECTS, case=True)
    finished_at: Any = instant(case=True)
    # The customer was told what has become of it (S0 #30).
    told_at: Any = instant(case=True)


@entity("customer_training", customer="customer_id", case="case_id", at="held_at", creators=_DESK)
@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerTraining(Record):
    """People of a customer were shown how to use and keep what they have: who, what, when and by
    whom (S2 #84). With a repair or by itself."""

    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, case=True)
    case_id: str | None = reference("case", merge=Merge.IMMUTABLE, case=True)
    asset_id: str | None = reference("asset", case=True)
    trainer_id: str = reference("staff", required=True, merge=Merge.IMMUTABLE, case=True)
    held_at: Any = instant(required=True, case=True)
    minutes: int | None = integer(5, 24 * 60, case=True)
    trained: str = text(400, required=True, personal=Personal.TEXT, case=True)
    covered: str = text(2000, required=True, personal=Personal.TEXT, case=True)
    learned: str | None = choice("well", "partly", "again", case=True)
    notes: str | None = text(2000, personal=Personal.TEXT, case=True)


__all__ = ["EFFECTS", "CustomerTraining", "Feedback", "Inspection", "Milestone", "Transfer"]
