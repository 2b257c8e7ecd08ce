"""What the server keeps of chains of looks (L7)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, String, Table

from sync_server.db.base import METADATA
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

__all__ = ["LOOK_LINK"]
