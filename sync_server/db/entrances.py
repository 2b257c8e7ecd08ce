"""Entrances for customers: one public address for each store, behind which they write to it (S4
#177). The address hangs in the store, so it can be shown again; it is sealed like everything that
leads somewhere, and found by its mark."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, String, Table

from sync_server.db.base import METADATA
from sync_server.db.sealing import Sealed
from sync_server.db.types import Day, Instant

ENTRANCE = Table(
    "entrance",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("store_id", String(36), nullable=False),
    Column("token", Sealed("entrance.token"), nullable=False),
    Column("token_mark", String(64), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("day", Day, nullable=False),
    Column("taken", Integer, nullable=False),
    PrimaryKeyConstraint("org_id", "store_id"),
    Index(None, "token_mark", unique=True),
)
"""`taken` counts what came on `day`, in the organisation's zone."""

__all__ = ["ENTRANCE"]
