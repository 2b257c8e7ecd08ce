"""What customers were taught, and the thing that feedback is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import Sealed
from sync_server.db.types import Instant, JsonValue

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feedback_row", sa.Column("asset_id", sa.String(36)))
    op.create_table(
        "customer_training_row",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", Instant()),
        sa.Column("created_by", sa.String(36)),
        sa.Column("updated_at", Instant()),
        sa.Column("updated_by", sa.String(36)),
        sa.Column("customer_id", sa.String(36)),
        sa.Column("case_id", sa.String(36)),
        sa.Column("asset_id", sa.String(36)),
        sa.Column("trainer_id", sa.String(36)),
        sa.Column("held_at", Instant()),
        sa.Column("minutes", sa.BigInteger()),
        sa.Column("trained", Sealed("customer_training_row.trained")),
        sa.Column("covered", Sealed("customer_training_row.covered")),
        sa.Column("learned", sa.String(40)),
        sa.Column("notes", Sealed("customer_training_row.notes")),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("versions", JsonValue),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_customer_training_row"),
    )
    op.create_index(
        "ix_customer_training_row_org_id_customer_id",
        "customer_training_row",
        ["org_id", "customer_id"],
    )
    op.create_index(
        "ix_customer_training_row_org_id_case_id", "customer_training_row", ["org_id", "case_id"]
    )
