"""What is on record about keeping data: drills of backups, and customers that were erased.

Nothing here is synchronised, and nothing here is personal: ids, times, counts, and reasons, which
are sealed as everything is that somebody typed.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
)

from sync_server.db.base import METADATA
from sync_server.db.sealing import Sealed
from sync_server.db.types import Instant, JsonValue

BACKUP_DRILL = Table(
    "backup_drill",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("backup", String(80), nullable=False),
    Column("taken_at", Instant, nullable=False),
    Column("drilled_at", Instant, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("values_opened", BigInteger, nullable=False),
    Column("files", BigInteger, nullable=False),
    Column("sound", Boolean, nullable=False),
    Column("problems", JsonValue, nullable=False),
    Index(None, "drilled_at"),
)
"""Each time that a backup was restored into a scratch folder and looked at. A backup is of the
whole installation: no organisation leads. `problems` are words of `backup_drill.PROBLEMS`."""

ERASURE = Table(
    "erasure",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("id", String(36), nullable=False),
    Column("customer_id", String(36), nullable=False),
    Column("cause", String(16), nullable=False),
    Column("reason", Sealed("erasure.reason")),
    Column("asked_by", String(36)),
    Column("erased_at", Instant, nullable=False),
    Column("counts", JsonValue, nullable=False),
    PrimaryKeyConstraint("org_id", "id"),
    Index(None, "org_id", "customer_id"),
)
"""Each customer that was erased: on `request` (by whom, why) or by `retention`, and how much."""

__all__ = ["BACKUP_DRILL", "ERASURE"]
