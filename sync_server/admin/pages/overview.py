"""The first page: what needs someone."""

from __future__ import annotations

from dataclasses import asdict

from starlette.responses import Response

from shared.declare import Role
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.visit import HOME
from sync_server.services.attention import attention
from sync_server.services.lag import lag

_LINKS = {
    "pending_devices": f"{HOME}/devices?device_state=pending",
    "quarantined": f"{HOME}/waiting",
    "conflicts": f"{HOME}/conflicts?conflict_state=open",
    "silent": f"{HOME}/devices?sort=heard_at",
    "stuck": f"{HOME}/devices?holds=unsent",
    "numbers_behind": f"{HOME}/health",
    "recent_alarms": f"{HOME}/alarms",
    "overdue_reviews": f"{HOME}/reviews",
    "overdue_trainings": f"{HOME}/trainings",
    "missing_staff": f"{HOME}/vips",
}
"""Where each figure leads."""

PAGE = Page("overview", group="now", roles=WITH_MANAGERS, path=HOME)
router = PAGE.router()


@router.get("")
def overview(visit: Visiting) -> Response:
    """What waits for a decision, and whether all is well."""
    with visit.server.database.read() as connection:
        waiting = attention(connection, visit.caller, visit.now, visit.today)
        figures = asdict(waiting)
        if visit.caller.role is Role.ADMINISTRATOR:
            seen = lag(connection, visit.org_id, visit.now)
            figures |= {"silent": seen.silent, "stuck": seen.stuck}
    return visit.show("overview.html", waiting=figures, links=_LINKS)
