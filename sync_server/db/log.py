"""What stands beside the typed tables: the feed, its heads, the history, and the log of every
change ever received."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    column,
)

from sync_server.db.base import METADATA
from sync_server.db.sealing import Sealed
from sync_server.db.types import Instant

ORG_STATE = Table(
    "org_state",
    METADATA,
    Column("org_id", String(36), primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("epoch", String(36), nullable=False),
    Column("backed_up_to", BigInteger, nullable=False),
    Column("next_case_number", BigInteger, nullable=False),
    Column("looked_at", Instant()),
    Column("deleting_waits_until", Instant()),
)
"""One row per organisation: the last number given, the epoch (design §5), how far the backup
reaches, and when the clock was last looked at (`services/leaps.py`)."""

FEED = Table(
    "feed",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("bucket", String(80), nullable=False),
    Column("entity", String(40), nullable=False),
    Column("record_id", String(36), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("body", Sealed("feed.body")),
    Column("digest", BigInteger, nullable=False),
    PrimaryKeyConstraint("org_id", "bucket", "entity", "record_id"),
    Index(None, "org_id", "bucket", "seq"),
)
"""For each record in each bucket its current row as ready-made JSON; body null: it left the
bucket at `seq`."""

BUCKET_HEAD = Table(
    "bucket_head",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("bucket", String(80), nullable=False),
    Column("max_seq", BigInteger, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("digest", BigInteger, nullable=False),
    PrimaryKeyConstraint("org_id", "bucket"),
    Index(None, "org_id", "max_seq"),
)
"""What a pull asks first: has the bucket changed, how many rows has it, and what is their
digest."""

HISTORY = Table(
    "history",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("entity", String(40), nullable=False),
    Column("record_id", String(36), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("replaced_by", BigInteger, nullable=False),
    Column("change_id", String(36)),
    Column("body", Sealed("history.body"), nullable=False),
    PrimaryKeyConstraint("org_id", "entity", "record_id", "seq"),
)
"""Each version that a later one replaced (`seq` its own number, `replaced_by` the later one's).
The current one stands in the typed table, so a record that never changed costs nothing here."""

_WAITS = column("missing_id").is_not(None)

CHANGE_LOG = Table(
    "change_log",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("change_id", String(36), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("code", String(40)),
    Column("outcome", Text, nullable=False),
    Column("entity", String(40)),
    Column("record_id", String(36)),
    Column("staff_id", String(36), nullable=False),
    Column("device_id", String(64), nullable=False),
    Column("number", BigInteger),
    Column("grant_id", String(36)),
    Column("received_at", Instant, nullable=False),
    Column("written_at", Instant, nullable=False),
    Column("settled_by", String(36)),
    Column("missing_id", String(36)),
    Column("body", Sealed("change_log.body"), nullable=False),
    Column("emptied_at", Instant),
    PrimaryKeyConstraint("org_id", "change_id"),
    Index(None, "org_id", "seq"),
    Index(None, "org_id", "verdict", "seq"),
    Index(None, "org_id", "staff_id"),
    Index(
        "ix_change_log_missing",
        "org_id",
        "missing_id",
        sqlite_where=_WAITS,
        postgresql_where=_WAITS,
    ),
)
"""Every change as it came, also the rejected and the quarantined, with its outcome (L1, L2).
`written_at` is the corrected time (L8); `settled_by` the manager who released or refused a
quarantined one; `missing_id` the record that one waits for; `emptied_at` says that its text was
erased, while the outcome stays."""

ALARM = Table(
    "alarm",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("id", String(36), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("device_id", String(64), nullable=False),
    Column("subject_id", String(36)),
    Column("detail", Sealed("alarm.detail")),
    Column("seen_at", Instant),
    Column("seen_by", String(36)),
    Column("explained_at", Instant),
    Column("explained_by", String(36)),
    Column("explanation", Sealed("alarm.explanation")),
    PrimaryKeyConstraint("org_id", "id"),
    Index(None, "org_id", "raised_at"),
    Index(None, "org_id", "subject_id"),
)
"""What someone should look at: a change id used twice, a gap in a chain of looks. It is open until
someone has seen it, and done when someone (or the server itself, `explained_by` null) has explained
it."""

CASE_NUMBER_BLOCK = Table(
    "case_number_block",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("device_id", String(64), nullable=False),
    Column("given_at", Instant, nullable=False),
    PrimaryKeyConstraint("org_id", "first"),
)
"""Which device was handed which case numbers ahead of time (design §3)."""

DETAIL_REQUEST = Table(
    "detail_request",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("id", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("customer_id", String(36), nullable=False),
    Column("hours", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("decided_by", String(36)),
    Column("grant_id", String(36)),
    PrimaryKeyConstraint("org_id", "id"),
    Index(None, "org_id", "customer_id"),
)
"""Until 2026-11-22 head office's requests stood here; `services.old_requests` makes records of what
is left."""

RECORD_MOVE = Table(
    "record_move",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("id", String(36), nullable=False),
    Column("entity", String(40), nullable=False),
    Column("record_id", String(36), nullable=False),
    Column("from_customer", String(36), nullable=False),
    Column("to_customer", String(36), nullable=False),
    Column("moved_at", Instant, nullable=False),
    Column("moved_by", String(36)),
    Column("reason", Sealed("record_move.reason")),
    PrimaryKeyConstraint("org_id", "id"),
    Index(None, "org_id", "record_id"),
    Index(None, "org_id", "from_customer"),
)
"""Each record that was put under another customer: where late work on it was written, and where a
case lay at an instant of the past."""

DEVICE_GRANT = Table(
    "device_grant",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("device_id", String(64), nullable=False),
    Column("grant_id", String(36), nullable=False),
    Column("bucket", String(80), nullable=False),
    Column("expires_at", Instant),
    Column("told_at", Instant, nullable=False),
    Column("held_at", Instant),
    Column("drop_told_at", Instant),
    Column("dropped_at", Instant),
    Column("open_from", Instant),
    Column("receipt_id", String(36)),
    PrimaryKeyConstraint("org_id", "device_id", "grant_id"),
    Index(None, "org_id", "bucket"),
    Index(None, "org_id", "device_id", "open_from"),
)
"""What each device was told to hold and to drop, and when it said that it had (`held_at`,
`dropped_at`). From `open_from` on something is to be confirmed: what it was told, or that it
dropped what expired. `receipt_id`: the signed receipt in which it said that its rows are gone."""

RECEIPT = Table(
    "receipt",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("id", String(36), nullable=False),
    Column("device_id", String(64), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("grants", Integer, nullable=False),
    Column("deleted_rows", BigInteger, nullable=False),
    Column("deleted_at", Instant, nullable=False),
    Column("rekeyed_at", Instant),
    Column("received_at", Instant, nullable=False),
    Column("payload", Text, nullable=False),
    Column("signature", String(100), nullable=False),
    PrimaryKeyConstraint("org_id", "id"),
    Index(None, "org_id", "device_id"),
)
"""What devices signed when they had deleted what ended (`wire.Receipt`), word for word, so that
anyone can check it again. `kind`: ended, or wiped."""

__all__ = [
    "ALARM",
    "BUCKET_HEAD",
    "CASE_NUMBER_BLOCK",
    "CHANGE_LOG",
    "DETAIL_REQUEST",
    "DEVICE_GRANT",
    "FEED",
    "HISTORY",
    "ORG_STATE",
    "RECEIPT",
    "RECORD_MOVE",
]
