"""Customers' entrances: each store's public address, to be printed and hung up (S4 #177)."""

from __future__ import annotations

from markupsafe import Markup
from sqlalchemy import select
from starlette.responses import Response

from sync_server.admin.links import public_link
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.db.records import RECORDS
from sync_server.services import entrances
from sync_server.services.qr import as_svg

PAGE = Page("entrances", group="work", roles=WITH_MANAGERS)
router = PAGE.router()
_STORE = RECORDS["store"].c


@router.get("")
def shown(visit: Visiting) -> Response:
    """Every store that is the visitor's, with its address and a picture of it where it is open."""
    query = (
        select(_STORE.id, _STORE.name)
        .where(_STORE.org_id == visit.org_id, visit.in_store(_STORE.id))
        .order_by(_STORE.name, _STORE.id)
    )
    with visit.server.database.read() as connection:
        stores = connection.execute(query).all()
        tokens = entrances.tokens(connection, visit.org_id)
    links = {
        one.id: public_link(visit, f"/c/{tokens[one.id]}") for one in stores if one.id in tokens
    }
    pictures = {store_id: Markup(as_svg(link)) for store_id, link in links.items()}
    return visit.show("entrances.html", stores=stores, links=links, pictures=pictures)


@router.post("/{store_id}/open")
def opened(store_id: str, visit: Visiting) -> Response:
    """A new address; one that hangs somewhere already leads nowhere then."""
    entrances.open_entrance(visit.server.database, visit.caller, store_id, visit.now)
    return visit.done(PAGE.path, "entrances.opened")


@router.post("/{store_id}/close")
def closed(store_id: str, visit: Visiting) -> Response:
    """Nobody writes there any more."""
    entrances.close_entrance(visit.server.database, visit.caller, store_id, visit.now)
    return visit.done(PAGE.path, "entrances.closed")


__all__ = ["PAGE", "router"]
