"""Changes that wait or were refused: a store manager decides about the ones that wait, an
administrator has the refused ones judged again (L1)."""

from __future__ import annotations

from sqlalchemy import Connection, select
from starlette.responses import Response

from shared.declare import ENTITIES, Role
from shared.masking import mask
from sync_server.admin.field_words import field_words
from sync_server.admin.listing import Column, Filter, Listing, Row
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.texts import Words
from sync_server.admin.visit import Visit
from sync_server.db.log import CHANGE_LOG
from sync_server.services import look_listing, quarantine
from sync_server.services.accounts import staff_names
from sync_server.services.retrying import retry

PAGE = Page("waiting", group="work", roles=WITH_MANAGERS)
router = PAGE.router()
_LOG = CHANGE_LOG.c
KINDS = ("quarantined", "rejected")


def _named(connection: Connection, visit: Visit, rows: list[Row]) -> list[Row]:
    names = staff_names(connection, visit.org_id, {row["staff_id"] for row in rows})
    return [{**row, "author": names.get(row["staff_id"], "")} for row in rows]


WAITING = Listing(
    name="waiting",
    source=select(
        _LOG.change_id,
        _LOG.verdict,
        _LOG.code,
        _LOG.entity,
        _LOG.record_id,
        _LOG.staff_id,
        _LOG.device_id,
        _LOG.written_at,
        _LOG.received_at,
    ),
    org=_LOG.org_id,
    key=_LOG.seq,
    columns=(
        Column("received_at", sort=_LOG.seq),
        Column("author"),
        Column("what"),
        Column("why"),
        Column("device"),
        Column("act"),
    ),
    filters=(Filter("verdict", lambda _visit, word: _LOG.verdict == word, choices=KINDS),),
    order="-received_at",
    scope=lambda visit: _LOG.verdict == _kind(visit),
    dress=_named,
)
"""For administrators: that something waits, whose, and why; not what was written."""


def _kind(visit: Visit) -> str:
    asked = visit.asked.get("verdict", KINDS[0])
    return asked if asked in KINDS else KINDS[0]


def _listed(words: Words, one: quarantine.Waiting) -> dict[str, str]:
    """What was written, as a list may show it: numbers and addresses masked, as on a phone."""
    fields = ENTITIES[one.entity].fields
    return {
        name: mask(field_words(words, fields[name], value), fields[name].personal)
        if name in fields
        else str(value)
        for name, value in one.fields.items()
        if not name.endswith("_id")
    }


@router.get("")
def waiting(visit: Visiting) -> Response:
    """What waits for the visitor."""
    database = visit.server.database
    if visit.caller.role is Role.STORE_MANAGER:
        held = quarantine.waiting_for(database, visit.caller, visit.now)
        with database.read() as connection:
            ids = {one.customer_id for one in held}
            names = look_listing.names_held(connection, visit.caller, ids, visit.now)
            rows = [
                {
                    "staff_id": one.staff_id,
                    "change": one,
                    "customer": names.get(one.customer_id, ""),
                    "fields": _listed(visit.words, one),
                }
                for one in held
            ]
            named = _named(connection, visit, rows)
        return visit.show("waiting_manager.html", rows=named)
    with database.read() as connection:
        found = WAITING.read(connection, visit)
    return visit.show("waiting.html", found=found, kind=_kind(visit))


@router.post("/{change_id}/release")
def release(change_id: str, visit: Visiting) -> Response:
    """Apply it, as its author wrote it."""
    quarantine.release(visit.server.database, visit.caller, [change_id], visit.now)
    return visit.done(PAGE.path, "waiting.released")


@router.post("/{change_id}/refuse")
def refuse(change_id: str, visit: Visiting) -> Response:
    """Leave it unapplied. It stays on record."""
    quarantine.refuse(visit.server.database, visit.caller, [change_id], visit.now)
    return visit.done(PAGE.path, "waiting.refused")


@router.post("/{change_id}/retry")
def judge_again(change_id: str, visit: Visiting) -> Response:
    """Judge it once more; nothing is applied twice."""
    done = retry(visit.server.database, visit.caller, [change_id], visit.now)
    back = f"{PAGE.path}?verdict=rejected"
    verdict = done[change_id]
    if verdict in KINDS:  # not applied: refused again, or waiting from now on
        return visit.done(back, f"waiting.still_{verdict}", tone="warn")
    return visit.done(back, "waiting.retried")
