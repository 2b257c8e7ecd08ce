"""Evaluations by outside agencies: entered by hand, listed beside each other (S4 #163)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from starlette.responses import Response

from shared.declare import day, integer, text
from sync_server.admin.charts import Bar, bars
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.services.accounts import staff_names
from sync_server.services.evaluations import enter, entered

PAGE = Page("evaluations", group="work")
router = PAGE.router()
_SHOWN = 12
"""Bars in the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationForm:
    """What the agency found, in points of 100."""

    agency: str = text(120, required=True)
    subject_words: str = text(120, required=True)
    from_day: Any = day(required=True)
    until_day: Any = day(required=True)
    points: int = integer(0, 100, required=True)
    asked: int | None = integer(1, 10**6)
    note: str | None = text(1000)


@router.get("")
def listed(visit: Visiting) -> Response:
    """All of them, and the form for one more."""
    return _page(visit, filled(EvaluationForm), 200)


@router.post("")
def add(visit: Visiting) -> Response:
    """One more."""
    return submit(visit, EvaluationForm, partial(_done, visit), partial(_page, visit))


def _done(visit: Visit, asked: EvaluationForm) -> Response:
    fields = asdict(asked)
    fields["subject"] = fields.pop("subject_words")
    enter(visit.server.database, visit.caller, fields, visit.now)
    return visit.done(PAGE.path, "evaluations.entered", agency=asked.agency)


def _page(visit: Visit, form: Form[EvaluationForm], status: int) -> Response:
    with visit.server.database.read() as connection:
        found = entered(connection, visit.org_id)
        names = staff_names(connection, visit.org_id, {one.entered_by for one in found})
    shown = [Bar(f"{one.until_day} {one.agency}"[:14], one.points) for one in found[:_SHOWN]]
    picture = bars(visit.words("evaluations.title"), shown) if shown else None
    return visit.show(
        "evaluations.html", status=status, form=form, found=found, names=names, picture=picture
    )


__all__ = ["PAGE", "router"]
