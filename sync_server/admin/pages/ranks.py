"""Rankings: departments by the month, staff by any period, each opened down to its terms, and the
grades that follow (S0 #41, #42, S1 #67, #68)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from shared.declare import Role
from shared.figures import DEPARTMENT_WEIGHTS, STAFF_WEIGHTS
from shared.periods import period_of
from sync_server.admin.charts import Bar, bars
from sync_server.admin.figure_words import (
    asked_period,
    asked_publication,
    near,
    near_published,
    told,
)
from sync_server.admin.page import WITH_HEAD_OFFICE, Page, Visiting
from sync_server.admin.pages.figures import freshen
from sync_server.admin.visit import Visit
from sync_server.services import rankings
from sync_server.services.figures import policy_for
from sync_server.services.publications import publications
from sync_server.services.rankings import Standing

PAGE = Page("ranks", group="now", roles=WITH_HEAD_OFFICE)
router = PAGE.router()

_TONES = {"excellent": "good", "good": "", "pass": "", "fail": "alarm"}
_MARKS = {"excellent": "good", "good": "plain", "pass": "plain", "fail": "alarm"}


@router.get("")
def departments(visit: Visiting) -> Response:
    """Stores by their published month. A store manager reads the others' there as well."""
    with visit.server.database.read() as connection:
        there = publications(connection, visit.org_id)
        names = rankings.store_names(connection, visit.org_id)
        chosen = asked_publication(visit.asked, there)
        if chosen is None:
            return visit.show("figures_none.html")
        held = policy_for(connection, visit.org_id, chosen.month, visit.now)
    policy = held.settings
    ranking = rankings.departments(chosen, policy)
    cycle = period_of(chosen.month.first_day, policy.grade_every)
    cycles = [cycle.before(back) for back in (3, 2, 1, 0)]
    grades = rankings.department_grades(there, cycles, policy)
    return visit.show(
        "ranks.html",
        kind="departments",
        period=chosen.month,
        published_at=chosen.published_at,
        held=held,
        picture=_picture(visit, ranking, names),
        rows=_rows(visit, ranking, names, tuple(DEPARTMENT_WEIGHTS), published=True),
        idle=(),
        measures=tuple(DEPARTMENT_WEIGHTS),
        cycles=cycles,
        grades=[
            (names.get(store) or visit.words("figures.no_store"), of)
            for store, of in sorted(grades.items(), key=lambda one: names.get(one[0], ""))
        ],
        marks=_MARKS,
        nearby=near_published(chosen, there),
    )


@router.get("/staff")
def staff(visit: Visiting) -> Response:
    """The people of one's own store, by any period."""
    if visit.caller.role is not Role.STORE_MANAGER:
        return visit.show("ranks_staff_none.html")
    freshen(visit)
    period = asked_period(visit.asked, visit.now, visit.words.zone)
    with visit.server.database.read() as connection:
        held = policy_for(connection, visit.org_id, period, visit.now)
        ranking = _graded(connection, visit, held.settings, period)
        names = rankings.names(connection, visit.org_id)
    return visit.show(
        "ranks.html",
        kind="staff",
        period=period,
        published_at=None,
        held=held,
        picture=_picture(visit, ranking, names),
        rows=_rows(visit, ranking, names, tuple(STAFF_WEIGHTS), published=False),
        idle=[names.get(one.key, "") for one in ranking if one.scored is None],
        measures=tuple(STAFF_WEIGHTS),
        cycles=(),
        grades=(),
        marks=_MARKS,
        nearby=near(period, visit.now, visit.words.zone),
    )


def _graded(connection: Connection, visit: Visit, policy: Any, period: Any) -> Sequence[Standing]:
    """Grades are given for the policy's cycle; other periods are ranked only."""
    store = visit.caller.store_id or ""
    if period.kind == policy.grade_every:
        return rankings.staff_graded(connection, visit.org_id, store, period, policy)
    ranking = rankings.staff(connection, visit.org_id, store, period, policy)
    return [replace(one, grade=None) for one in ranking]


def _picture(visit: Visit, ranking: Sequence[Standing], names: dict[str, str]) -> Any:
    shown = [one for one in ranking if one.scored is not None]
    counted = [
        Bar(
            _short(names.get(one.key) or visit.words("figures.no_store")),
            round(one.scored.score),
            _TONES[one.grade or "pass"],
        )
        for one in shown[:20]
        if one.scored is not None
    ]
    return bars(visit.words("ranks.picture"), counted) if counted else None


def _short(name: str) -> str:
    return name if len(name) <= 11 else f"{name[:10]}…"


def _rows(
    visit: Visit,
    ranking: Sequence[Standing],
    names: dict[str, str],
    measures: Sequence[str],
    *,
    published: bool,
) -> list[dict[str, Any]]:
    t = visit.words
    asked_by = "store" if published else "staff"
    found = []
    for one in ranking:
        if one.scored is None and not published:
            continue  # who did nothing that is counted: named below the table
        terms = one.scored.terms if one.scored is not None else {}
        found.append(
            {
                "name": names.get(one.key) or t("figures.no_store"),
                "rank": one.rank,
                "score": f"{one.scored.score:.2f}" if one.scored is not None else None,
                "grade": one.grade if published else one.confirmed,
                "proposed": None if published or one.confirmed else one.grade,
                "consequence": one.consequence,
                "missing": [name for name in measures if one.values[name].value is None],
                "opened_by": f"{asked_by}={one.key}" if one.key else "",
                "cells": [
                    {
                        "name": name,
                        "value": told(
                            t, one.values[name].figure, one.values[name].value, published=published
                        ),
                        "reached": f"{terms[name][0]:.3f}" if name in terms else None,
                        "weight": terms[name][1] if name in terms else None,
                        "part": one.values[name].part,
                    }
                    for name in measures
                ],
            }
        )
    return found
