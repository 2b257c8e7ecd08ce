"""How customers buy and what moves them; feedback is listed by when it is due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import Sealed

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "customer_row", sa.Column("buys_through", Sealed("customer_row.buys_through", as_json=True))
    )
    op.add_column("customer_row", sa.Column("usage_habits", Sealed("customer_row.usage_habits")))
    op.add_column(
        "customer_row", sa.Column("price_sense", Sealed("customer_row.price_sense", as_json=True))
    )
    op.add_column(
        "customer_row", sa.Column("decides_by", Sealed("customer_row.decides_by", as_json=True))
    )
    op.add_column(
        "customer_row", sa.Column("openness", Sealed("customer_row.openness", as_json=True))
    )
    op.add_column("customer_row", sa.Column("concerns", Sealed("customer_row.concerns")))
    op.create_index("ix_feedback_row_org_id_due_at_id", "feedback_row", ["org_id", "due_at", "id"])
