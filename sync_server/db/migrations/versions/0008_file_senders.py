"""Who brought a file, and the hash of bytes that came before their record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stored_file", sa.Column("staff_id", sa.String(36)))
    op.add_column("stored_file", sa.Column("device_id", sa.String(36)))
    op.add_column("early_file", sa.Column("sha256", sa.String(64)))
