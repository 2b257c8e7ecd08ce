"""The desk: transfers, milestones, inspections, feedback, and what a complaint has beside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import Sealed
from sync_server.db.types import Day, Instant, JsonValue

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "transfer_row",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", Instant()),
        sa.Column("created_by", sa.String(36)),
        sa.Column("updated_at", Instant()),
        sa.Column("updated_by", sa.String(36)),
        sa.Column("case_id", sa.String(36)),
        sa.Column("customer_id", sa.String(36)),
        sa.Column("asked_by", sa.String(36)),
        sa.Column("expert_id", sa.String(36)),
        sa.Column("question", Sealed("transfer_row.question")),
        sa.Column("asked_at", Instant()),
        sa.Column("promised_at", Instant()),
        sa.Column("answered_at", Instant()),
        sa.Column("answer", Sealed("transfer_row.answer")),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("versions", JsonValue),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_transfer_row"),
    )
    op.create_index("ix_transfer_row_org_id_customer_id", "transfer_row", ["org_id", "customer_id"])
    op.create_index("ix_transfer_row_org_id_case_id", "transfer_row", ["org_id", "case_id"])
    op.create_table(
        "milestone_row",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", Instant()),
        sa.Column("created_by", sa.String(36)),
        sa.Column("updated_at", Instant()),
        sa.Column("updated_by", sa.String(36)),
        sa.Column("case_id", sa.String(36)),
        sa.Column("customer_id", sa.String(36)),
        sa.Column("title", Sealed("milestone_row.title")),
        sa.Column("owner_id", sa.String(36)),
        sa.Column("due_at", Instant()),
        sa.Column("finished_at", Instant()),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("versions", JsonValue),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_milestone_row"),
    )
    op.create_index(
        "ix_milestone_row_org_id_customer_id", "milestone_row", ["org_id", "customer_id"]
    )
    op.create_index("ix_milestone_row_org_id_case_id", "milestone_row", ["org_id", "case_id"])
    op.create_table(
        "inspection_row",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", Instant()),
        sa.Column("created_by", sa.String(36)),
        sa.Column("updated_at", Instant()),
        sa.Column("updated_by", sa.String(36)),
        sa.Column("case_id", sa.String(36)),
        sa.Column("customer_id", sa.String(36)),
        sa.Column("author_id", sa.String(36)),
        sa.Column("happened_at", Instant()),
        sa.Column("checklist", JsonValue),
        sa.Column("judgement", sa.String(40)),
        sa.Column("notes", Sealed("inspection_row.notes")),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("versions", JsonValue),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_inspection_row"),
    )
    op.create_index(
        "ix_inspection_row_org_id_customer_id", "inspection_row", ["org_id", "customer_id"]
    )
    op.create_index("ix_inspection_row_org_id_case_id", "inspection_row", ["org_id", "case_id"])
    op.create_table(
        "feedback_row",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", Instant()),
        sa.Column("created_by", sa.String(36)),
        sa.Column("updated_at", Instant()),
        sa.Column("updated_by", sa.String(36)),
        sa.Column("customer_id", sa.String(36)),
        sa.Column("case_id", sa.String(36)),
        sa.Column("happened_at", Instant()),
        sa.Column("channel", sa.String(40)),
        sa.Column("topic", sa.Text()),
        sa.Column("said", Sealed("feedback_row.said")),
        sa.Column("department", sa.Text()),
        sa.Column("due_at", Instant()),
        sa.Column("measure", Sealed("feedback_row.measure")),
        sa.Column("effect", sa.String(40)),
        sa.Column("finished_at", Instant()),
        sa.Column("told_at", Instant()),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("versions", JsonValue),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_feedback_row"),
    )
    op.create_index("ix_feedback_row_org_id_customer_id", "feedback_row", ["org_id", "customer_id"])
    op.create_index("ix_feedback_row_org_id_case_id", "feedback_row", ["org_id", "case_id"])
    op.create_index("ix_feedback_row_org_id_topic", "feedback_row", ["org_id", "topic"])
    op.add_column("case_row", sa.Column("occurred_at", Instant()))
    op.add_column("case_row", sa.Column("findings", Sealed("case_row.findings")))
    op.add_column("case_row", sa.Column("liability", sa.String(40)))
    op.add_column("case_row", sa.Column("liable_party", Sealed("case_row.liable_party")))
    op.add_column("case_row", sa.Column("plan", Sealed("case_row.plan")))
    op.add_column("case_row", sa.Column("lesson", Sealed("case_row.lesson")))
    op.add_column("asset_row", sa.Column("package", sa.Text()))
    op.add_column("asset_row", sa.Column("package_terms", sa.Text()))
    op.add_column("asset_row", sa.Column("package_until", Day()))
