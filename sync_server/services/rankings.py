"""Who stands where: departments by their month (S0 #41), staff by any period (S0 #42), and the
grades that follow (S1 #67, #68).

A department is a store: it has the customers by whom satisfaction, complaints, retention and uplift
are counted. Departments are ranked by publications alone, so that a rank tells nothing that a
figure would not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from shared.declare import FIELD_ROLES
from shared.figures import (
    DEPARTMENT_WEIGHTS,
    STAFF_WEIGHTS,
    Scored,
    after_grades,
    grade,
    ranked,
    score,
)
from shared.periods import Period, read_period
from shared.policy import PolicySettings
from sync_server.db.among import among
from sync_server.db.people import STAFF_GRADE
from sync_server.db.records import RECORDS
from sync_server.services.figures import WHOLE, Parts, Value, parts_of, values_of
from sync_server.services.publications import Publication

_STAFF, _GRADE = RECORDS["staff"].c, STAFF_GRADE.c
Counted = Callable[[Period], Mapping[str, Parts]]
"""What was counted of the people of a store in a period, by staff id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One in a ranking. `rank` None: nothing is known to rank by. `of`: how many are ranked.
    `grade` is what the score proposes, `confirmed` what the panel gave, and `consequence` what
    that calls for (S1 #68, #69)."""

    key: str
    values: Mapping[str, Value]
    scored: Scored | None
    rank: int | None
    of: int
    grade: str | None = None
    confirmed: str | None = None
    consequence: str | None = None


def published_values(
    published: Publication, policy: PolicySettings, key: str = WHOLE
) -> dict[str, Value]:
    """The figures of all together, or of one store, as they were published; one that is hidden has
    no value."""
    found = values_of({}, policy)
    for name, of in published.shown.items():
        if name in found and key in of:
            above, below = found[name].figure.parts
            counted = {above: of[key].above, below: of[key].below}
            found[name] = values_of(counted, policy)[name]
    return found


def departments(published: Publication, policy: PolicySettings) -> list[Standing]:
    """Stores by what was published of a month, the best first; those of which nothing was published
    are missing.

    A figure that is hidden weighs nothing, so that it could lift a score above what it hides. So
    stores are compared by the same measures: who lacks one that another has is not ranked, and
    stands below without a score."""
    stores = {
        store for name in DEPARTMENT_WEIGHTS for store in published.shown[name] if store != WHOLE
    }
    values = {store: published_values(published, policy, store) for store in stores}
    told = {
        name for name in DEPARTMENT_WEIGHTS if published.shown[name].keys() - {WHOLE}
    }  # what nobody has lifts nobody
    ranked_ones = {
        store: of
        for store, of in values.items()
        if all(of[name].value is not None for name in told)
    }
    ranking = _ranking(ranked_ones, DEPARTMENT_WEIGHTS, policy)
    return ranking + [
        Standing(key=store, values=values[store], scored=None, rank=None, of=len(ranking))
        for store in sorted(values.keys() - ranked_ones.keys())
    ]


def department_grades(
    publications: Sequence[Publication], periods: Sequence[Period], policy: PolicySettings
) -> dict[str, list[str | None]]:
    """Each store's grade in each of `periods`: of the mean of its months' scores. None where no
    month is published."""
    scores: dict[int, dict[str, float]] = {}
    for one in publications:
        ranking = departments(one, policy)
        month = {s.key: s.scored.score for s in ranking if s.scored is not None}
        scores[one.month.first_month] = month
    stores = {store for month in scores.values() for store in month}
    found: dict[str, list[str | None]] = {store: [] for store in stores}
    for period in periods:
        months = [scores.get(month.first_month, {}) for month in period.split()]
        for store, grades in found.items():
            known = [month[store] for month in months if store in month]
            grades.append(grade(sum(known) / len(known), policy) if known else None)
    return found


def people_of(connection: Connection, org_id: str, store: str) -> list[str]:
    """Who works with a store's customers: neither head office nor administrators, wherever they
    sit."""
    found = select(_STAFF.id).where(
        _STAFF.org_id == org_id,
        _STAFF.store_id == store,
        _STAFF.active.is_not(False),
        _STAFF.role.in_(FIELD_ROLES),
    )
    return list(connection.scalars(found))


def staff(
    connection: Connection,
    org_id: str,
    store: str,
    period: Period,
    policy: PolicySettings,
    counted: Counted | None = None,
) -> list[Standing]:
    """The people of one store by what they did in a period, the best first; who did nothing that is
    counted comes last, without a rank. `counted` says what they did, for who has it at hand."""
    people = people_of(connection, org_id, store)
    parts: Mapping[str, Parts]
    if counted is None:
        parts = parts_of(connection, org_id, period, "staff_id", store=store)
    else:
        parts = counted(period)
    values = {one: values_of(parts.get(one, {}), policy) for one in people}
    return _ranking(values, STAFF_WEIGHTS, policy)


def staff_graded(
    connection: Connection,
    org_id: str,
    store: str,
    period: Period,
    policy: PolicySettings,
    counted: Counted | None = None,
) -> list[Standing]:
    """`staff` with the grades that the panel gave, and what they call for: by themselves and with
    those of the cycles before."""
    found = staff(connection, org_id, store, period, policy, counted)
    given = given_grades(connection, org_id, period, {one.key for one in found})
    graded = []
    for one in found:
        mine = given[one.key]
        if mine and mine[-1][0] == period:
            after = after_grades([grade for _, grade in mine], policy)
            one = replace(one, confirmed=mine[-1][1], consequence=after)
        graded.append(one)
    return graded


def given_grades(
    connection: Connection, org_id: str, until: Period, people: Collection[str]
) -> dict[str, list[tuple[Period, str]]]:
    """The grades that the panel gave each of these people up to a period, oldest first."""
    rows = connection.execute(
        select(_GRADE.staff_id, _GRADE.period, _GRADE.grade).where(
            _GRADE.org_id == org_id,
            _GRADE.grade.is_not(None),
            among(connection, _GRADE.staff_id, sorted(people)),
        )
    )
    found: dict[str, list[tuple[Period, str]]] = {one: [] for one in people}
    for row in rows:
        cycle = read_period(row.period)
        if cycle is not None and cycle.last_month <= until.last_month:
            found[row.staff_id].append((cycle, row.grade))
    return {one: sorted(of, key=lambda told: told[0].last_month) for one, of in found.items()}


def names(connection: Connection, org_id: str) -> dict[str, str]:
    """The staff's names, by id."""
    rows = connection.execute(select(_STAFF.id, _STAFF.name).where(_STAFF.org_id == org_id))
    return {row.id: row.name for row in rows}


def store_names(connection: Connection, org_id: str) -> dict[str, str]:
    """The stores' names, by id."""
    store = RECORDS["store"].c
    rows = connection.execute(select(store.id, store.name).where(store.org_id == org_id))
    return {row.id: row.name for row in rows}


def _ranking(
    values: Mapping[str, Mapping[str, Value]], weights: Mapping[str, str], policy: PolicySettings
) -> list[Standing]:
    scored = {
        key: score({name: of[name].value for name in weights}, weights, policy)
        for key, of in values.items()
    }
    ranks = ranked({key: one.score for key, one in scored.items() if one is not None})
    standings = [
        Standing(
            key=key,
            values=values[key],
            scored=one,
            rank=ranks.get(key),
            of=len(ranks),
            grade=grade(one.score, policy) if one is not None else None,
        )
        for key, one in scored.items()
    ]
    return sorted(standings, key=lambda one: (one.rank or len(scored) + 1, one.key))


__all__ = [
    "Standing",
    "department_grades",
    "departments",
    "given_grades",
    "names",
    "people_of",
    "published_values",
    "staff",
    "staff_graded",
    "store_names",
]
