"""Decisions that phones bring: an access request's, a tier proposal's (see `applying`)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.declare import Role
from sync_server.services.writing import Author


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One decision as it came: who `said` what, in which role, and from which number of the record
    (`base`). `entitled`: they held the customer when they said it."""

    author: Author
    role: Role
    said: str
    base: int
    entitled: bool
