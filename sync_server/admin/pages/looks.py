"""Looks: who opened, unmasked, dialled, shared or searched, for whoever reviews it (S4 #157)."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, Connection, and_, false, select
from starlette.responses import Response

from shared.clock import to_wire
from shared.entities.evidence import LOOKS
from shared.unusual import bounds
from sync_server.admin.listing import Column, Filter, Listing, Row, begins
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.db.looks import LOOK_LINK
from sync_server.db.records import RECORDS
from sync_server.services import audit, look_listing
from sync_server.services.audit import Action

PAGE = Page("looks", group="access", roles=WITH_MANAGERS)
router = PAGE.router()
_LOOK, _STAFF, _LINK = RECORDS["look"].c, RECORDS["staff"].c, LOOK_LINK.c


def _on_day(visit: Visit, word: str) -> ColumnElement[bool]:
    """A local day, ``2026-11-22``; anything else finds nothing."""
    try:
        begins_at, ends_at = bounds(date.fromisoformat(word), visit.words.zone)
    except (ValueError, OverflowError):
        return false()
    return and_(_LOOK.looked_at >= to_wire(begins_at), _LOOK.looked_at < to_wire(ends_at))


def _on_device(_visit: Visit, word: str) -> ColumnElement[bool]:
    of_device = select(_LINK.look_id).where(_LINK.org_id == _LOOK.org_id, _LINK.device_id == word)
    return _LOOK.id.in_(of_device)


def _dressed(connection: Connection, visit: Visit, rows: list[Row]) -> list[Row]:
    """With the device that each came from, and the names of customers that the visitor holds."""
    found = connection.execute(
        select(_LINK.look_id, _LINK.device_id).where(
            _LINK.org_id == visit.org_id, _LINK.look_id.in_([row["id"] for row in rows])
        )
    )
    devices = {row.look_id: row.device_id for row in found}
    ids = {row["customer_id"] for row in rows if row["customer_id"]}
    names = look_listing.names_held(connection, visit.caller, ids, visit.now)
    return [
        {**row, "device_id": devices.get(row["id"]), "customer": names.get(row["customer_id"])}
        for row in rows
    ]


SEEN = Listing(
    name="looks",
    source=select(
        _LOOK.id,
        _LOOK.looked_at,
        _LOOK.created_by.label("staff_id"),
        _STAFF.name.label("staff"),
        _LOOK.what,
        _LOOK.entity,
        _LOOK.customer_id,
        _LOOK.hits,
    ).join(RECORDS["staff"], and_(_STAFF.org_id == _LOOK.org_id, _STAFF.id == _LOOK.created_by)),
    org=_LOOK.org_id,
    key=_LOOK.id,
    columns=(
        Column("looked_at", sort=_LOOK.id),  # ids are made in the order of looking
        Column("staff"),
        Column("what"),
        Column("customer"),
        Column("device"),
    ),
    filters=(
        Filter("staff", lambda _visit, word: begins(_STAFF.name, word)),
        Filter("customer", lambda _visit, word: _LOOK.customer_id == word),
        Filter("what", lambda _visit, word: _LOOK.what == word, choices=LOOKS),
        Filter("day", _on_day),
        Filter("device", _on_device),
    ),
    scope=lambda visit: look_listing.reach(visit.caller),
    dress=_dressed,
    order="-looked_at",
)


@router.get("")
def looks(visit: Visiting) -> Response:
    """Every look within reach, the newest first. That someone lists them is on record as well."""
    with visit.server.database.read() as connection:
        found = SEEN.read(connection, visit)
    customer = visit.asked.get("customer") or None
    with visit.server.database.write() as connection:
        audit.note(connection, visit.caller, Action.LOOKS_LISTED, now=visit.now, customer=customer)
    return visit.show("looks.html", found=found)
