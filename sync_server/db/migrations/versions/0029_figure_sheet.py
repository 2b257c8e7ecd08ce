"""Figures on phones, and when they were last written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.types import Instant, JsonValue

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("figure_state", sa.Column("told_seq", sa.BigInteger()))
    op.add_column("figure_state", sa.Column("told_at", Instant()))
    op.create_table(
        "figure_sheet_row",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", Instant()),
        sa.Column("created_by", sa.String(36)),
        sa.Column("updated_at", Instant()),
        sa.Column("updated_by", sa.String(36)),
        sa.Column("staff_id", sa.String(36)),
        sa.Column("about", sa.String(40)),
        sa.Column("store_id", sa.String(36)),
        sa.Column("counted_at", Instant()),
        sa.Column("body", JsonValue),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("versions", JsonValue),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_figure_sheet_row"),
    )
    op.create_index(
        "ix_figure_sheet_row_org_id_staff_id", "figure_sheet_row", ["org_id", "staff_id"]
    )
