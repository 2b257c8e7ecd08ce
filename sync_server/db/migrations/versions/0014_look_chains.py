"""Chains of looks with an id of their own and a signed beginning; alarms that someone has seen or
explained."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import Sealed
from sync_server.db.types import Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("hits", sa.BigInteger()),
        sa.Column("chain_id", sa.Text()),
        sa.Column("began_at", Instant()),
        sa.Column("signature", sa.Text()),
    ):
        op.add_column("look_row", column)
    for column in (
        sa.Column("seen_at", Instant()),
        sa.Column("seen_by", sa.String(36)),
        sa.Column("explained_at", Instant()),
        sa.Column("explained_by", sa.String(36)),
        sa.Column("explanation", Sealed("alarm.explanation")),
    ):
        op.add_column("alarm", column)
    op.create_index("ix_alarm_org_id_subject_id", "alarm", ["org_id", "subject_id"])
    op.create_table(
        "look_link",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("chain_id", sa.String(36), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("look_id", sa.String(36), nullable=False),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint(
            "org_id", "device_id", "chain_id", "number", "look_id", name="pk_look_link"
        ),
    )
    op.create_index("ix_look_link_org_id_look_id", "look_link", ["org_id", "look_id"])
    # The ends of the chains until now: what comes next is checked against them.
    op.execute(
        "INSERT INTO look_link (org_id, device_id, chain_id, number, look_id, staff_id, hash,"
        " previous, received_at) SELECT org_id, device_id, '', number, '', '', hash, '',"
        " '2026-11-22T00:00:00.000Z' FROM look_head"
    )
    op.drop_table("look_head")
