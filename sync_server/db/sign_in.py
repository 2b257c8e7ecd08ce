"""What signing in asks for beside the password: second factors, codes with which a device is let in
at once, and identities of a company's own sign-in.

Nothing here is synchronised. Codes are kept as keyed hashes, the secret of a second factor sealed.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from sync_server.db.base import METADATA
from sync_server.db.sealing import Sealed
from sync_server.db.types import Instant

SECOND_FACTOR = Table(
    "second_factor",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("secret", Sealed("second_factor.secret"), nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("enrolled_at", Instant),
    Column("last_step", BigInteger, nullable=False),
    PrimaryKeyConstraint("org_id", "staff_id"),
)
"""The secret of someone's authenticator, base32. It counts from `enrolled_at` on, when a first code
of it was shown. `last_step` is the time step of the newest code that was taken: no code up to it is
taken again."""

RECOVERY_CODE = Table(
    "recovery_code",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("used_at", Instant),
    PrimaryKeyConstraint("org_id", "staff_id", "hash"),
)
"""For whoever has lost the authenticator; each is good once."""

ENROLMENT_CODE = Table(
    "enrolment_code",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("made_by", String(36)),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("device_id", String(36)),
    PrimaryKeyConstraint("org_id", "hash"),
    Index(None, "org_id", "staff_id"),
)
"""Shown by an administrator (`made_by`; null: at the server's command line): the device of that
person which presents it first is approved at once, and stands in `device_id`."""

IDENTITY_LINK = Table(
    "identity_link",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("staff_id", String(36), nullable=False),
    Column("issuer", String(200), nullable=False),
    Column("claim", String(40), nullable=False),
    Column("value", String(200), nullable=False),
    Column("linked_at", Instant, nullable=False),
    Column("linked_by", String(36)),
    PrimaryKeyConstraint("org_id", "staff_id", "issuer"),
    UniqueConstraint("issuer", "claim", "value"),
)
"""Which identity of which provider is whom: linked by an administrator, never by itself."""

__all__ = ["ENROLMENT_CODE", "IDENTITY_LINK", "RECOVERY_CODE", "SECOND_FACTOR"]
