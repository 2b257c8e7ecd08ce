"""Callbacks by their agent: whoever has the fewest open ones gets the next."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_callback_row_org_id_assignee_id", "callback_row", ["org_id", "assignee_id"])
