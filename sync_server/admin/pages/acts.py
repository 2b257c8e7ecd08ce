"""The server's audit log: what was done to access and to data (L7). To be read, by nobody to be
written."""

from __future__ import annotations

import json

from sqlalchemy import Connection, and_, select
from starlette.responses import Response

from sync_server.admin.listing import Column, Filter, Listing, Row, begins
from sync_server.admin.page import Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.db.records import RECORDS
from sync_server.services import audit, audit_chain
from sync_server.services.audit import Action

PAGE = Page("acts", group="system")
router = PAGE.router()
_ENTRY, _STAFF = AUDIT_ENTRY.c, RECORDS["staff"].c
VIAS = ("api", "console", "command", "server")


def _dressed(_connection: Connection, _visit: Visit, rows: list[Row]) -> list[Row]:
    return [{**row, "details": json.loads(row["details"])} for row in rows]


ACTS = Listing(
    name="acts",
    source=select(
        _ENTRY.number,
        _ENTRY.at,
        _ENTRY.action,
        _ENTRY.result,
        _ENTRY.actor_id,
        _ENTRY.via,
        _ENTRY.address,
        _ENTRY.subject,
        _ENTRY.subject_id,
        _ENTRY.customer_id,
        _ENTRY.details,
        _STAFF.name.label("actor"),
    ).outerjoin(
        RECORDS["staff"], and_(_STAFF.org_id == _ENTRY.org_id, _STAFF.id == _ENTRY.actor_id)
    ),
    org=_ENTRY.org_id,
    key=_ENTRY.number,
    columns=(
        Column("at", sort=_ENTRY.number),  # entries are numbered in the order of their times
        Column("actor"),
        Column("action"),
        Column("subject"),
        Column("from"),
        Column("details"),
    ),
    filters=(
        Filter("actor", lambda _visit, word: begins(_STAFF.name, word)),
        Filter(
            "action",
            lambda _visit, word: _ENTRY.action == word,
            choices=tuple(action.value for action in Action),
        ),
        Filter("via", lambda _visit, word: _ENTRY.via == word, choices=VIAS),
        Filter("customer", lambda _visit, word: _ENTRY.customer_id == word),
    ),
    dress=_dressed,
    order="-at",
)


@router.get("")
def acts(visit: Visiting) -> Response:
    """Every entry, the newest first. That someone reads them is one as well."""
    with visit.server.database.read() as connection:
        found = ACTS.read(connection, visit)
    with visit.server.database.write() as connection:
        audit.note(connection, visit.caller, Action.AUDIT_LISTED, now=visit.now)
    return visit.show("acts.html", found=found)


@router.post("/verify")
def verify(visit: Visiting) -> Response:
    """Look at the whole chain, and say whether it holds."""
    with visit.server.database.read() as connection:  # long: nobody waits for it to write
        found = audit_chain.verify(connection, visit.org_id)
    with visit.server.database.write() as connection:
        audit.note(
            connection, visit.caller, Action.AUDIT_VERIFIED, now=visit.now,
            result="broken" if found.broken else "done", entries=found.entries,
        )  # fmt: skip
    return visit.show("acts_verified.html", verified=found)
