"""Who comes first of those that wait (S1 #55, S2 #86): by policy, VIPs before everyone else, then
by time or by how urgent it is."""

from __future__ import annotations

from datetime import datetime

from shared.policy import PolicySettings

_URGENT = ("critical", "high", "moderate", "low")
Place = tuple[bool, int, datetime]


def place_in_queue(
    policy: PolicySettings, due: datetime, *, vip: bool | None, priority: str | None = None
) -> Place:
    """What to sort by. Nothing of it changes when something is due."""
    behind = policy.vip_first and not vip
    urgent = _URGENT.index(priority) if priority in _URGENT else _URGENT.index("moderate")
    return behind, urgent if policy.queue_by == "priority" else 0, due
