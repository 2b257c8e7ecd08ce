"""How far the rules that the server runs by itself have looked: up to which number, and at whom
again when."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, String, Table

from sync_server.db.base import METADATA
from sync_server.db.types import Instant, JsonValue

RULE_RUN = Table(
    "rule_run",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("rule", String(40), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("basis", String(64), nullable=False),
    Column("ran_at", Instant, nullable=False),
    PrimaryKeyConstraint("org_id", "rule"),
)
"""A rule's last run: up to which number of the feed it saw, and a digest of the numbers that it
went by: other numbers have everybody looked at again."""

TIER_LOOK = Table(
    "tier_look",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("customer_id", String(36), nullable=False),
    Column("look_at", Instant, nullable=False),
    PrimaryKeyConstraint("org_id", "customer_id"),
    Index(None, "org_id", "look_at"),
)
"""When a customer's level may change though nothing happens: an order leaves the period, a silence
grows too long."""

CHURN_MODEL = Table(
    "churn_model",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("model", JsonValue, nullable=False),
    Column("fitted_at", Instant, nullable=False),
    PrimaryKeyConstraint("org_id"),
)
"""What was last learned of who comes back (`shared.churn.Model`)."""

__all__ = ["CHURN_MODEL", "RULE_RUN", "TIER_LOOK"]
