"""Customers of one's store who are perhaps the same: two people met them (`services.doubles`)."""

from __future__ import annotations

from starlette.responses import Response

from shared.declare import Role
from sync_server.admin.page import Page, Visiting
from sync_server.services import doubles, look_listing
from sync_server.services.accounts import staff_names

PAGE = Page("doubles", group="work", roles=frozenset({Role.STORE_MANAGER}))
router = PAGE.router()


@router.get("")
def alike(visit: Visiting) -> Response:
    """The groups, with names of those customers whom the visitor holds."""
    with visit.server.database.read() as connection:
        groups = doubles.alike(connection, visit.caller)
        everyone = [row for group in groups for row in group]
        names = look_listing.names_held(
            connection, visit.caller, {row["id"] for row in everyone}, visit.now
        )
        people = {row[name] for row in everyone for name in ("owner_id", "created_by")}
        staff = staff_names(connection, visit.org_id, people)
    return visit.show("doubles.html", groups=groups, names=names, staff=staff, most=doubles.MOST)


__all__ = ["PAGE", "router"]
