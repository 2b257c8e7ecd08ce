"""Accounts, devices, tokens, tries, and what the server knows of uploads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.types import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("username", sa.String(80), nullable=False),
        sa.Column("password", sa.String(200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("password_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "staff_id", name="pk_account"),
        sa.UniqueConstraint("username", name="uq_account_username"),
    )
    op.create_table(
        "device",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("thumbprint", sa.String(64), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("platform", sa.String(40), nullable=False),
        sa.Column("app_version", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("enrolled_at", Instant(), nullable=False),
        sa.Column("decided_at", Instant()),
        sa.Column("decided_by", sa.String(36)),
        sa.Column("signed_in_at", Instant()),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_device"),
        sa.UniqueConstraint(
            "org_id", "staff_id", "thumbprint", name="uq_device_org_id_staff_id_thumbprint"
        ),
    )
    _tokens()
    _uploads()


def _tokens() -> None:
    op.create_table(
        "refresh_token",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("family", sa.String(36), nullable=False),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("device_id", sa.String(36), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant()),
        sa.Column("successor", sa.String(64)),
        sa.Column("revoked_at", Instant()),
        sa.PrimaryKeyConstraint("org_id", "hash", name="pk_refresh_token"),
        sa.UniqueConstraint("hash", name="uq_refresh_token_hash"),
    )
    for column in ("device_id", "family"):
        op.create_index(f"ix_refresh_token_org_id_{column}", "refresh_token", ["org_id", column])
    op.create_table(
        "sign_in_try",
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name="pk_sign_in_try"),
    )
    op.create_table(
        "seen_proof",
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name="pk_seen_proof"),
    )
    op.create_index("ix_seen_proof_until", "seen_proof", ["until"])


def _uploads() -> None:
    op.create_table(
        "upload",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("staff_id", sa.String(36), nullable=False),
        sa.Column("device_id", sa.String(36), nullable=False),
        sa.Column("file_id", sa.String(36), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(60), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_upload"),
        sa.UniqueConstraint(
            "org_id", "device_id", "file_id", name="uq_upload_org_id_device_id_file_id"
        ),
    )
    op.create_table(
        "stored_file",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "sha256", name="pk_stored_file"),
    )
    op.create_index("ix_file_row_org_id_sha256", "file_row", ["org_id", "sha256"])
