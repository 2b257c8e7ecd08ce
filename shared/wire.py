"""Every message between a device and the server, in one place (protocol version and its history:
`PROTOCOL`).

Requests refuse fields that they do not know (`STRICT`); replies are read by `messages.parse`,
which passes over unknown ones, so that an old phone outlives a new server. Row lines travel apart,
after a header and before a trailer (`Reply framing` in docs/protocol.md).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

PROTOCOL = 1
"""1: 2026-11, first version."""

STRICT = {"extra": "forbid"}


# ── signing in and enrolling ──────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """POST /v1/auth/sign-in. The device's key is enrolled with the first sign-in and named again
    with later ones. With a `ticket`, name and password are empty. What is None is not sent."""

    __pydantic_config__ = STRICT
    username: str
    password: str
    device_key: str  # raw Ed25519 public key, base64url without padding
    device_name: str
    platform: str  # "browser", "native"
    app_version: str
    protocol: int = PROTOCOL
    second_factor: str | None = None  # a code of the authenticator, or a recovery code
    enrolment_code: str | None = None  # approves a new device at once
    ticket: str | None = None  # of an earlier sign-in of this device, or of the company's own


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffCard:
    """Who signed in."""

    id: str
    name: str
    role: str
    store_id: str | None = None
    organisation_id: str = ""
    organisation: str = ""
    timezone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerKeys:
    """The server's public keys, base64url: Ed25519 for leases, X25519 for sealing (HPKE)."""

    lease: str
    seal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReply:
    """Reply to sign-in and refresh. `device_state` is approved, pending (no tokens yet, but a
    `ticket` with which this device asks again) or blocked. `second_factor_due`: the policy wants
    one of this person, and none is set up."""

    device_id: str
    device_state: str
    access_token: str | None = None
    expires_in: int = 0  # seconds
    refresh_token: str | None = None
    staff: StaffCard | None = None
    keys: ServerKeys | None = None
    server_time: str = ""
    ticket: str | None = None
    second_factor_due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRequest:
    """POST /v1/auth/refresh. Each refresh token is used once."""

    __pydantic_config__ = STRICT
    refresh_token: str


# ── leases and grants ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseGrant:
    """A grant as the device keeps it."""

    id: str
    bucket: str
    purpose: str
    role: str
    not_before: str
    expires_at: str | None = None

    @property
    def mark(self) -> str:
        """What the digest of a set of grants is made of (`rows.set_digest`)."""
        return f"{self.id} {self.expires_at or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A grant that ended, and why. Devices drop what a signed lease names, and nothing else."""

    grant_id: str
    bucket: str
    reason: str  # expired, reassigned, ended, security


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Leave to read offline until `ends_at`. `grants` is None where the device's set
    (`grants_digest`) still holds."""

    organisation_id: str
    device_id: str
    staff_id: str
    role: str
    epoch: str
    issued_at: str
    ends_at: str
    grants_digest: str
    grants: list[LeaseGrant] | None = None
    drops: list[Drop] = field(default_factory=list)
    active: bool = True
    wipe: bool = False  # an administrator ordered it: vault and key go, the sealed log stays


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLease:
    """`payload` is the JSON text of a Lease; `signature` is the server's Ed25519 over its UTF-8
    bytes, base64url."""

    payload: str
    signature: str


RECEIPT_INFO = b"huifang receipt v1\x00"
"""What a receipt's signature begins with: it can't be taken for anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A device says that everything of these grants is deleted: `rows` at `deleted_at`, by its own
    effective time, and that the vault was given a new key at `rekeyed_at` (None: no row went, so
    none was due). `kind` is ended, or wiped: then the whole vault went, with its key."""

    id: str
    kind: str
    device_id: str
    staff_id: str
    grants: list[str]
    rows: int
    deleted_at: str
    rekeyed_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedReceipt:
    """`payload` is the JSON text of a Receipt; `signature` the device's Ed25519 over `RECEIPT_INFO`
    and its UTF-8 bytes, base64url."""

    __pydantic_config__ = STRICT
    payload: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptsRequest:
    """POST /v1/sync/receipts, with the device's proof and no token: also from a device that was
    wiped."""

    __pydantic_config__ = STRICT
    device_id: str
    receipts: list[SignedReceipt]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptsReply:
    """Ids of the receipts that are kept now; a device forgets those."""

    kept: list[str]


# ── push ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change as its author made it. Never rewritten, whatever version reads it (design §5,
    Versions)."""

    __pydantic_config__ = STRICT
    change_id: str
    number: int  # the device's own order, from 1
    grant_id: str
    entity: str
    record_id: str
    kind: str  # create, update
    fields: dict[str, Any]
    claimed_at: str  # the device's effective time
    boot_id: str
    monotonic_ms: int
    base: dict[str, int] = field(default_factory=dict)  # field → seq of the row that its author saw
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRequest:
    """POST /v1/sync/push. `epoch` None: the device never pulled."""

    __pydantic_config__ = STRICT
    app_version: str
    sent_at: str
    boot_id: str
    monotonic_ms: int
    changes: list[Change]
    epoch: str | None = None
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a change. `retry` alone is no outcome: nothing was stored, the same change
    is sent again."""

    change_id: str
    verdict: str  # applied, merged, conflict, late, quarantined, rejected, retry
    seq: int = 0
    code: str | None = None
    field: str | None = None
    conflicts: list[str] = dataclasses.field(default_factory=list)  # ids of conflict records


@dataclass(frozen=True, slots=True, kw_only=True)
class PushReply:
    """Outcomes in the order of the changes. What has a seq ≤ `backed_up_to` may be forgotten by
    the device."""

    epoch: str
    outcomes: list[Outcome]
    backed_up_to: int
    server_time: str


SEALED_INFO = b"huifang sealed change v1\x00"
"""HPKE's `info` for an entry of the sealed outbox; the device's id (ASCII) follows. Binds it to
its purpose and its device."""


def sealed_text(changes: Sequence[str]) -> str:
    """What an entry of the sealed outbox says: one change's JSON as it was stored (all entries
    before 2026-11-22), or a JSON list of several."""
    return changes[0] if len(changes) == 1 else f"[{','.join(changes)}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRequest:
    """POST /v1/sync/sealed: changes that only the server can open, from a device whose user can't
    or may not sign in any more. No access token: the proof alone shows that the device's key is
    there.

    `entries` are base64 of HPKE (X25519, HKDF-SHA256, AES-128-GCM): the encapsulated key, then the
    ciphertext of `sealed_text`. The clocks are those of `PushRequest`.
    """

    __pydantic_config__ = STRICT
    device_id: str
    app_version: str
    sent_at: str
    boot_id: str
    monotonic_ms: int
    entries: list[str]
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedReply:
    """`outcomes` of the changes in the entries that were opened, in their order. `unopened` are
    positions in `entries` of what no key of this server opens, or what holds something else than
    changes: the device keeps them."""

    outcomes: list[Outcome]
    unopened: list[int]
    epoch: str
    backed_up_to: int
    server_time: str
    order: SignedLease | None = None  # a lease whose `wipe` an administrator ordered


SEALED_FILE_INFO = b"huifang sealed file v1\x00"
SEALED_FILE_HEAD = -1
"""Where a sealed copy's head stands: before its first byte."""


