"""Time as a port, and its text on the wire. Aware UTC inside; milliseconds on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from. Tests hand in one that they move by hand."""

    def now(self) -> datetime:
        """Wall-clock time, aware, UTC. A person can set it."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds since some moment of this boot. Nobody can set it back."""
        ...


def to_wire(moment: datetime) -> str:
    """``2026-11-21T08:30:00.000Z``. Refuses a naive time: it would be read in another zone
    elsewhere."""
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError("a naive time has no place on the wire")
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def from_wire(text: str) -> datetime:
    """The aware UTC time that `to_wire` wrote; any offset is read and turned to UTC. ValueError
    if naive."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        raise ValueError("a time on the wire carries its zone")
    return moment.astimezone(UTC)
