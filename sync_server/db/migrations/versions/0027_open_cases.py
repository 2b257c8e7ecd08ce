"""Open cases in the order of their opening, for the desk's queue."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_case_row_org_id_state_opened_at_id", "case_row", ["org_id", "state", "opened_at", "id"]
    )
