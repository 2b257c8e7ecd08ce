"""Scope moves: what people are told, records under other customers, what each device holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.types import Instant, JsonValue

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notice_row",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", Instant()),
        sa.Column("created_by", sa.String(36)),
        sa.Column("updated_at", Instant()),
        sa.Column("updated_by", sa.String(36)),
        sa.Column("staff_id", sa.String(36)),
        sa.Column("kind", sa.String(40)),
        sa.Column("subject", sa.String(40)),
        sa.Column("count", sa.BigInteger()),
        sa.Column("by_id", sa.String(36)),
        sa.Column("other_id", sa.String(36)),
        sa.Column("store_id", sa.String(36)),
        sa.Column("happened_at", Instant()),
        sa.Column("dismissed_at", Instant()),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("versions", JsonValue),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_notice_row"),
    )
    op.create_index("ix_notice_row_org_id_staff_id", "notice_row", ["org_id", "staff_id"])
    op.create_table(
        "record_move",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("record_id", sa.String(36), nullable=False),
        sa.Column("from_customer", sa.String(36), nullable=False),
        sa.Column("to_customer", sa.String(36), nullable=False),
        sa.Column("moved_at", Instant(), nullable=False),
        sa.Column("moved_by", sa.String(36)),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_record_move"),
    )
    for column in ("record_id", "from_customer"):
        op.create_index(f"ix_record_move_org_id_{column}", "record_move", ["org_id", column])
    op.create_table(
        "device_grant",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("grant_id", sa.String(36), nullable=False),
        sa.Column("bucket", sa.String(80), nullable=False),
        sa.Column("expires_at", Instant()),
        sa.Column("told_at", Instant(), nullable=False),
        sa.Column("held_at", Instant()),
        sa.Column("drop_told_at", Instant()),
        sa.Column("dropped_at", Instant()),
        sa.Column("open_from", Instant()),
        sa.PrimaryKeyConstraint("org_id", "device_id", "grant_id", name="pk_device_grant"),
    )
    op.create_index("ix_device_grant_org_id_bucket", "device_grant", ["org_id", "bucket"])
    op.create_index(
        "ix_device_grant_org_id_device_id_open_from",
        "device_grant",
        ["org_id", "device_id", "open_from"],
    )
