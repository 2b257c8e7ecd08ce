"""For which record a change waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("change_log", sa.Column("missing_id", sa.String(36)))
    named = sa.text("missing_id IS NOT NULL")
    op.create_index(
        "ix_change_log_missing",
        "change_log",
        ["org_id", "missing_id"],
        sqlite_where=named,
        postgresql_where=named,
    )
