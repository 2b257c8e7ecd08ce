"""What managers note of their staff and their service: grades that a panel gave, trainings, and the
plans for VIPs; and their monthly reports. None of it goes to a phone as it stands; what people
typed, and the reports, are sealed."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
)

from sync_server.db.base import METADATA
from sync_server.db.sealing import Sealed, SealedBytes
from sync_server.db.types import Day, Instant, JsonValue

STAFF_GRADE = Table(
    "staff_grade",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("period", String(10), nullable=False),
    Column("store_id", String(36), nullable=False),
    Column("proposed", String(12), nullable=False),
    Column("score", Float, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("said", Sealed("staff_grade.said", as_json=True), nullable=False),
    Column("grade", String(12)),
    Column("decided_at", Instant),
    PrimaryKeyConstraint("org_id", "staff_id", "period"),
)
"""One person's assessment of one cycle (S1 #68): what the score `proposed` when the panel first
spoke, what each seat `said` (``{"manager": {"grade": "good", "reason": null, "by": id, "at":
time}}``), and the `grade` once they agree; until then it is null and counts for nothing."""

TRAINING = Table(
    "training",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("id", String(36), nullable=False),
    Column("store_id", String(36), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("title", Sealed("training.title")),
    Column("staff_id", String(36)),
    Column("period", String(10)),
    Column("owner_id", String(36)),
    Column("due_on", Day),
    Column("done_on", Day),
    Column("attended", JsonValue),
    Column("outcome", String(20)),
    Column("note", Sealed("training.note")),
    Column("done_by", String(36)),
    PrimaryKeyConstraint("org_id", "id"),
    Index(None, "org_id", "store_id", "kind", "done_on"),
)
"""A training of a store, as it was held (S0 #9), or what a fail opened for one person (`staff_id`),
with whoever sees to it and by which day (S1 #69). Open while `done_on` is null."""

SERVICE_PLAN = Table(
    "service_plan",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("store_id", String(36), nullable=False),
    Column("period", String(10), nullable=False),
    Column("version", Integer, nullable=False),
    Column("plan", Sealed("service_plan.plan"), nullable=False),
    Column("evaluation", Sealed("service_plan.evaluation")),
    Column("written_by", String(36), nullable=False),
    Column("written_at", Instant, nullable=False),
    PrimaryKeyConstraint("org_id", "store_id", "period", "version"),
)
"""What a store's manager plans for its VIPs in a quarter, and how they find it went (S2 #80); every
version stays."""

STORE_REPORT = Table(
    "store_report",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("store_id", String(36), nullable=False),
    Column("month", Integer, nullable=False),
    Column("form", String(4), nullable=False),
    Column("language", String(8), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("body", SealedBytes("store_report.body"), nullable=False),
    PrimaryKeyConstraint("org_id", "store_id", "month", "form", "language"),
)
"""A month's report as it was made (S3 #145): counts and sums of a store, and its staff's scores.
`month` as `Period.first_month`."""

__all__ = ["STORE_REPORT", "SERVICE_PLAN", "STAFF_GRADE", "TRAINING"]
