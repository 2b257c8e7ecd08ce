"""The first page: what needs someone."""

from __future__ import annotations

from starlette.responses import Response

from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.visit import HOME
from sync_server.services.attention import attention

PAGE = Page("overview", group="now", roles=WITH_MANAGERS, path=HOME)
router = PAGE.router()


@router.get("")
def overview(visit: Visiting) -> Response:
    """What waits for a decision, and whether all is well."""
    with visit.server.database.read() as connection:
        waiting = attention(connection, visit.caller, visit.now)
    return visit.show("overview.html", waiting=waiting)
