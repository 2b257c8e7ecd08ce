"""What devices tell of themselves, and the indexes by which the console's lists are read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.types import Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_INDEXES = {
    "account": ("username staff_id", "created_at staff_id"),
    "device": ("heard_at id", "enrolled_at id", "state enrolled_at id", "unsent_since"),
    "change_log": ("verdict seq",),
    "conflict_row": ("resolution found_at id",),
    "customer_row": ("owner_id id", "store_id id", "origin_ref id"),
    "staff_row": ("name id", "store_id id"),
    "store_row": ("name id",),
}


def upgrade() -> None:
    op.add_column("device", sa.Column("heard_at", Instant()))
    op.add_column("device", sa.Column("cursor", sa.BigInteger()))
    op.add_column("device", sa.Column("unsent", sa.Integer()))
    op.add_column("device", sa.Column("unsent_files", sa.Integer()))
    op.add_column("device", sa.Column("unsent_since", Instant()))
    op.add_column("device", sa.Column("stored_bytes", sa.BigInteger()))
    op.execute("UPDATE device SET heard_at = coalesce(signed_in_at, enrolled_at)")
    with op.batch_alter_table("device") as device:
        device.alter_column("heard_at", existing_type=Instant(), nullable=False)
    op.drop_index("ix_change_log_org_id_verdict", "change_log")
    for table, wanted in _INDEXES.items():
        for columns in wanted:
            names = columns.split()
            op.create_index(f"ix_{table}_org_id_{'_'.join(names)}", table, ["org_id", *names])
