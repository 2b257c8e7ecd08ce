"""Looks as the server tells of them (L7): who looked at one customer, and what one looked at
oneself. Since 2026-11-22."""

from __future__ import annotations

from dataclasses import dataclass

PAGE = 50
"""Looks in a reply, unless another number was asked for; fewer are the last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookSeen:
    """A look on record; `looked_at` as the device knew it, `hits` of a search alone."""

    id: str
    looked_at: str
    staff_id: str
    staff: str
    what: str
    entity: str
    record_id: str
    customer_id: str | None = None
    hits: int | None = None
    device_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LooksReply:
    """Reply to GET /v1/audit/…looks, the newest first. The next page is asked for with `after`, the
    last one's id; an empty one is the end."""

    looks: list[LookSeen]
