"""Who may sign in, on which device, and what keeps an overheard message worthless.

Nothing here is synchronised: none of these tables has a feed. Times are in their wire form.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql, sqlite

from sync_server.db.base import METADATA
from sync_server.db.types import Instant

ACCOUNT = Table(
    "account",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("username", String(80), nullable=False),
    Column("password", String(200), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("password_at", Instant, nullable=False),
    PrimaryKeyConstraint("org_id", "staff_id"),
    UniqueConstraint("username"),
    Index(None, "org_id", "username", "staff_id"),
    Index(None, "org_id", "created_at", "staff_id"),
)
"""How a member of staff signs in. Name, role and store stand in their `staff` record.

User names are unique over all organisations, as nobody says at sign-in which one is theirs.
"""

DEVICE = Table(
    "device",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("id", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("key", String(64), nullable=False),
    Column("thumbprint", String(64), nullable=False),
    Column("name", String(80), nullable=False),
    Column("platform", String(40), nullable=False),
    Column("app_version", String(40), nullable=False),
    Column("state", String(10), nullable=False),
    Column("enrolled_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("decided_by", String(36)),
    Column("signed_in_at", Instant),
    Column("wipe_ordered_at", Instant),
    Column("wiped_at", Instant),
    Column("heard_at", Instant, nullable=False),
    Column("cursor", BigInteger),
    Column("unsent", Integer),
    Column("unsent_files", Integer),
    Column("unsent_since", Instant),
    Column("stored_bytes", BigInteger),
    PrimaryKeyConstraint("org_id", "id"),
    UniqueConstraint("org_id", "staff_id", "thumbprint"),
    Index(None, "org_id", "heard_at", "id"),
    Index(None, "org_id", "enrolled_at", "id"),
    Index(None, "org_id", "state", "enrolled_at", "id"),
    Index(None, "org_id", "unsent_since"),
)
"""One installation in one person's hands: two who share a tablet have a vault, a device id and an
order of changes each, though the key is the same. `state`: pending, approved or blocked.
`wiped_at`: when it confirmed what `wipe_ordered_at` told it. What it told of itself with a pull
stands behind `heard_at` (null: it never did)."""

REFRESH_TOKEN = Table(
    "refresh_token",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("family", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("device_id", String(36), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("successor", String(64)),
    Column("revoked_at", Instant),
    PrimaryKeyConstraint("org_id", "hash"),
    UniqueConstraint("hash"),
    Index(None, "org_id", "family"),
    Index(None, "org_id", "device_id"),
)
"""Each is used once and then points to its successor; all that follow one sign-in are a family."""

SIGN_IN_TRY = Table(
    "sign_in_try",
    METADATA,
    Column("mark", String(64), primary_key=True),
    Column("since", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
)
"""Wrong passwords by user name and by address, both as keyed hashes. Before anyone is known there
is no organisation to lead with."""

SEEN_PROOF = Table(
    "seen_proof",
    METADATA,
    Column("mark", String(64), primary_key=True),
    Column("until", BigInteger, nullable=False),
    Index(None, "until"),
)
"""Proofs of the last minutes, for several server processes on one PostgreSQL; `until` in Unix
seconds. A single process remembers them itself."""

UPLOAD = Table(
    "upload",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("id", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("device_id", String(36), nullable=False),
    Column("file_id", String(36), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("media_type", String(60), nullable=False),
    Column("expires_at", Instant, nullable=False),
    PrimaryKeyConstraint("org_id", "id"),
    UniqueConstraint("org_id", "device_id", "file_id"),
)
"""An unfinished upload. How far it got is the length of its file on disk, and nowhere else."""

STORED_FILE = Table(
    "stored_file",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("stored_at", Instant, nullable=False),
    Column("staff_id", String(36)),
    Column("device_id", String(36)),
    PrimaryKeyConstraint("org_id", "sha256"),
)
"""Bytes that are here, whole and with the hash that names them, and who brought them first (null:
before November 2026)."""


EARLY_FILE = Table(
    "early_file",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("file_id", String(36), nullable=False),
    Column("verified_at", Instant, nullable=False),
    Column("sha256", String(64)),
    PrimaryKeyConstraint("org_id", "file_id"),
)
"""Files whose bytes are here while their record is still on its way or waits in quarantine.
`sha256` is theirs (null: before November 2026, when the record was there first)."""


CONSOLE_SESSION = Table(
    "console_session",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("role", String(40), nullable=False),
    Column("wanted", String(20)),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    PrimaryKeyConstraint("org_id", "hash"),
    UniqueConstraint("hash"),
    Index(None, "org_id", "staff_id"),
)
"""Who is signed in to the console: the SHA-256 of a cookie, and the role it was given for.
`wanted`: what has to be shown before the session is one (a second factor); null: nothing more."""


def upsert(connection: Connection, table: Table) -> Any:
    """An INSERT of the connection's dialect, which knows ``on_conflict_do_…``."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


__all__ = [
    "ACCOUNT",
    "CONSOLE_SESSION",
    "DEVICE",
    "EARLY_FILE",
    "REFRESH_TOKEN",
    "SEEN_PROOF",
    "SIGN_IN_TRY",
    "STORED_FILE",
    "UPLOAD",
    "upsert",
]
