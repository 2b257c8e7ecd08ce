"""Figures: pictures first, and each figure opens to its formula, its policy version, what was
counted, and, for those who hold them, its cases.

A store manager reads their own store's as they stand. Administrators read for head office: months
that were published, and nothing from which one customer's figure would follow
(`services.publications`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from markupsafe import Markup
from sqlalchemy import Connection
from starlette.responses import Response

from shared.declare import Role
from shared.errors import Code, Refusal
from shared.figures import FIGURES
from shared.periods import Period, read_period
from shared.policy import HeldPolicy
from sync_server.admin import pictures
from sync_server.admin.figure_words import (
    asked_period,
    asked_publication,
    length,
    near,
    near_published,
    told,
    tone,
)
from sync_server.admin.page import WITH_HEAD_OFFICE, Page, Visiting
from sync_server.admin.report_files import FORMS, report_file
from sync_server.admin.visit import Visit
from sync_server.services import figure_cases, figure_facts, kept_reports, rankings
from sync_server.services.figures import WHOLE, Value, parts_of, policy_for, trend, values_of
from sync_server.services.publications import Publication, publications
from sync_server.services.store_report import store_report

PAGE = Page("figures", group="now", roles=WITH_HEAD_OFFICE)
router = PAGE.router()
_POINTS = 12
"""Periods of a trend."""
_PARTS_AT_ONCE = 3
"""Of what was written lately: as much as a page waits for."""

Trend = Sequence[tuple[Period, float | None]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a visitor reads of a period: `month` is the publication, None where they read their own
    store's as it stands. `person`: of whom in it; `department`: of which store it was published,
    or of all together; `whose` names them."""

    period: Period
    held: HeldPolicy
    values: dict[str, Value]
    month: Publication | None = None
    older: Sequence[Publication] = ()
    person: str | None = None
    department: str = WHOLE
    whose: str = ""

    @property
    def asked(self) -> str:
        """What the address asks for besides the period."""
        if self.person is not None:
            return f"&staff={self.person}"
        return f"&store={self.department}" if self.department != WHOLE else ""


@router.get("")
def figures(visit: Visiting) -> Response:
    """All of a period, with pictures."""
    freshen(visit)
    with visit.server.database.read() as connection:
        seen = _seen(connection, visit)
        if seen is None:
            return visit.show("figures_none.html")
        own = seen.month is None
        chart = _trend(connection, visit, seen, "satisfaction")
        store = visit.caller.store_id or ""
        hours = figure_cases.by_hour(connection, visit.org_id, store, seen.period) if own else {}
        stages = figure_cases.stages(connection, visit.org_id, store, seen.period) if own else {}
        counted = figure_facts.counted(connection, visit.org_id)
        kept = kept_reports.kept(connection, visit.org_id, store) if own else ()
    t = visit.words
    weekdays = [t(f"figures.weekday.{day}") for day in range(7)]
    return visit.show(
        "figures.html",
        seen=seen,
        tiles=[
            (
                name,
                told(t, value.figure, value.value, published=not own),
                tone(value),
                _goal(visit, value),
            )
            for name, value in seen.values.items()
        ],
        trend=_picture(visit, seen, "satisfaction", chart),
        week=pictures.week(t("figures.week"), weekdays, hours) if own else None,
        funnel=pictures.funnel(
            t("figures.funnel"), [(t(f"figures.stage.{s}"), n) for s, n in stages.items()]
        )
        if own
        else None,
        nearby=_nearby(visit, seen),
        counted=counted,
        kept=kept,
    )


@router.get("/report")
def report(visit: Visiting) -> Response:
    """The period's report of one's own store, as a file (S3 #145)."""
    form = visit.asked.get("form", "pdf")
    if visit.caller.role is not Role.STORE_MANAGER:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    if form not in FORMS:
        raise Refusal(Code.NOT_FOUND)
    freshen(visit)
    period = asked_period(visit.asked, visit.now, visit.words.zone)
    store = visit.caller.store_id or ""
    with visit.server.database.read() as connection:
        made = store_report(connection, visit.org_id, store, period, visit.now)
    with visit.server.database.write() as connection:
        kept_reports.note(connection, visit.caller, period, form, visit.now)
    return _file(report_file(made, visit.words, form), period, form)


@router.get("/report/{month}")
def kept_report(month: str, visit: Visiting) -> Response:
    """A month's report as it was made and kept."""
    form, period = visit.asked.get("form", "pdf"), read_period(month)
    if visit.caller.role is not Role.STORE_MANAGER:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    if form not in FORMS or period is None or period.kind != "month":
        raise Refusal(Code.NOT_FOUND)
    body = kept_reports.read(
        visit.server.database, visit.caller, period, form, visit.words.language, visit.now
    )
    return _file(body, period, form)


def _file(body: bytes, period: Period, form: str) -> Response:
    told_as = f'attachment; filename="{period}.{form}"'
    headers = {"Content-Disposition": told_as, "Cache-Control": "no-store"}
    return Response(body, headers=headers, media_type=FORMS[form])