def sealed_file_info(device_id: str, file_id: str, offset: int) -> bytes:
    """HPKE's `info` for the piece of a sealed file that begins at byte `offset`: binds it to its
    purpose, device, file and place. The head is JSON: `sha256`, `bytes`, `media_type`."""
    return SEALED_FILE_INFO + f"{device_id}\0{file_id}\0{offset}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedFileReply:
    """POST and PATCH /v1/sync/sealed-files/{file_id}: `arrived` bytes are here; `stored` when the
    whole was verified by its hash. Then the device may delete its copy once `backed_up_to` has
    passed `seq` in this epoch."""

    arrived: int
    stored: bool
    seq: int
    epoch: str
    backed_up_to: int


SETTLED = frozenset({"applied", "merged", "conflict", "late", "quarantined", "rejected"})
"""Verdicts after which the server has the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldChange:
    """One entry of GET /v1/decisions/quarantine: work that waits for a store manager, as its author
    wrote it."""

    change_id: str
    staff_id: str
    customer_id: str
    entity: str
    record_id: str
    kind: str  # create, update
    fields: dict[str, Any]
    written_at: str
    received_at: str


# ── pull and snapshot ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTells:
    """What is unsettled on a device, since when, and what its store takes. Since 2026-11-22."""

    __pydantic_config__ = STRICT
    unsent: int
    unsent_files: int
    stored_bytes: int
    oldest_unsent_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """POST /v1/sync/pull. `grants` only when the server asked for it or the device holds none."""

    __pydantic_config__ = STRICT
    app_version: str
    cursor: int
    grants_digest: str
    epoch: str | None = None
    grants: list[str] | None = None  # ids of the grants the device holds
    want_checksums: bool = False
    case_numbers_left: int = 0
    limit: int = 2000
    protocol: int = PROTOCOL
    told: DeviceTells | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """Rows of a bucket and the digest of their set."""

    rows: int
    digest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNumbers:
    """Numbers that this device may give to cases it opens: prefix + each of first…last."""

    prefix: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PullHeader:
    """First line of a pull's reply; row lines of the feed after the cursor follow.

    `want_grants`: the digests differ; ask again with the list. `total` is over all buckets that the
    device holds and need not fetch; `checksums` per bucket only when asked for. `more`: ask again
    from `cursor`.
    """

    epoch: str
    cursor: int
    more: bool
    server_time: str
    backed_up_to: int
    lease: SignedLease | None = None
    want_grants: bool = False
    fetch: list[str] = field(default_factory=list)
    fetch_rows: int = 0
    total: Checksum | None = None
    checksums: dict[str, list[int]] | None = None  # bucket → [rows, digest]
    case_numbers: CaseNumbers | None = None
    outdated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRequest:
    """POST /v1/sync/snapshot: whole buckets, in the order given, page by page. `after` resumes
    behind a row."""

    __pydantic_config__ = STRICT
    buckets: list[str]
    after: tuple[str, str, str] | None = None  # bucket, entity, id
    limit: int = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotHeader:
    """First line of a snapshot page. `refused`: buckets that no grant covers now; nothing of
    them is sent."""

    epoch: str
    server_time: str
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trailer:
    """Last line of a page: how many row lines stood before it. `after`: where the next page
    begins; None: done."""

    rows: int
    after: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReply:
    """Body of every error: a code of `shared.errors`, never a stack trace, never a customer's
    data."""

    code: str
    message: str
    remedy: str
    details: dict[str, Any] = field(default_factory=dict)
