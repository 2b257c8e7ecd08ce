"""What a sync tells while it runs, and what it was in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.errors import Code


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sync is: `step` is pushing, uploading, pulling, fetching or checking; `done` of
    `total` are rows when fetching, bytes when uploading, changes when pushing. `total` 0: not
    known."""

    step: str
    done: int = 0
    total: int = 0
    bytes: int = 0

    @property
    def share(self) -> float | None:
        """Between 0 and 1, for a progress bar; None where the end is not known."""
        return min(1.0, self.done / self.total) if self.total else None


Tell = Callable[[Progress], None]


Agreement = Mapping[str, tuple[int, int]]
"""By kind of bucket: how many are as the server's, and how many differ beyond repair."""


@dataclass(slots=True)
class SyncReport:
    """What one sync did. `code` says why it went no further; what was stored before stays
    stored."""

    code: Code | None = None
    sent: int = 0
    settled: int = 0
    files: int = 0
    received: int = 0
    bytes: int = 0
    dropped: int = 0
    repaired: int = 0
    agreed: bool | None = None
    """Whether the copy was compared with the server's checksum and found equal (L5)."""
    agreement: Agreement | None = None
    """Bucket by bucket, where that was asked for."""
    retry_after: float | None = None
    """Seconds that the server asked for before the next try."""

    @property
    def ok(self) -> bool:
        """Whether everything was exchanged."""
        return self.code is None
