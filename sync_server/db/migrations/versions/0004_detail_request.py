"""Head office's requests to see one customer's detail for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.types import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "detail_request",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("customer_id", sa.String(36), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("decided_at", Instant()),
        sa.Column("decided_by", sa.String(36)),
        sa.Column("grant_id", sa.String(36)),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_detail_request"),
    )
    op.create_index(
        "ix_detail_request_org_id_customer_id", "detail_request", ["org_id", "customer_id"]
    )
