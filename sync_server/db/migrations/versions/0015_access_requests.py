"""Access that is asked for, given back, confirmed as deleted, and wiped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import Sealed
from sync_server.db.types import Instant, JsonValue

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_request_row",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", Instant()),
        sa.Column("created_by", sa.String(36)),
        sa.Column("updated_at", Instant()),
        sa.Column("updated_by", sa.String(36)),
        sa.Column("staff_id", sa.String(36)),
        sa.Column("customer_id", sa.String(36)),
        sa.Column("subject", sa.String(40)),
        sa.Column("subject_id", sa.Text()),
        sa.Column("hours", sa.BigInteger()),
        sa.Column("reason", Sealed("access_request_row.reason")),
        sa.Column("asked_at", Instant()),
        sa.Column("decision", sa.String(40)),
        sa.Column("answer", Sealed("access_request_row.answer")),
        sa.Column("decided_at", Instant()),
        sa.Column("decided_by", sa.String(36)),
        sa.Column("grant_id", sa.String(36)),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("versions", JsonValue),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_access_request_row"),
    )
    for column in ("customer_id", "staff_id"):
        op.create_index(
            f"ix_access_request_row_org_id_{column}", "access_request_row", ["org_id", column]
        )
    op.add_column("grant_row", sa.Column("returned_at", Instant()))
    op.create_table(
        "receipt",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("grants", sa.Integer(), nullable=False),
        sa.Column("deleted_rows", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", Instant(), nullable=False),
        sa.Column("rekeyed_at", Instant()),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("signature", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_receipt"),
    )
    op.create_index("ix_receipt_org_id_device_id", "receipt", ["org_id", "device_id"])
    op.add_column("device_grant", sa.Column("receipt_id", sa.String(36)))
    # What was dropped before there were receipts is nobody's debt.
    op.execute("UPDATE device_grant SET receipt_id = 'before' WHERE dropped_at IS NOT NULL")
    op.add_column("device", sa.Column("wipe_ordered_at", Instant()))
    op.add_column("device", sa.Column("wiped_at", Instant()))
