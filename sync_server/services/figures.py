"""Figures of a period, from the facts: for the organisation, each store, or each member of staff.

What adds up comes from daily sums; people who must be counted once (complainants, buyers) are
counted by the database from the facts of the period. Nothing here hides anything: what head office
may read goes through `services.publications`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, literal, select

from shared.figures import FIGURES, Figure, Part
from shared.periods import Period, first_of
from shared.policy import HeldPolicy, Policies, PolicySettings
from sync_server.db.figures import FIGURE_CASE, FIGURE_CUSTOMER, FIGURE_DAY, FIGURE_MONTH
from sync_server.services.accounts import policies_of

WHOLE = "whole"
BY = (WHOLE, "store_id", "staff_id")
"""What figures are told for: all together, each store, each member of staff."""

_DAY, _CASE, _CUSTOMER, _MONTH = FIGURE_DAY.c, FIGURE_CASE.c, FIGURE_CUSTOMER.c, FIGURE_MONTH.c
_YEAR = 12

Parts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Value:
    """A figure of a period: `part` is what was counted, `value` None where nothing was."""

    figure: Figure
    part: Part
    value: float | None
    goal: int
    attainment: float | None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where nothing is known."""
        if self.value is None:
            return None
        higher = self.figure.higher
        return self.value >= self.goal if higher else self.value <= self.goal


def policy_for(connection: Connection, org_id: str, period: Period, now: datetime) -> HeldPolicy:
    """What a period's figures are held against: the version that held at its end, or holds now for
    a period which has not ended."""
    return held_for(Policies(policies_of(connection, org_id)), period, now)


def held_for(policies: Policies, period: Period, now: datetime) -> HeldPolicy:
    """`policy_for`, of policies that are at hand."""
    last = datetime.combine(period.last_day, time.max, now.tzinfo)
    return policies.at(min(last, now))


def values_of(parts: Mapping[str, int], policy: PolicySettings) -> dict[str, Value]:
    """Every figure that these parts make; one of which nothing was counted has no value."""
    made = {}
    for name, figure in FIGURES.items():
        above, below = (parts.get(part, 0) for part in figure.parts)
        part = Part(above, below)
        value = figure.value(part)
        reached = None if value is None else figure.attainment(value, policy)
        made[name] = Value(figure, part, value, figure.goal(policy), reached)
    return made


def parts_of(
    connection: Connection,
    org_id: str,
    period: Period,
    by: str = WHOLE,
    *,
    store: str | None = None,
) -> dict[str, Parts]:
    """What was counted in a period, by store id, staff id, or under `WHOLE`; of one store only if
    named. Members of staff have no customers of their own to count."""
    found: dict[str, Parts] = {}
    days = (period.first_day.isoformat(), period.last_day.isoformat())
    for key, part, amount in connection.execute(_sums(org_id, days, by, store)):
        found.setdefault(key, {})[part] = int(amount)
    _count(found, connection, _complainants(org_id, days, by, store), ("complainants",))
    if by == "staff_id":
        found.pop("", None)
        return found
    _count(found, connection, _customers(org_id, days[1], by, store), ("customers",))
    year = period.last_month - _YEAR + 1
    window = (first_of(year).isoformat(), days[1])
    _count(
        found, connection, _new_customers(org_id, window, by, store),
        ("new_customers", "referred_customers"),
    )  # fmt: skip
    begun = connection.scalar(select(func.min(_MONTH.month)).where(_MONTH.org_id == org_id))
    if begun is not None and begun <= year:
        columns = _NOW if begun > year - _YEAR else (*_NOW, *_BEFORE)
        query = _buyers(org_id, year, by, store, columns)
        _count(found, connection, query, columns)
    return found


def staff_parts_of(
    connection: Connection, org_id: str, period: Period
) -> dict[str, dict[str, Parts]]:
    """What `parts_of` counts by staff id in each store, by store id: all of them in one reading."""
    found: dict[str, dict[str, Parts]] = {}
    days = (period.first_day.isoformat(), period.last_day.isoformat())
    sums = _sums(org_id, days, "staff_id", None).add_columns(_DAY.store_id)
    sums = sums.where(_DAY.staff_id != "")
    for staff, part, amount, store in connection.execute(sums.group_by(_DAY.store_id)):
        found.setdefault(store, {}).setdefault(staff, {})[part] = int(amount)
    people = _complainants(org_id, days, "staff_id", None).add_columns(_CASE.store_id)
    people = people.where(_CASE.staff_id != "")
    for staff, count, store in connection.execute(people.group_by(_CASE.store_id)):
        found.setdefault(store, {}).setdefault(staff, {})["complainants"] = int(count)
    return found


def _count(
    found: dict[str, Parts], connection: Connection, query: Select[Any], names: Sequence[str]
) -> None:
    for row in connection.execute(query):
        counts = {name: int(value or 0) for name, value in zip(names, row[1:], strict=True)}
        found.setdefault(row[0], {}).update(counts)


