"""Erasing one customer on request: look what it would touch, then do it and say why (S2 #103)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from shared.declare import text
from shared.ids import is_id
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.db.keeping import ERASURE
from sync_server.services import erasing

PAGE = Page("erasures", group="access")
router = PAGE.router()
_LATELY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Whom:
    """Which customer: their number, as the customer's page or a letter names it."""

    customer_id: str = text(36, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Who asked for it and when, and the plan that was looked at."""

    reason: str = text(500, required=True)
    plan: str = text(64, required=True)


@router.get("")
def ask(visit: Visiting) -> Response:
    return _asked(visit, filled(Whom), 200)


@router.post("")
def find(visit: Visiting) -> Response:
    return submit(visit, Whom, partial(_found, visit), partial(_asked, visit))


@router.get("/{customer_id}")
def look(customer_id: str, visit: Visiting) -> Response:
    """What erasing would touch, in numbers; no name is shown."""
    return _previewed(visit, customer_id, filled(Why), 200)


@router.post("/{customer_id}")
def erase(customer_id: str, visit: Visiting) -> Response:
    return submit(
        visit, Why, partial(_erased, visit, customer_id), partial(_previewed, visit, customer_id)
    )


def _found(visit: Visit, whom: Whom) -> Response:
    erasing.preview(visit.server.database, visit.org_id, whom.customer_id)
    return RedirectResponse(f"{PAGE.path}/{whom.customer_id}", 303)


def _erased(visit: Visit, customer_id: str, why: Why) -> Response:
    server = visit.server
    erasing.erase(
        server.database, server.files.store, visit.caller, customer_id, why.reason, why.plan,
        visit.now, ledger=server.settings.backup_dir,
    )  # fmt: skip
    return visit.done(PAGE.path, "erasures.done")


def _asked(visit: Visit, form: Form[Whom], status: int) -> Response:
    query = select(ERASURE).where(ERASURE.c.org_id == visit.org_id)
    with visit.server.database.read() as connection:
        latest = connection.execute(query.order_by(ERASURE.c.erased_at.desc()).limit(_LATELY))
        return visit.show("erasures.html", status=status, form=form, erasures=latest.all())


def _previewed(visit: Visit, customer_id: str, form: Form[Why], status: int) -> Response:
    seen = erasing.preview(
        visit.server.database, visit.org_id, customer_id if is_id(customer_id) else ""
    )
    form.raw["plan"] = seen.plan  # whatever is shown now is what is confirmed next
    return visit.show("erasure.html", status=status, form=form, seen=seen)
