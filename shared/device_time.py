"""When something was really written on a device whose clock may be wrong (L8).

The device names three times: what its clock claimed, its boot, and the milliseconds since that
boot, which nobody can set. The server adds when the message arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One message on its way: what the device's clocks said when it left, and the server's when
    it came."""

    sent_at: datetime
    boot_id: str
    monotonic_ms: int
    received_at: datetime


def correct_time(
    claimed_at: datetime, boot_id: str, monotonic_ms: int, sending: Sending
) -> datetime:
    """The server's best knowledge of when something was written; never later than its arrival.

    Written in the same boot as sent: the arrival less the monotonic time between, however the
    clock was set meanwhile. In an earlier boot: the claim, shifted by how far the clock is off
    now.
    """
    if boot_id == sending.boot_id and 0 <= monotonic_ms <= sending.monotonic_ms:
        passed = timedelta(milliseconds=sending.monotonic_ms - monotonic_ms)
        return sending.received_at - passed
    off = sending.received_at - sending.sent_at
    return min(claimed_at + off, sending.received_at)
