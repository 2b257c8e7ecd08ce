"""The server's audit log (L7): what was done to access and to data, by whom, from where.

Nobody edits it, whatever they may do elsewhere: the database itself refuses UPDATE and DELETE
(triggers, made by migration 0010), and each entry carries a keyed hash over itself and the one
before, so that what is done behind the database's back shows (`services.audit_chain`).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from sync_server.db.base import METADATA
from sync_server.db.types import Instant

AUDIT_ENTRY = Table(
    "audit_entry",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("action", String(40), nullable=False),
    Column("result", String(40), nullable=False),
    Column("actor_id", String(36)),
    Column("via", String(10), nullable=False),
    Column("device_id", String(64)),
    Column("address", String(64)),
    Column("subject", String(40)),
    Column("subject_id", String(80)),
    Column("customer_id", String(36)),
    Column("details", Text, nullable=False),
    Column("format", Integer, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("org_id", "number"),
    Index(None, "org_id", "at"),
    Index(None, "org_id", "actor_id", "at"),
    Index(None, "org_id", "action", "at"),
    Index(None, "org_id", "customer_id", "at"),
)
"""One act. `number` rises by one without gaps; `actor_id` is a member of staff, empty for the
server itself and for the command line (`via` tells them apart). Ids, codes and counts only: no
personal data, so nothing here is sealed and nothing ever has to be changed."""

AUDIT_PART = Table(
    "audit_part",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("last_hash", String(64), nullable=False),
    Column("closed_at", Instant, nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("org_id", "first"),
)
"""An old part of the log whose entries were let go by the policy's retention: from which number to
which, and the hash from which the chain goes on. The only leave to delete entries there is."""

__all__ = ["AUDIT_ENTRY", "AUDIT_PART"]
