"""Daily sums: what adds up over days, summed by the database for the days that were touched."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
)

from sync_server.db.figures import FIGURE_ANSWER, FIGURE_CASE, FIGURE_DAY

_CASE, _ANSWER = FIGURE_CASE.c, FIGURE_ANSWER.c
_MOST_SPANS = 200


def _one(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


_PARTS: tuple[tuple[Table, str, str, ColumnElement[int]], ...] = (
    (FIGURE_CASE, "opened_day", "opened", _one(_CASE.state != "cancelled")),
    (
        FIGURE_CASE, "opened_day", "opened_resolved",
        _one(_CASE.resolved_day.is_not(None) & (_CASE.state != "cancelled")),
    ),
    (FIGURE_CASE, "opened_day", "reassigned", _one(_CASE.reassigned > 0)),
    (FIGURE_CASE, "opened_day", "reopened", _one(_CASE.reopened > 0)),
    # A complaint has a day for its first contact (S0 #16), so it says nothing of minutes.
    (FIGURE_CASE, "answered_day", "answered", _one(_CASE.kind != "complaint")),
    (
        FIGURE_CASE, "answered_day", "response_seconds",
        case((_CASE.kind != "complaint", _CASE.answer_seconds), else_=0),
    ),
    (FIGURE_CASE, "resolved_day", "resolved", literal(1)),
    (FIGURE_CASE, "resolved_day", "resolved_in_time", _one(_CASE.resolved_in_time)),
    (FIGURE_CASE, "resolved_day", "resolve_seconds", _CASE.resolve_seconds),
    (FIGURE_ANSWER, "day", "answers", literal(1)),
    (FIGURE_ANSWER, "day", "points", _ANSWER.points),
    (FIGURE_ANSWER, "day", "satisfied_answers", _one(_ANSWER.satisfied)),
)  # fmt: skip
"""Each part: the facts that it sums, by which of their days, and what each adds."""

PARTS = frozenset(part for _, _, part, _ in _PARTS)


def sum_days(connection: Connection, org_id: str, days: Collection[str]) -> None:
    """Sums these days anew, from the facts as they stand in this transaction."""
    if not days:
        return
    spans = list(_spans(sorted(days)))
    if len(spans) > _MOST_SPANS:  # too scattered to name: all between
        spans = [(spans[0][0], spans[-1][1])]
    connection.execute(
        delete(FIGURE_DAY).where(FIGURE_DAY.c.org_id == org_id, _within(FIGURE_DAY, "day", spans))
    )
    sums = union_all(*(_sums(org_id, spans, *part) for part in _PARTS)).subquery()
    columns = [column.name for column in FIGURE_DAY.columns]
    connection.execute(
        insert(FIGURE_DAY).from_select(columns, select(*(sums.c[name] for name in columns)))
    )


def _sums(
    org_id: str,
    spans: Sequence[tuple[str, str]],
    table: Table,
    day: str,
    part: str,
    amount: ColumnElement[int],
) -> Select[tuple[object, ...]]:
    columns = table.c
    total = cast(func.sum(amount), BigInteger)
    return (
        select(
            columns.org_id,
            columns[day].label("day"),
            columns.store_id,
            columns.staff_id,
            literal(part, String).label("part"),
            total.label("amount"),
        )
        .where(columns.org_id == org_id, _within(table, day, spans))
        .group_by(columns.org_id, columns[day], columns.store_id, columns.staff_id)
        .having(total != 0)
    )


def _within(table: Table, day: str, spans: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
    column = table.c[day]
    return or_(*(and_(column >= first, column <= last) for first, last in spans))


def _spans(days: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Runs of days that follow each other, as (first, last)."""
    first = last = date.fromisoformat(days[0])
    for day in map(date.fromisoformat, days[1:]):
        if day - last > timedelta(days=1):
            yield first.isoformat(), last.isoformat()
            first = day
        last = day
    yield first.isoformat(), last.isoformat()
