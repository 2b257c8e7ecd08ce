"""How many requests one device, or one address, may send: a limit for a client that has lost its
way or means harm, far above what a busy phone needs.

Kept in the memory of one process, as it is asked at every request: several processes allow several
times as much, which is still a limit.
"""

from __future__ import annotations

import ipaddress
import math
import threading
from dataclasses import dataclass, field
from functools import lru_cache

from shared.clock import Clock
from shared.errors import Code, Refusal

_MINUTE_MS = 60_000


@dataclass(slots=True)
class Pace:
    """At most `per_minute` requests at once, and as many each minute; each mark by itself."""

    per_minute: int
    clock: Clock
    # For each mark the time (ms) at which its past requests are made up for; the generic cell rate
    # algorithm: one number a mark, whatever the limit.
    _due: dict[str, float] = field(default_factory=dict)
    _next_sweep: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, mark: str) -> None:
        """Count one request. Refuses TOO_MANY_REQUESTS with the `seconds` after which one more is
        taken; a refused request counts for nothing."""
        now = float(self.clock.monotonic_ms())
        each = _MINUTE_MS / self.per_minute
        with self._lock:
            if now >= self._next_sweep:
                self._due = {m: due for m, due in self._due.items() if due > now}
                self._next_sweep = now + _MINUTE_MS
            due = max(self._due.get(mark, now), now) + each
            if due - now <= _MINUTE_MS:
                self._due[mark] = due
                return
        wait = math.ceil((due - now - _MINUTE_MS) / 1000)
        raise Refusal(Code.TOO_MANY_REQUESTS, seconds=max(1, wait))


@lru_cache(maxsize=4096)
def place_of(address: str) -> str | None:
    """What stands for an address: itself, or for IPv6 its network of 64 bits, of which one person
    has a whole. None for the machine itself, which is not limited: there are its administrators,
    and a proxy that does not say for whom it asks."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # no address: a local socket
        return None
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return None if found.is_loopback else str(ipaddress.ip_network((found, 64), False))
        found = found.ipv4_mapped
    return None if found.is_loopback else str(found)
