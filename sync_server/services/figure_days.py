"""Daily sums: what adds up over days, moved by what a fact that came or went added to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, delete

from sync_server.db.figures import FIGURE_ANSWER, FIGURE_CASE, FIGURE_DAY
from sync_server.db.putting import upsert_rows

Row = Mapping[str, Any]


class Place(NamedTuple):
    """One daily sum."""

    day: str
    store_id: str
    staff_id: str
    part: str


def _minutes_count(row: Row) -> bool:
    """A complaint has a day for its first contact (S0 #16), so it says nothing of minutes."""
    return bool(row["kind"] != "complaint")


def _called_off(row: Row) -> bool:
    return bool(row["state"] == "cancelled")


_PARTS: Mapping[Table, tuple[tuple[str, str, Callable[[Row], int]], ...]] = {
    FIGURE_CASE: (
        ("opened_day", "opened", lambda row: not _called_off(row)),
        (
            "opened_day",
            "opened_resolved",
            lambda row: row["resolved_day"] is not None and not _called_off(row),
        ),
        ("opened_day", "reassigned", lambda row: row["reassigned"] > 0),
        ("opened_day", "reopened", lambda row: row["reopened"] > 0),
        ("answered_day", "answered", _minutes_count),
        (
            "answered_day",
            "response_seconds",
            lambda row: row["answer_seconds"] * _minutes_count(row),
        ),
        ("resolved_day", "resolved", lambda _row: 1),
        ("resolved_day", "resolved_in_time", lambda row: row["resolved_in_time"]),
        ("resolved_day", "resolve_seconds", lambda row: row["resolve_seconds"]),
    ),
    FIGURE_ANSWER: (
        ("day", "answers", lambda _row: 1),
        ("day", "points", lambda row: row["points"]),
        ("day", "satisfied_answers", lambda row: row["satisfied"]),
    ),
}
"""Each part: by which day of a fact it is counted, and what the fact adds to it."""


def added_by(table: Table, rows: Iterable[Row]) -> Counter[Place]:
    """What these facts add to daily sums; nothing, for facts that are of no day."""
    found: Counter[Place] = Counter()
    parts = _PARTS.get(table, ())
    for row in rows:
        for day, part, amount in parts:
            if row[day] is not None and (count := int(amount(row))):
                found[Place(row[day], row["store_id"], row["staff_id"], part)] += count
    return found


def move_sums(connection: Connection, org_id: str, moved: Mapping[Place, int]) -> None:
    """Adds to daily sums what changed; sums of nothing are not kept."""
    rows = [
        {"org_id": org_id, **place._asdict(), "amount": amount}
        for place, amount in sorted(moved.items())
        if amount
    ]
    upsert_rows(connection, FIGURE_DAY, rows, {"amount": "figure_day.amount + excluded.amount"})
    if any(row["amount"] < 0 for row in rows):
        days = FIGURE_DAY.c
        connection.execute(
            delete(FIGURE_DAY).where(
                days.org_id == org_id,
                days.day.in_(sorted({row["day"] for row in rows if row["amount"] < 0})),
                days.amount == 0,
            )
        )


__all__ = ["Place", "added_by", "move_sums"]
