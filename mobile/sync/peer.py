"""The other side of a sync, as a protocol with many speakers: HTTP in the app, the server's
services in tests.

Every call refuses with a code of the table: `offline` and `cut_short` for the way between, and
whatever the server said. Nothing is stored or kept here but the access token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from mobile.sync.poking import Heard
from shared.rows import RowLine
from shared.wire import (
    HeldChange,
    PullHeader,
    PullRequest,
    PushReply,
    PushRequest,
    ReceiptsReply,
    ReceiptsRequest,
    SealedFileReply,
    SealedReply,
    SealedRequest,
    SignInRequest,
    SnapshotHeader,
    SnapshotRequest,
    TokenReply,
    Trailer,
)
from shared.wire_company import WaysReply
from shared.wire_looks import LooksReply
from shared.wire_second_factor import BegunReply, SecondFactorState

H = TypeVar("H")
Received = Callable[[int], None]
"""Called with 0 once a request is on its way, then with the size of each piece of its reply."""


@dataclass(frozen=True, slots=True)
class Page(Generic[H]):
    """A whole reply with rows: one whose trailer arrived, and counted right."""

    header: H
    lines: Sequence[RowLine]
    trailer: Trailer


class Peer(Protocol):
    """What a device asks of its server."""

    def carry(self, access_token: str | None) -> None:
        """The access token to show from now on."""
        ...

    async def sign_in(self, request: SignInRequest) -> TokenReply:
        """Enrol or name this device, and get tokens if it is approved."""
        ...

    async def ways(self) -> WaysReply:
        """How one may sign in there, besides with name and password."""
        ...

    async def begin_company_sign_in(self) -> str:
        """Address at which the company's own sign-in begins for this device."""
        ...

    async def second_factor(self) -> SecondFactorState:
        """Whether the caller has a second factor."""
        ...

    async def begin_second_factor(self, password: str) -> BegunReply:
        """A new secret for the caller's authenticator."""
        ...

    async def confirm_second_factor(self, code: str) -> list[str]:
        """The authenticator's first code; returns the recovery codes."""
        ...

    async def renew_recovery_codes(self, code: str) -> list[str]:
        """New recovery codes in the place of the old ones."""
        ...

    async def end_second_factor(self, password: str, code: str) -> None:
        """Sign in with the password alone from now on."""
        ...

    async def refresh(self, refresh_token: str) -> TokenReply:
        """New tokens for a refresh token; safe to repeat when the answer was lost."""
        ...

    async def push(self, envelope: PushRequest, changes: Sequence[str]) -> PushReply:
        """Hand in changes, each the JSON text that its author stored; `envelope.changes` is
        empty."""
        ...

    async def push_sealed(self, request: SealedRequest) -> SealedReply:
        """Hand in sealed changes; the device's proof is enough, no token is shown."""
        ...

    async def hand_in_receipts(self, request: ReceiptsRequest) -> ReceiptsReply:
        """Say what was deleted, signed; the device's proof is enough, no token is shown."""
        ...

    async def pull(self, request: PullRequest, received: Received) -> Page[PullHeader]:
        """Lease, drops, and the feed since the cursor."""
        ...

    async def snapshot(self, request: SnapshotRequest, received: Received) -> Page[SnapshotHeader]:
        """One page of whole buckets."""
        ...

    async def listen(self, heard: Heard) -> None:
        """Be told hints until the server ends the stream. Refuses `cut_short` where it broke off;
        cancelling it ends the connection."""
        ...

    async def looks(self, customer_id: str | None, after: str | None) -> LooksReply:
        """Looks at a customer (None: the caller's own), the newest first; `after` is the id of the
        last one that is known."""
        ...

    async def held_work(self) -> list[HeldChange]:
        """What waits in quarantine for the store manager who asks, oldest first."""
        ...

    async def release_held(self, change_ids: Sequence[str]) -> None:
        """Apply these held changes in the order in which they came: all of them, or none."""
        ...

    async def refuse_held(self, change_ids: Sequence[str]) -> None:
        """Leave these held changes unapplied. They stay on record."""
        ...

    async def begin_upload(self, name: str, file_id: str, size: int, media_type: str) -> str:
        """Announce a file by its `name`, the SHA-256 of its content (hex); returns the address of
        its upload. One that the server has already is refused with `record_exists`."""
        ...

    async def upload_offset(self, address: str) -> int | None:
        """How many bytes of an upload have arrived; None where the server knows it no more."""
        ...

    async def upload_part(self, address: str, offset: int, data: bytes) -> int:
        """Send bytes from `offset`; returns the new offset. The last part has the whole verified
        by its hash: `file_hash_wrong` where it differs."""
        ...

    async def begin_sealed_file(self, device_id: str, file_id: str, head: bytes) -> SealedFileReply:
        """Announce a sealed copy by its head; the device's proof is enough. The reply says how
        much of it is there."""
        ...

    async def append_sealed_file(
        self, device_id: str, file_id: str, offset: int, sealed: bytes
    ) -> SealedFileReply:
        """Send the sealed piece whose plain bytes begin at `offset`."""
        ...

    async def download(self, name: str, received: Received) -> bytes:
        """The content of a file that the caller may read."""
        ...
