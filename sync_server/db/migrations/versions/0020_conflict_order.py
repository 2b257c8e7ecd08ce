"""Conflicts in the order in which they were found, decided or not."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_conflict_row_org_id_found_at_id", "conflict_row", ["org_id", "found_at", "id"]
    )
