"""What a customer's answers keep us from (S1 #71, S4 #155). What was never asked keeps nobody from
anything; what was refused or taken back does, from that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from shared.entities import Consent

USE = "use"
UNASKED = frozenset({"experience", "satisfaction", "news", "industry", "care", "win_back"})
"""Purposes of visits that nobody asked us for: without consent to use their data for them, there
are none. Business, repairs and complaints are what the customer wants of us."""
UNASKED_CALLS = frozenset({"care"})
"""Kinds of calls of which the same is true."""


def standing(answers: Iterable[Consent]) -> Mapping[str, Consent]:
    """The last answer of one customer to each question."""
    found: dict[str, Consent] = {}
    for one in answers:
        before = found.get(one.scope)
        if before is None or (before.decided_at, before.id) < (one.decided_at, one.id):
            found[one.scope] = one
    return found


def refused_at(answers: Iterable[Consent], scope: str = USE) -> datetime | None:
    """Since when a customer does not agree; None where they do, or were not asked."""
    one = standing(answers).get(scope)
    if one is None:
        return None
    at: datetime | None = one.withdrawn_at
    return at or (one.decided_at if one.answer == "refused" else None)


__all__ = ["UNASKED", "UNASKED_CALLS", "USE", "refused_at", "standing"]
