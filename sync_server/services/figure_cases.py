"""What stands behind a store's figures: its cases, by hour and by how far they came. For whoever
holds the store's customers; head office reads publications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, select, true

from shared.periods import Period
from sync_server.db.figures import FIGURE_ANSWER, FIGURE_CASE
from sync_server.db.records import RECORDS

MOST = 100
"""Cases that a page lists: the newest."""

_FACT, _CASE, _STAFF, _ANSWER = (
    FIGURE_CASE.c,
    RECORDS["case"].c,
    RECORDS["staff"].c,
    FIGURE_ANSWER.c,
)
_DAYS: Mapping[str, tuple[str, ColumnElement[bool]]] = {
    "complaint_rate": ("opened_day", (_FACT.kind == "complaint") & (_FACT.state != "cancelled")),
    "response": ("answered_day", _FACT.kind != "complaint"),
    "resolution": ("opened_day", _FACT.state != "cancelled"),
    "timeliness": ("resolved_day", true()),
}
"""By which of its days a figure counts a case, and which cases it counts."""

STAGES = ("opened", "answered", "resolved", "in_time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A case as a figure counts it. `seconds` are those that the figure looks at; `good`: it does
    the figure good."""

    number: str
    kind: str
    state: str
    day: str
    staff: str | None
    seconds: int | None
    good: bool
    policy_version: int
    provisional: bool


def cases_behind(
    connection: Connection,
    org_id: str,
    store: str,
    name: str,
    period: Period,
    person: str | None = None,
) -> tuple[list[Counted], int]:
    """The newest cases that a figure of a store, or of a `person` in it, counts, and how many there
    are; none for figures that count no cases."""
    if name in ("satisfaction", "satisfied"):
        return _answered(connection, org_id, store, period, person)
    if name not in _DAYS:
        return [], 0
    day, which = _DAYS[name]
    where = _within(org_id, store, day, period, which, *_of(_FACT, person))
    query = (
        select(*FIGURE_CASE.columns, _CASE.number, _STAFF.name.label("staff"))
        .join(RECORDS["case"], and_(_CASE.org_id == _FACT.org_id, _CASE.id == _FACT.case_id))
        .outerjoin(
            RECORDS["staff"], and_(_STAFF.org_id == _FACT.org_id, _STAFF.id == _FACT.staff_id)
        )
        .where(where)
        .order_by(_FACT[day].desc(), _FACT.case_id)
        .limit(MOST)
    )
    total = connection.scalar(select(func.count()).where(where)) or 0
    return [_counted(row, name, day) for row in connection.execute(query)], total


def _counted(row: Any, name: str, day: str) -> Counted:
    facts = row._mapping
    good = {
        "complaint_rate": False,
        "response": bool(facts["answered_in_time"]),
        "resolution": facts["resolved_day"] is not None,
        "timeliness": bool(facts["resolved_in_time"]),
    }
    return Counted(
        number=facts["number"],
        kind=facts["kind"],
        state=facts["state"],
        day=facts[day],
        staff=facts["staff"],
        seconds=facts["answer_seconds" if name == "response" else "resolve_seconds"],
        good=good[name],
        policy_version=facts["policy_version"],
        provisional=facts["provisional"],
    )


def _of(columns: Any, person: str | None) -> list[ColumnElement[bool]]:
    return [] if person is None else [columns.staff_id == person]


def _answered(
    connection: Connection, org_id: str, store: str, period: Period, person: str | None
) -> tuple[list[Counted], int]:
    """Cases whose customers said how satisfied they were."""
    where = and_(
        _ANSWER.org_id == org_id,
        _ANSWER.store_id == store,
        _ANSWER.day.between(period.first_day.isoformat(), period.last_day.isoformat()),
        _ANSWER.case_id.is_not(None),
        *_of(_ANSWER, person),
    )
    query = (
        select(
            *FIGURE_CASE.columns, _CASE.number, _STAFF.name.label("staff"),
            _ANSWER.day, _ANSWER.points, _ANSWER.satisfied,
        )
        .select_from(FIGURE_ANSWER)
        .join(FIGURE_CASE, and_(_FACT.org_id == _ANSWER.org_id, _FACT.case_id == _ANSWER.case_id))
        .join(RECORDS["case"], and_(_CASE.org_id == _FACT.org_id, _CASE.id == _FACT.case_id))
        .outerjoin(
            RECORDS["staff"], and_(_STAFF.org_id == _FACT.org_id, _STAFF.id == _ANSWER.staff_id)
        )
        .where(where)
        .order_by(_ANSWER.day.desc(), _ANSWER.id)
        .limit(MOST)
    )  # fmt: skip
    total = connection.scalar(select(func.count()).where(where)) or 0
    found = [
        Counted(
            number=row.number, kind=row.kind, state=row.state, day=row.day, staff=row.staff,
            seconds=row.points, good=row.satisfied, policy_version=row.policy_version,
            provisional=False,
        )
        for row in connection.execute(query)
    ]  # fmt: skip
    return found, total


def by_hour(connection: Connection, org_id: str, store: str, period: Period) -> dict[int, int]:
    """Cases opened, by 24 × weekday (Monday 0) + local hour."""
    query = (
        select(_FACT.opened_hour, func.count())
        .where(_within(org_id, store, "opened_day", period))
        .group_by(_FACT.opened_hour)
    )
    return {hour: count for hour, count in connection.execute(query)}


def stages(connection: Connection, org_id: str, store: str, period: Period) -> dict[str, int]:
    """How far the cases opened in a period came, by `STAGES`."""

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((condition, 1), else_=0))

    row = connection.execute(
        select(
            func.count(),
            count(_FACT.answered_day.is_not(None)),
            count(_FACT.resolved_day.is_not(None)),
            count(_FACT.resolved_in_time),
        ).where(_within(org_id, store, "opened_day", period, _FACT.state != "cancelled"))
    ).one()
    return {stage: int(value or 0) for stage, value in zip(STAGES, row, strict=True)}


def _within(
    org_id: str, store: str, day: str, period: Period, *where: ColumnElement[bool]
) -> ColumnElement[bool]:
    return and_(
        _FACT.org_id == org_id,
        _FACT.store_id == store,
        _FACT[day].between(period.first_day.isoformat(), period.last_day.isoformat()),
        *where,
    )


__all__ = ["MOST", "STAGES", "Counted", "by_hour", "cases_behind", "stages"]
