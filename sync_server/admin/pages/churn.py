"""Who may leave: plans to keep customers with what came of them, and what chances were learned from
(S1 #47, #48, #65)."""

from __future__ import annotations

from sqlalchemy import Connection, select
from starlette.responses import RedirectResponse, Response

from shared.clock import to_wire
from shared.declare import Role
from shared.entities.churn import OUTCOMES
from shared.states import PLAN_STATES
from sync_server.admin.listing import Column, Filter, Listing, Row
from sync_server.admin.page import Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.db.records import RECORDS
from sync_server.services import churn_queue, churn_scoring, look_listing
from sync_server.services.accounts import staff_names
from sync_server.services.tier_queue import in_store

PAGE = Page("churn", group="work", roles=frozenset({Role.STORE_MANAGER}))
router = PAGE.router()
_PLAN, _SCORE, _CUSTOMER = (
    RECORDS[name].c for name in ("retention_plan", "churn_score", "customer")
)


def _dressed(connection: Connection, visit: Visit, rows: list[Row]) -> list[Row]:
    ids = {row["customer_id"] for row in rows}
    names = look_listing.names_held(connection, visit.caller, ids, visit.now)
    owners = {row["owner_id"] for row in rows if row["owner_id"]}
    staff = staff_names(connection, visit.org_id, owners)
    now = to_wire(visit.now)
    return [
        {
            **row,
            "name": names.get(row["customer_id"], ""),
            "owner": staff.get(row["owner_id"], ""),
            "why": [visit.words.choice("sign", sign) for sign in row["signs"] or ()],
            "late": row["state"] in ("proposed", "open") and row["due_at"] < now,
        }
        for row in rows
    ]


PLANS = Listing(
    name="churn",
    source=select(
        _PLAN.id, _PLAN.customer_id, _PLAN.state, _PLAN.signs, _PLAN.cause, _PLAN.owner_id,
        _PLAN.due_at, _PLAN.outcome, _SCORE.return_percent, _CUSTOMER.origin_ref,
    ).select_from(churn_queue.JOINED),
    org=_PLAN.org_id,
    key=_PLAN.id,
    columns=(
        Column("customer"),
        Column("why"),
        Column("chance"),
        Column("cause"),
        Column("owner"),
        Column("due_at", sort=_PLAN.due_at),
        Column("state"),
    ),
    filters=(
        Filter("state", lambda _visit, word: _PLAN.state == word, choices=PLAN_STATES),
        Filter("outcome", lambda _visit, word: _PLAN.outcome == word, choices=OUTCOMES),
    ),
    order="due_at",
    scope=lambda visit: in_store(visit.caller),
    dress=_dressed,
)  # fmt: skip


@router.get("")
def churn(visit: Visiting) -> Response:
    """The plans; open ones, unless asked for others."""
    if "state" not in visit.asked:
        return RedirectResponse(f"{PAGE.path}?state=open", 303)
    with visit.server.database.read() as connection:
        return visit.show(
            "churn.html",
            found=PLANS.read(connection, visit),
            counts=churn_queue.counts(connection, visit.caller),
            warned=churn_queue.warned(connection, visit.caller),
            learned=churn_scoring.learned_of(connection, visit.org_id),
            wire=to_wire,
        )


@router.post("/score")
def score(visit: Visiting) -> Response:
    """Has the rules look at whoever moved, now."""
    done = churn_scoring.score(visit.server.database, visit.org_id, visit.now)
    there = f"{PAGE.path}?state=proposed"
    return visit.done(there, "churn.looked", looked=done.looked, proposed=done.proposed)


__all__ = ["PAGE", "router"]
