"""Public addresses of stores, where customers write to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import Sealed
from sync_server.db.types import Day, Instant

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "entrance",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("store_id", sa.String(36), nullable=False),
        sa.Column("token", Sealed("entrance.token"), nullable=False),
        sa.Column("token_mark", sa.String(64), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("day", Day(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "store_id", name="pk_entrance"),
    )
    op.create_index("ix_entrance_token_mark", "entrance", ["token_mark"], unique=True)
