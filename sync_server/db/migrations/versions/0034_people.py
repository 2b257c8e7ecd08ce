"""Grades that a panel gave, and trainings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.types import Day, Instant, JsonValue

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def _id(name: str, length: int = 36) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def upgrade() -> None:
    op.create_table(
        "staff_grade",
        *(_id(name) for name in ("org_id", "staff_id")),
        _id("period", 10),
        _id("store_id"),
        _id("proposed", 12),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("said", JsonValue, nullable=False),
        sa.Column("grade", sa.String(12)),
        sa.Column("decided_at", Instant()),
        sa.PrimaryKeyConstraint("org_id", "staff_id", "period", name="pk_staff_grade"),
    )
    op.create_table(
        "training",
        *(_id(name) for name in ("org_id", "id", "store_id")),
        _id("kind", 12),
        sa.Column("title", sa.Text()),
        sa.Column("staff_id", sa.String(36)),
        sa.Column("period", sa.String(10)),
        sa.Column("owner_id", sa.String(36)),
        sa.Column("due_on", Day()),
        sa.Column("done_on", Day()),
        sa.Column("attended", JsonValue),
        sa.Column("outcome", sa.String(20)),
        sa.Column("note", sa.Text()),
        sa.Column("done_by", sa.String(36)),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_training"),
    )
    columns = ["org_id", "store_id", "kind", "done_on"]
    op.create_index("ix_training_" + "_".join(columns), "training", columns)
