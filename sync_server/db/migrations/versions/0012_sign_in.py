"""Second factors, recovery and enrolment codes, linked identities."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import Sealed
from sync_server.db.types import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "second_factor",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("secret", Sealed("second_factor.secret"), nullable=False),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("enrolled_at", Instant()),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "staff_id", name="pk_second_factor"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("used_at", Instant()),
        sa.PrimaryKeyConstraint("org_id", "staff_id", "hash", name="pk_recovery_code"),
    )
    op.create_table(
        "enrolment_code",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("made_by", sa.String(36)),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant()),
        sa.Column("device_id", sa.String(36)),
        sa.PrimaryKeyConstraint("org_id", "hash", name="pk_enrolment_code"),
    )
    op.create_index("ix_enrolment_code_org_id_staff_id", "enrolment_code", ["org_id", "staff_id"])
    op.create_table(
        "identity_link",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("issuer", sa.String(200), nullable=False),
        sa.Column("claim", sa.String(40), nullable=False),
        sa.Column("value", sa.String(200), nullable=False),
        sa.Column("linked_at", Instant(), nullable=False),
        sa.Column("linked_by", sa.String(36)),
        sa.PrimaryKeyConstraint("org_id", "staff_id", "issuer", name="pk_identity_link"),
        sa.UniqueConstraint("issuer", "claim", "value", name="uq_identity_link_issuer_claim_value"),
    )
