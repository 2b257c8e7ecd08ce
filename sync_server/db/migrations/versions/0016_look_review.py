"""Samples of looks, their review, and how far looks were watched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import Sealed
from sync_server.db.types import Instant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("created_by", "seq"):
        op.create_index(f"ix_look_row_org_id_{column}", "look_row", ["org_id", column])
    op.create_table(
        "look_sample",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("week", sa.String(8), nullable=False),
        sa.Column("after_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("seed", sa.String(64), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("least", sa.Integer(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("drawn_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_look_sample"),
        sa.UniqueConstraint("org_id", "week", name="uq_look_sample_org_id_week"),
    )
    op.create_table(
        "look_review",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("sample_id", sa.String(36), nullable=False),
        sa.Column("look_id", sa.String(36), nullable=False),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("store_id", sa.String(36)),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("verdict", sa.String(10)),
        sa.Column("note", Sealed("look_review.note")),
        sa.Column("reviewed_at", Instant()),
        sa.Column("reviewed_by", sa.String(36)),
        sa.PrimaryKeyConstraint("org_id", "look_id", name="pk_look_review"),
    )
    op.create_index(
        "ix_look_review_org_id_sample_id_look_id",
        "look_review",
        ["org_id", "sample_id", "look_id"],
    )
    op.create_table(
        "look_watch",
        sa.Column("org_id", sa.String(36), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
