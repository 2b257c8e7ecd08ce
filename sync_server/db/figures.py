"""What figures are made of: facts worked out from events and orders, and their daily sums.

Nothing here is a source: all of it can be thrown away and worked out again (`services.figure_facts`
does, for each customer of whom anything was written). `store_id` is the customer's own, so that
each customer counts in one store; empty where there is none. Days are those of the organisation's
zone. Nothing here names anyone: ids, days, counts and cents.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
)

from sync_server.db.base import METADATA
from sync_server.db.types import Day, Instant, JsonValue

FIGURE_STATE = Table(
    "figure_state",
    METADATA,
    Column("org_id", String(36), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("rules", String(64), nullable=False),
    Column("counted_at", Instant, nullable=False),
    Column("told_seq", BigInteger),
    Column("told_at", Instant),
)
"""How far the facts of an organisation reach (a number of the feed), and a digest of what they were
worked out by beside the records: zone, calendar and policy versions. `told_seq` and `told_at`: how
far those reached from which phones were last told their figures, and when."""

FIGURE_CUSTOMER = Table(
    "figure_customer",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("customer_id", String(36), nullable=False),
    Column("store_id", String(36), nullable=False),
    Column("since_day", Day, nullable=False),
    Column("referred", Boolean, nullable=False),
    PrimaryKeyConstraint("org_id", "customer_id"),
    Index(None, "org_id", "store_id", "since_day"),
)
"""Each actual customer, and since when."""

FIGURE_MONTH = Table(
    "figure_month",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("customer_id", String(36), nullable=False),
    Column("month", Integer, nullable=False),
    Column("store_id", String(36), nullable=False),
    Column("orders", Integer, nullable=False),
    Column("cents", BigInteger, nullable=False),
    PrimaryKeyConstraint("org_id", "customer_id", "month"),
    Index(None, "org_id", "month"),
)
"""What a customer ordered in a month (`periods.month_of`): orders that stand, and cents with
credits taken off."""

FIGURE_CASE = Table(
    "figure_case",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("case_id", String(36), nullable=False),
    Column("customer_id", String(36), nullable=False),
    Column("store_id", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("priority", String(40), nullable=False),
    Column("state", String(40), nullable=False),
    Column("opened_day", Day, nullable=False),
    Column("opened_hour", Integer, nullable=False),
    Column("answered_day", Day),
    Column("answer_seconds", BigInteger),
    Column("answered_in_time", Boolean),
    Column("resolved_day", Day),
    Column("resolve_seconds", BigInteger),
    Column("resolved_in_time", Boolean),
    Column("provisional", Boolean, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("reassigned", Integer, nullable=False),
    Column("reopened", Integer, nullable=False),
    PrimaryKeyConstraint("org_id", "case_id"),
    Index(None, "org_id", "customer_id"),
    Index(None, "org_id", "opened_day"),
    Index(None, "org_id", "answered_day"),
    Index(None, "org_id", "resolved_day"),
)
"""Each case by its clocks. `staff_id` had it when it was resolved, or has it now; `opened_hour` is
24 × weekday (Monday 0) + local hour; `provisional`: the calendar was a guess for its deadline."""

FIGURE_ANSWER = Table(
    "figure_answer",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("id", String(36), nullable=False),
    Column("customer_id", String(36), nullable=False),
    Column("store_id", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("case_id", String(36)),
    Column("day", Day, nullable=False),
    Column("points", Integer, nullable=False),
    Column("satisfied", Boolean, nullable=False),
    PrimaryKeyConstraint("org_id", "id"),
    Index(None, "org_id", "customer_id"),
    Index(None, "org_id", "day"),
)
"""Points that a customer gave in a callback or a visit. `staff_id` is who is judged: whoever had
the case, or made the call or the visit."""

FIGURE_DAY = Table(
    "figure_day",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("day", Day, nullable=False),
    Column("store_id", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("part", String(40), nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("org_id", "day", "store_id", "staff_id", "part"),
)
"""Daily sums of `shared.figures.Figure.parts` that add up over days."""

FIGURE_PUBLICATION = Table(
    "figure_publication",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("month", Integer, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("body", JsonValue, nullable=False),
    PrimaryKeyConstraint("org_id", "month"),
)
"""What head office may read of a month: written once, when it has settled, and never again, so that
nobody learns of one customer from two readings."""

__all__ = [
    "FIGURE_ANSWER",
    "FIGURE_CASE",
    "FIGURE_CUSTOMER",
    "FIGURE_DAY",
    "FIGURE_MONTH",
    "FIGURE_PUBLICATION",
    "FIGURE_STATE",
]
