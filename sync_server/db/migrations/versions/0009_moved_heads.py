"""Which buckets got rows since a number, without looking at all of them."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_bucket_head_org_id_max_seq"), "bucket_head", ["org_id", "max_seq"])