@router.get("/{name}")
def figure(name: str, visit: Visiting) -> Response:
    """One figure opened: how it is worked out, and from what."""
    if name not in FIGURES:
        raise Refusal(Code.NOT_FOUND)
    freshen(visit)
    with visit.server.database.read() as connection:
        seen = _seen(connection, visit)
        if seen is None:
            return visit.show("figures_none.html")
        chart = _trend(connection, visit, seen, name)
        store = visit.caller.store_id or ""
        cases: Sequence[figure_cases.Counted] = ()
        total = 0
        people: Sequence[rankings.Standing] = ()
        if seen.month is None:
            cases, total = figure_cases.cases_behind(
                connection, visit.org_id, store, name, seen.period, seen.person
            )
        if seen.month is None and seen.person is None:
            people = rankings.staff(
                connection, visit.org_id, store, seen.period, seen.held.settings
            )
        names = rankings.names(connection, visit.org_id)
    t, value = visit.words, seen.values[name]
    before = chart[-2][1] if len(chart) > 1 else None
    return visit.show(
        "figure.html",
        before=told(t, value.figure, before),
        fell=value.figure.fell(value.value, before),
        seen=seen,
        name=name,
        value=value,
        shown=told(t, value.figure, value.value, published=seen.month is not None),
        tone=tone(value),
        goal=_goal(visit, value),
        counted=list(zip(value.figure.parts, value.part, strict=True)),
        trend=_picture(visit, seen, name, chart),
        window=_window(seen.period) if value.figure.yearly else None,
        people=[
            (one.key, names.get(one.key, ""), one.values[name].part, told(t, value.figure, v))
            for one in people
            if (v := one.values[name].value) is not None
        ],
        cases=[(case, length(t, case.seconds)) for case in cases],
        total=total,
        most=figure_cases.MOST,
        nearby=_nearby(visit, seen),
    )


def freshen(visit: Visit) -> None:
    """Lets a page see what was written a moment ago."""
    figure_facts.catch_up(visit.server.database, visit.org_id, visit.now, _PARTS_AT_ONCE)


def _seen(connection: Connection, visit: Visit) -> Seen | None:
    """What the address asks for. Refuses (NOT_FOUND) people who are not of the reader's store."""
    if visit.caller.role is Role.STORE_MANAGER and "store" not in visit.asked:
        return _own(connection, visit, visit.asked.get("staff"))
    there = publications(connection, visit.org_id)
    month = asked_publication(visit.asked, there)
    if month is None:
        return None
    held = policy_for(connection, visit.org_id, month.month, visit.now)
    department = visit.asked.get("store") or WHOLE
    values = rankings.published_values(month, held.settings, department)
    whose = rankings.store_names(connection, visit.org_id).get(department, "")
    return Seen(
        month.month, held, values, month, there, department=department if whose else WHOLE,
        whose=whose,
    )  # fmt: skip


def _own(connection: Connection, visit: Visit, person: str | None) -> Seen:
    """The reader's own store as it stands, or a `person` of it."""
    org_id, store = visit.org_id, visit.caller.store_id or ""
    whose = ""
    if person is not None:
        if person not in rankings.people_of(connection, org_id, store):
            raise Refusal(Code.NOT_FOUND)
        whose = rankings.names(connection, org_id)[person]
    period = asked_period(visit.asked, visit.now, visit.words.zone)
    held = policy_for(connection, org_id, period, visit.now)
    by = WHOLE if person is None else "staff_id"
    parts = parts_of(connection, org_id, period, by, store=store).get(person or WHOLE, {})
    return Seen(period, held, values_of(parts, held.settings), person=person, whose=whose)


def _trend(connection: Connection, visit: Visit, seen: Seen, name: str) -> Trend:
    if seen.month is None:
        store = visit.caller.store_id or ""
        return trend(connection, visit.org_id, name, seen.period, _POINTS, store, seen.person)
    past = [one for one in seen.older if one.month <= seen.period][:_POINTS]
    told_of = [(one.month, one.shown.get(name, {}).get(seen.department)) for one in reversed(past)]
    return [(month, FIGURES[name].value(part) if part else None) for month, part in told_of]


def _picture(visit: Visit, seen: Seen, name: str, points: Trend) -> Markup:
    t, of = visit.words, FIGURES[name]
    goal = of.goal(seen.held.settings)
    return pictures.trend(
        t("figures.trend", name=t(f"figure.{name}")),
        [(str(period), value, told(t, of, value)) for period, value in points],
        float(goal),
        t("figures.goal", goal=told(t, of, float(goal))),
    )


def _goal(visit: Visit, value: Value) -> str:
    words = visit.words
    sign = "figures.at_least" if value.figure.higher else "figures.at_most"
    return words(sign, goal=told(words, value.figure, float(value.goal)))


def _window(period: Period) -> tuple[date, date]:
    """The twelve months that a yearly figure looks at."""
    year = Period(period.last_month - 11, 12)
    return year.first_day, year.first_day + timedelta(days=(period.last_day - year.first_day).days)


def _nearby(visit: Visit, seen: Seen) -> dict[str, Any]:
    if seen.month is not None:
        return near_published(seen.month, seen.older)
    return near(seen.period, visit.now, visit.words.zone)
