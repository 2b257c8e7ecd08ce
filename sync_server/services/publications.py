"""What head office may read: one publication a month, from which nobody's own figure follows.

Three rules keep it so (S3 #149, decision on #149/#120):

* `shared.suppression` hides cells of 1 to 4 people and whatever they would follow from: stores and
  their total are one table, split by what is told of people (complained or not, kept or lost);
* a figure of twelve months moves with the few who came and left; where fewer than five people moved
  it since the month before, it is hidden, so that two months cannot be subtracted;
* a month is published once, `figures_settle_days` after its end, and stays as it is: late work
  changes a store's own figures, never what head office has read. Where the clock leapt it waits, as
  deleting does (`leaps`): months that are to come would be published empty.

Whatever is shown beyond that (scores, ranks, trends) is worked out from publications alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from shared.clock import to_wire
from shared.figures import FIGURES, Part
from shared.periods import Period, first_of, month_of, period_of
from shared.suppression import ALL, LEAST, Key, published
from sync_server.db.base import Database
from sync_server.db.figures import (
    FIGURE_ANSWER,
    FIGURE_CASE,
    FIGURE_CUSTOMER,
    FIGURE_MONTH,
    FIGURE_PUBLICATION,
)
from sync_server.db.putting import insert_rows
from sync_server.services import leaps
from sync_server.services.calendars import zone_of
from sync_server.services.figures import WHOLE, parts_of, policy_for
from sync_server.services.vitals import organisations

MOST_MONTHS = 24
"""Published when an organisation begins with years of history."""

_ANSWER, _CASE, _CUSTOMER = FIGURE_ANSWER.c, FIGURE_CASE.c, FIGURE_CUSTOMER.c
_MONTH, _PUBLISHED = FIGURE_MONTH.c, FIGURE_PUBLICATION.c
_YEAR = 12

People = dict[tuple[str, str], int]
"""How many by (store, what is told of them); everyone counts in one cell."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A published month: `shown` maps each figure to its parts by store id, and under `WHOLE` for
    all together; what is hidden is missing."""

    month: Period
    published_at: str
    policy_version: int
    shown: Mapping[str, Mapping[str, Part]]


def publish_due(db: Database, now: datetime) -> int:
    """Publishes every month that has settled and is not published yet; says how many. The facts
    should be up to date. Harmless at any time, and from several processes."""
    with db.read() as connection:
        orgs = organisations(connection)
    return sum(_publish(db, org_id, now) for org_id in orgs)


def publications(connection: Connection, org_id: str, most: int = MOST_MONTHS) -> list[Publication]:
    """The newest first."""
    rows = connection.execute(
        select(FIGURE_PUBLICATION)
        .where(_PUBLISHED.org_id == org_id)
        .order_by(_PUBLISHED.month.desc())
        .limit(most)
    )
    return [
        Publication(
            Period(row.month, 1),
            row.published_at,
            row.policy_version,
            {name: {key: Part(*part) for key, part in of.items()} for name, of in row.body.items()},
        )
        for row in rows
    ]


def _publish(db: Database, org_id: str, now: datetime) -> int:
    with db.read() as connection:
        due = _due(connection, org_id, now)
    if not due or not leaps.may_act(db, org_id, now):
        return 0
    with db.read() as connection:
        made = [
            {
                "org_id": org_id,
                "month": month.first_month,
                "published_at": to_wire(now),
                "policy_version": policy_for(connection, org_id, month, now).version,
                "body": publication(connection, org_id, month),
            }
            for month in due
        ]
    with db.write() as connection:
        there = select(_PUBLISHED.month).where(_PUBLISHED.org_id == org_id)
        taken = set(connection.scalars(there))
        new = [row for row in made if row["month"] not in taken]
        insert_rows(connection, FIGURE_PUBLICATION, new)
    return len(new)


def _due(connection: Connection, org_id: str, now: datetime) -> list[Period]:
    today = now.astimezone(zone_of(connection, org_id)).date()
    last = period_of(today).before()
    settled = policy_for(connection, org_id, last, now).settings.figures_settle_days
    if today < last.last_day + timedelta(days=1 + settled):
        last = last.before()
    newest = connection.scalar(
        select(func.max(_PUBLISHED.month)).where(_PUBLISHED.org_id == org_id)
    )
    if newest is not None and newest >= last.first_month:
        return []  # as in most minutes, before every customer is looked at
    begun = connection.scalar(
        select(func.min(_CUSTOMER.since_day)).where(_CUSTOMER.org_id == org_id)
    )
    if begun is None:
        return []
    first = max(month_of(datetime.fromisoformat(begun).date()), last.first_month - MOST_MONTHS + 1)
    if newest is not None:
        first = max(first, newest + 1)
    return [Period(month, 1) for month in range(first, last.first_month + 1)]


def publication(connection: Connection, org_id: str, month: Period) -> dict[str, Any]:
    """What may be shown of a month, as `FIGURE_PUBLICATION.body` keeps it."""
    by_store = parts_of(connection, org_id, month, "store_id")
    whole = parts_of(connection, org_id, month).get(WHOLE, {})
    tables = _People(connection, org_id, month)
    body: dict[str, Any] = {}
    for name, figure in FIGURES.items():
        people, moved = tables.of(name)
        stores, total = shown(people, moved)
        parts = {store: by_store.get(store, {}) for store in stores}
        if total:
            parts[WHOLE] = whole
        above, below = figure.parts
        body[name] = {
            key: [counted.get(above, 0), counted[below]]
            for key, counted in parts.items()
            if counted.get(below)
        }
    return body


def shown(
    people: Mapping[tuple[str, str], int], moved: Mapping[str, int] | None
) -> tuple[set[str], bool]:
    """Of which stores, and whether of all together, a figure may be shown: `people` by store and
    by what the figure tells of them, `moved` by store those because of whom it is not what it was
    the month before (None: it is another month's)."""
    cells: dict[Key, int] = {key: count for key, count in people.items() if count}
    stores = {store for store, _ in cells}
    groups = {group for _, group in cells} | {ALL}
    hidden = {s for s in stores if moved is not None and moved.get(s, 0) < LEAST}
    while True:
        table = published(cells, besides=[(s, g) for s in hidden for g in groups]).keys()
        kept, total = (
            {s for s in of if {(s, g) for g in groups} <= table} for of in (stores, {ALL})
        )
        left = stores - kept
        if moved is not None and left and sum(moved.get(s, 0) for s in left) < LEAST:
            # The total without the others would be the figure of the few who moved it.
            if not kept:
                return set(), False
            left |= {min(kept, key=lambda s: (moved.get(s, 0), s))}
        if left == hidden:
            return kept, bool(stores and total)
        hidden = left


class _People:
    """Who is behind the figures of a month."""

    def __init__(self, connection: Connection, org_id: str, month: Period) -> None:
        self.connection = connection
        self.org_id = org_id
        self.month = month.last_month
        self.days = (month.first_day.isoformat(), month.last_day.isoformat())

    def of(self, name: str) -> tuple[People, dict[str, int] | None]:
        """People by store and by what the figure tells of them, and those who moved it."""
        if name == "complaint_rate":
            return self._complaints(), None
        if name == "satisfaction":  # a mean tells nothing of whether
            return self._each(_ANSWER, "day", _ANSWER.points >= 0), None
        if name == "satisfied":
            return self._each(_ANSWER, "day", _ANSWER.satisfied), None
        if name == "response":
            return self._each(_CASE, "answered_day", _CASE.kind != "complaint", only=True), None
        if name == "resolution":
            return self._each(
                _CASE, "opened_day", _CASE.resolved_day.is_not(None), _CASE.state != "cancelled"
            ), None
        if name == "timeliness":
            return self._each(_CASE, "resolved_day", _CASE.resolved_in_time), None
        if name == "referral":
            return self._referred(), self._came()
        return self._buyers(name), self._bought()

    def _rows(self, query: Select[Any]) -> Sequence[Any]:
        return self.connection.execute(query).all()

    def _complaints(self) -> People:
        told = select(_CASE.customer_id).where(
            _CASE.org_id == self.org_id,
            _CASE.kind == "complaint",
            _CASE.state != "cancelled",
            _CASE.opened_day.between(*self.days),
        )
        yes = _CUSTOMER.customer_id.in_(told)
        return self._customers(yes, _CUSTOMER.since_day <= self.days[1])

    def _referred(self) -> People:
        since = first_of(self.month - _YEAR + 1).isoformat()
        return self._customers(_CUSTOMER.referred, _CUSTOMER.since_day.between(since, self.days[1]))

    def _customers(self, yes: ColumnElement[bool], *where: ColumnElement[bool]) -> People:
        group = case((yes, "yes"), else_="no")
        query = (
            select(_CUSTOMER.store_id, group, func.count())
            .where(_CUSTOMER.org_id == self.org_id, *where)
            .group_by(_CUSTOMER.store_id, group)
        )
        return {(store, word): count for store, word, count in self._rows(query)}

    def _each(
        self,
        columns: Any,
        day: str,
        yes: ColumnElement[bool],
        *where: ColumnElement[bool],
        only: bool = False,
    ) -> People:
        """Customers by what was true of each of their facts: always, never, or now and then.
        `only`: of those of whom it was."""
        true = case((yes, 1), else_=0)
        conditions = [*where, yes] if only else where
        each = (
            select(columns.store_id, func.min(true).label("least"), func.max(true).label("most"))
            .where(columns.org_id == self.org_id, columns[day].between(*self.days), *conditions)
            .group_by(columns.store_id, columns.customer_id)
            .subquery()
            .c
        )
        query = select(each.store_id, each.least, each.most, func.count()).group_by(
            each.store_id, each.least, each.most
        )
        return {(store, f"{low}{high}"): count for store, low, high, count in self._rows(query)}

    def _buyers(self, name: str) -> People:
        year = self.month - _YEAR + 1
        orders = {
            now: func.sum(case((within, _MONTH.orders), else_=0)).label(now)
            for now, within in (("now", _MONTH.month >= year), ("then", _MONTH.month < year))
        }
        each = (
            select(_MONTH.store_id, *orders.values())
            .where(
                _MONTH.org_id == self.org_id,
                _MONTH.month >= year - _YEAR,
                _MONTH.month <= self.month,
            )
            .group_by(_MONTH.customer_id, _MONTH.store_id)
            .subquery()
            .c
        )
        if name == "repeat":
            counts, group = each.now > 0, case((each.now > 1, "again"), else_="once")
        else:  # who was kept is the population of uplift, and half of that of retention
            counts, group = each.then > 0, case((each.now > 0, "kept"), else_="lost")
        query = (
            select(each.store_id, group, func.count()).where(counts).group_by(each.store_id, group)
        )
        return {(store, word): count for store, word, count in self._rows(query)}

    def _bought(self) -> dict[str, int]:
        """Who came into one of the two years with this month, or left it."""
        edges = (self.month, self.month - _YEAR, self.month - 2 * _YEAR)
        query = (
            select(_MONTH.store_id, func.count(_MONTH.customer_id.distinct()))
            .where(_MONTH.org_id == self.org_id, _MONTH.month.in_(edges))
            .group_by(_MONTH.store_id)
        )
        return {store: count for store, count in self._rows(query)}

    def _came(self) -> dict[str, int]:
        spans: Iterable[tuple[str, str]] = (
            (month.first_day.isoformat(), month.last_day.isoformat())
            for month in (Period(self.month, 1), Period(self.month - _YEAR, 1))
        )
        first, second = (_CUSTOMER.since_day.between(*span) for span in spans)
        query = (
            select(_CUSTOMER.store_id, func.count())
            .where(_CUSTOMER.org_id == self.org_id, first | second)
            .group_by(_CUSTOMER.store_id)
        )
        return {store: count for store, count in self._rows(query)}


__all__ = ["MOST_MONTHS", "Publication", "publication", "publications", "publish_due", "shown"]
