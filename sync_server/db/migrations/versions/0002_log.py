"""The first schema: the feed, its heads, the history and the log of changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import Sealed
from sync_server.db.types import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarm",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("raised_at", Instant(), nullable=False),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("subject_id", sa.String(36)),
        sa.Column("detail", Sealed("alarm.detail")),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_alarm"),
    )
    op.create_index("ix_alarm_org_id_raised_at", "alarm", ["org_id", "raised_at"])
    op.create_table(
        "bucket_head",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("bucket", sa.String(80), nullable=False),
        sa.Column("max_seq", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "bucket", name="pk_bucket_head"),
    )

    op.create_table(
        "case_number_block",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("given_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "first", name="pk_case_number_block"),
    )

    op.create_table(
        "change_log",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("change_id", sa.String(36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("code", sa.String(40)),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("entity", sa.String(40)),
        sa.Column("record_id", sa.String(36)),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("number", sa.BigInteger()),
        sa.Column("grant_id", sa.String(36)),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("written_at", Instant(), nullable=False),
        sa.Column("settled_by", sa.String(36)),
        sa.Column("body", Sealed("change_log.body"), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "change_id", name="pk_change_log"),
    )
    op.create_index("ix_change_log_org_id_seq", "change_log", ["org_id", "seq"])
    op.create_index("ix_change_log_org_id_staff_id", "change_log", ["org_id", "staff_id"])
    op.create_index("ix_change_log_org_id_verdict", "change_log", ["org_id", "verdict"])
    op.create_table(
        "feed",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("bucket", sa.String(80), nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("record_id", sa.String(36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("body", Sealed("feed.body")),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "bucket", "entity", "record_id", name="pk_feed"),
    )
    op.create_index("ix_feed_org_id_bucket_seq", "feed", ["org_id", "bucket", "seq"])
    op.create_table(
        "history",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("record_id", sa.String(36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("replaced_by", sa.BigInteger(), nullable=False),
        sa.Column("change_id", sa.String(36)),
        sa.Column("body", Sealed("history.body"), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "entity", "record_id", "seq", name="pk_history"),
    )

    op.create_table(
        "look_head",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "device_id", name="pk_look_head"),
    )

    op.create_table(
        "org_state",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.String(36), nullable=False),
        sa.Column("backed_up_to", sa.BigInteger(), nullable=False),
        sa.Column("next_case_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", name="pk_org_state"),
    )
