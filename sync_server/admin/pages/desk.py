"""The desk: open cases on their clocks, VIPs first, with what is late and to whom it has gone (S2
#86, #120; S4 #167, #168)."""

from __future__ import annotations

from starlette.responses import Response

from shared.declare import Role
from shared.flows import CASE_KINDS, NODES
from sync_server.admin.charts import Bar, bars
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.services.accounts import staff_names
from sync_server.services.desk_queue import queue

PAGE = Page("desk", group="now", roles=WITH_MANAGERS)
router = PAGE.router()
SHOWN = 100
SHOW = ("late", "escalated")


@router.get("")
def desk(visit: Visiting) -> Response:
    """A store manager's own store; all stores for an administrator. No customer is named."""
    kind, show = visit.asked.get("kind", ""), visit.asked.get("show", "")
    store = visit.caller.store_id or "" if visit.caller.role is Role.STORE_MANAGER else None
    with visit.server.database.read() as connection:
        found = queue(connection, visit.org_id, store, visit.now, visit.words.zone)
        rows = [
            one
            for one in found.waiting
            if (kind not in CASE_KINDS or one.kind == kind)
            and (show != "late" or one.late)
            and (show != "escalated" or one.clocks.escalated_to)
        ]
        people = {one.assignee_id for one in rows[:SHOWN] if one.assignee_id}
        names = staff_names(connection, visit.org_id, people)
    counted = [Bar(visit.words.choice("node", name), found.by_node[name]) for name in NODES]
    return visit.show(
        "desk.html",
        found=found,
        rows=rows[:SHOWN],
        total=len(rows),
        names=names,
        chart=bars(visit.words("desk.by_node"), counted),
        kinds=CASE_KINDS,
        kind=kind,
        show=show,
    )


__all__ = ["PAGE", "router"]