def _key(columns: Any, by: str) -> ColumnElement[str]:
    return literal(WHOLE) if by == WHOLE else columns[by]


def _in_store(columns: Any, store: str | None) -> list[ColumnElement[bool]]:
    return [] if store is None else [columns.store_id == store]


def _grouped(query: Any, columns: Any, by: str) -> Select[Any]:
    made: Select[Any] = query if by == WHOLE else query.group_by(columns[by])
    return made


def _sums(org_id: str, days: tuple[str, str], by: str, store: str | None) -> Select[Any]:
    query = (
        select(_key(_DAY, by), _DAY.part, func.sum(_DAY.amount))
        .where(_DAY.org_id == org_id, _DAY.day >= days[0], _DAY.day <= days[1])
        .where(*_in_store(_DAY, store))
        .group_by(_DAY.part)
    )
    return _grouped(query, _DAY, by)


def _complainants(org_id: str, days: tuple[str, str], by: str, store: str | None) -> Select[Any]:
    query = select(_key(_CASE, by), func.count(_CASE.customer_id.distinct())).where(
        _CASE.org_id == org_id,
        _CASE.opened_day >= days[0],
        _CASE.opened_day <= days[1],
        _CASE.kind == "complaint",
        _CASE.state != "cancelled",
        *_in_store(_CASE, store),
    )
    return _grouped(query, _CASE, by)


def _customers(org_id: str, until: str, by: str, store: str | None) -> Select[Any]:
    query = select(_key(_CUSTOMER, by), func.count()).where(
        _CUSTOMER.org_id == org_id, _CUSTOMER.since_day <= until, *_in_store(_CUSTOMER, store)
    )
    return _grouped(query, _CUSTOMER, by)


def _new_customers(org_id: str, days: tuple[str, str], by: str, store: str | None) -> Select[Any]:
    referred = func.sum(case((_CUSTOMER.referred, 1), else_=0))
    query = select(_key(_CUSTOMER, by), func.count(), referred).where(
        _CUSTOMER.org_id == org_id,
        _CUSTOMER.since_day >= days[0],
        _CUSTOMER.since_day <= days[1],
        *_in_store(_CUSTOMER, store),
    )
    return _grouped(query, _CUSTOMER, by)


_NOW = ("buyers", "repeat_buyers")
_BEFORE = ("buyers_before", "kept_buyers", "lost_buyers", "spend_before", "spend_more")


def _buyers(
    org_id: str, year: int, by: str, store: str | None, names: Sequence[str]
) -> Select[Any]:
    """Buyers of the twelve months from `year` on, and of the twelve before them; uplift is of those
    who bought in both (decision on S0 #40)."""
    new, old = _MONTH.month >= year, _MONTH.month < year

    def total(column: ColumnElement[int], when: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((when, column), else_=0))

    each = (
        select(
            _MONTH.store_id,
            total(_MONTH.orders, new).label("orders"),
            total(_MONTH.cents, new).label("cents"),
            total(_MONTH.orders, old).label("orders_before"),
            total(_MONTH.cents, old).label("cents_before"),
        )
        .where(
            _MONTH.org_id == org_id,
            _MONTH.month >= year - _YEAR,
            _MONTH.month < year + _YEAR,
            *_in_store(_MONTH, store),
        )
        .group_by(_MONTH.customer_id, _MONTH.store_id)
        .subquery()
        .c
    )
    bought, had = each.orders > 0, each.orders_before > 0

    def count(when: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((when, 1), else_=0))

    columns = {
        "buyers": count(bought),
        "repeat_buyers": count(each.orders > 1),
        "buyers_before": count(had),
        "kept_buyers": count(had & bought),
        "lost_buyers": count(had & ~bought),
        "spend_before": func.sum(case((had & bought, each.cents_before), else_=0)),
        "spend_more": func.sum(case((had & bought, each.cents - each.cents_before), else_=0)),
    }
    query = select(_key(each, by), *(columns[name] for name in names))
    return _grouped(query, each, by)


def trend(
    connection: Connection,
    org_id: str,
    name: str,
    until: Period,
    many: int,
    store: str | None,
    person: str | None = None,
) -> list[tuple[Period, float | None]]:
    """A figure's values in so many periods up to `until`, the oldest first: of a store, or of a
    `person` in it."""
    by = WHOLE if person is None else "staff_id"
    found = []
    for back in range(many - 1, -1, -1):
        period = until.before(back)
        parts = parts_of(connection, org_id, period, by, store=store).get(person or WHOLE, {})
        above, below = (parts.get(part, 0) for part in FIGURES[name].parts)
        found.append((period, FIGURES[name].value(Part(above, below))))
    return found


__all__ = [
    "BY",
    "WHOLE",
    "Parts",
    "Value",
    "held_for",
    "parts_of",
    "policy_for",
    "staff_parts_of",
    "trend",
    "values_of",
]
