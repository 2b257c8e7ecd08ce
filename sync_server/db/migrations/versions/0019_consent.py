"""What customers agreed to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.types import Instant, JsonValue

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consent_row",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", Instant()),
        sa.Column("created_by", sa.String(36)),
        sa.Column("updated_at", Instant()),
        sa.Column("updated_by", sa.String(36)),
        sa.Column("customer_id", sa.String(36)),
        sa.Column("scope", sa.String(40)),
        sa.Column("answer", sa.String(40)),
        sa.Column("text_key", sa.Text()),
        sa.Column("text_version", sa.BigInteger()),
        sa.Column("text_hash", sa.Text()),
        sa.Column("language", sa.String(40)),
        sa.Column("asked_by", sa.String(40)),
        sa.Column("decided_at", Instant()),
        sa.Column("taken_by", sa.String(36)),
        sa.Column("withdrawn_at", Instant()),
        sa.Column("withdrawn_by", sa.String(36)),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("versions", JsonValue),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_consent_row"),
    )
    op.create_index("ix_consent_row_org_id_customer_id", "consent_row", ["org_id", "customer_id"])
