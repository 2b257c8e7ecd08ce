"""A sample of looks to review (S4 #157), drawn by a seed that is kept: whoever has both draws the
same one again, and nobody can have chosen it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, timedelta


def draw(looks: Iterable[tuple[str, str]], seed: str, percent: int, least: int) -> list[str]:
    """Ids of the looks to review, of (look, person) pairs in any order: of each person `percent`
    of theirs, rounded up, and at least `least` where there are as many. Sorted."""
    by_person: dict[str, list[str]] = {}
    for look_id, person in looks:
        by_person.setdefault(person, []).append(look_id)
    chosen: list[str] = []
    for ids in by_person.values():
        count = max(least, -(-len(ids) * percent // 100))
        chosen += sorted(ids, key=lambda look_id: (_mark(seed, look_id), look_id))[:count]
    return sorted(chosen)


def week_of(day: date) -> str:
    """A day's week as ISO 8601 names it, ``2026-W47``."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def week_before(day: date) -> str:
    """The last whole week before a day."""
    return week_of(day - timedelta(days=7))


def _mark(seed: str, look_id: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{look_id}".encode()).digest()
