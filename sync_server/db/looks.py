"""What the server keeps of chains of looks, and of those who review them (L7)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from sync_server.db.base import METADATA
from sync_server.db.sealing import Sealed
from sync_server.db.types import Instant

LOOK_LINK = Table(
    "look_link",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("device_id", String(64), nullable=False),
    Column("chain_id", String(36), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("look_id", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("received_at", Instant, nullable=False),
    PrimaryKeyConstraint("org_id", "device_id", "chain_id", "number", "look_id"),
    Index(None, "org_id", "look_id"),
)
"""Each entry of each chain as it came, whatever became of the look itself (applied, quarantined,
rejected). `chain_id` is empty for the one that a device had before chains had ids; of that one the
entries before November 2026 are known by the last alone (`look_id` empty)."""

LOOK_SAMPLE = Table(
    "look_sample",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("id", String(36), nullable=False),
    Column("week", String(8), nullable=False),
    Column("after_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("seed", String(64), nullable=False),
    Column("percent", Integer, nullable=False),
    Column("least", Integer, nullable=False),
    Column("population", Integer, nullable=False),
    Column("drawn_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    PrimaryKeyConstraint("org_id", "id"),
    UniqueConstraint("org_id", "week"),
)
"""A week's sample of looks, and all that it takes to draw it again: of the looks that arrived after
one number and up to another, so that one that comes late is in the next week's."""

LOOK_REVIEW = Table(
    "look_review",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("sample_id", String(36), nullable=False),
    Column("look_id", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("store_id", String(36)),
    Column("due_at", Instant, nullable=False),
    Column("verdict", String(10)),
    Column("note", Sealed("look_review.note")),
    Column("reviewed_at", Instant),
    Column("reviewed_by", String(36)),
    PrimaryKeyConstraint("org_id", "look_id"),
    Index(None, "org_id", "sample_id", "look_id"),
)
"""A look that is to be reviewed. `staff_id` is whose it is, `store_id` their store when the sample
was drawn; `verdict` fine or question, null while nobody has reviewed it."""

LOOK_WATCH = Table(
    "look_watch",
    METADATA,
    Column("org_id", String(36), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
"""Up to which number looks were looked through for unusual reading."""

__all__ = ["LOOK_LINK", "LOOK_REVIEW", "LOOK_SAMPLE", "LOOK_WATCH"]
