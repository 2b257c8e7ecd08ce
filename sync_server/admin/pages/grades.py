"""Assessment: the grades of the cycle that ended, as the panel gives them (S1 #68)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from shared.declare import Role, choice, reference, text
from shared.figures import GRADES
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.services import rankings
from sync_server.services.accounts import policy_of
from sync_server.services.assessing import assess, assessments, cycle

PAGE = Page("grades", group="people", roles=WITH_MANAGERS)
router = PAGE.router()


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """What a seat says of one person."""

    staff_id: str = reference("staff", required=True)
    grade: str = choice(*GRADES, required=True)
    grade_reason: str | None = text(1000)


@router.get("")
def grades(visit: Visiting) -> Response:
    """One store's people; a manager's own."""
    return _page(visit, filled(Say), 200)


@router.post("")
def say(visit: Visiting) -> Response:
    """What one seat says."""
    return submit(visit, Say, partial(_said, visit), partial(_page, visit))


def _said(visit: Visit, asked: Say) -> Response:
    with visit.server.database.read() as connection:
        period = cycle(visit.today, policy_of(connection, visit.org_id, visit.now))
    counts = assess(
        visit.server.database, visit.caller, asked.staff_id, period, asked.grade,
        asked.grade_reason, visit.now, visit.today,
    )  # fmt: skip
    there = f"{PAGE.path}?store={visit.asked['store']}" if "store" in visit.asked else PAGE.path
    return visit.done(there, "grades.counts" if counts else "grades.said")


def _page(visit: Visit, form: Form[Say], status: int) -> Response:
    with visit.server.database.read() as connection:
        stores = rankings.store_names(connection, visit.org_id)
        store = visit.caller.store_id or ""
        if visit.caller.role is Role.ADMINISTRATOR:
            store = visit.asked.get("store") or next(iter(stores), "")
        period = cycle(visit.today, policy_of(connection, visit.org_id, visit.now))
        found = assessments(connection, visit.caller, store, period, visit.now)
        names = rankings.names(connection, visit.org_id)
    others = stores if visit.caller.role is Role.ADMINISTRATOR else {}
    return visit.show(
        "grades.html",
        status=status,
        form=form,
        found=found,
        names=names,
        period=period,
        store=store,
        stores=others,
        all_grades=GRADES,
    )


__all__ = ["PAGE", "router"]
