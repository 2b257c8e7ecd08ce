"""Drills of backups, and customers that were erased, on record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.types import Instant, JsonValue

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backup_drill",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("backup", sa.String(80), nullable=False),
        sa.Column("taken_at", Instant(), nullable=False),
        sa.Column("drilled_at", Instant(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("values_opened", sa.BigInteger(), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("sound", sa.Boolean(), nullable=False),
        sa.Column("problems", JsonValue, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_backup_drill"),
    )
    op.create_index("ix_backup_drill_drilled_at", "backup_drill", ["drilled_at"])
    op.create_table(
        "erasure",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("customer_id", sa.String(36), nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("asked_by", sa.String(36)),
        sa.Column("erased_at", Instant(), nullable=False),
        sa.Column("counts", JsonValue, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_erasure"),
    )
    op.create_index("ix_erasure_org_id_customer_id", "erasure", ["org_id", "customer_id"])
    op.add_column("customer_row", sa.Column("erased_at", Instant()))
