"""When the clock was last looked at, and until when deleting waits after a leap of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.types import Instant

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("looked_at", "deleting_waits_until"):
        op.add_column("org_state", sa.Column(name, Instant()))
