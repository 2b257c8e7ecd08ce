"""Who may leave: chances of coming back, what they were learned from, and plans to keep
customers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import Sealed
from sync_server.db.types import Instant, JsonValue

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _records(
        "churn_score_row",
        sa.Column("return_percent", sa.BigInteger()),
        sa.Column("fallen_percent", sa.BigInteger()),
        sa.Column("within_days", sa.BigInteger()),
        sa.Column("order_count", sa.BigInteger()),
        sa.Column("usual_days", sa.BigInteger()),
        sa.Column("last_order_at", Instant()),
        sa.Column("signs", JsonValue),
        sa.Column("reasons", JsonValue),
        sa.Column("policy_version", sa.BigInteger()),
        sa.Column("scored_at", Instant()),
        sa.Column("fitted_at", Instant()),
    )
    _records(
        "retention_plan_row",
        sa.Column("state", sa.String(40)),
        sa.Column("signs", JsonValue),
        sa.Column("reasons", JsonValue),
        sa.Column("raised_at", Instant()),
        sa.Column("cause", sa.String(40)),
        sa.Column("cause_note", Sealed("retention_plan_row.cause_note")),
        sa.Column("measures", Sealed("retention_plan_row.measures")),
        sa.Column("owner_id", sa.String(36)),
        sa.Column("due_at", Instant()),
        sa.Column("outcome", sa.String(40)),
        sa.Column("outcome_note", Sealed("retention_plan_row.outcome_note")),
        sa.Column("finished_at", Instant()),
        sa.Column("decided_at", Instant()),
        sa.Column("decided_by", sa.String(36)),
    )
    op.create_index(
        "ix_retention_plan_row_org_id_state_due_at_id",
        "retention_plan_row",
        ["org_id", "state", "due_at", "id"],
    )
    op.create_table(
        "churn_model",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("model", JsonValue, nullable=False),
        sa.Column("fitted_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", name="pk_churn_model"),
    )


def _records(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        name,
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", Instant()),
        sa.Column("created_by", sa.String(36)),
        sa.Column("updated_at", Instant()),
        sa.Column("updated_by", sa.String(36)),
        sa.Column("customer_id", sa.String(36)),
        *columns,
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("versions", JsonValue),
        sa.PrimaryKeyConstraint("org_id", "id", name=f"pk_{name}"),
    )
    op.create_index(f"ix_{name}_org_id_customer_id", name, ["org_id", "customer_id"])
