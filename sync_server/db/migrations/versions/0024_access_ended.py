"""Access that was given on request is ended from the phone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.types import Instant

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("access_request_row", sa.Column("ended_at", Instant()))
