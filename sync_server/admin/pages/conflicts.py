"""Conflicts: two values for one field. A store manager who holds the customer opens one, which is a
look on record (L7), and takes one of them; administrators see that they are there."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, exists, select, true
from starlette.responses import Response

from shared.declare import ENTITIES, Role
from shared.errors import Code, Refusal
from shared.masking import MASKED
from sync_server.admin.field_words import field_words
from sync_server.admin.listing import Column, Filter, Listing, Row
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.db.records import RECORDS, to_row
from sync_server.services.accounts import staff_names
from sync_server.services.conflicts import decide
from sync_server.services.look_listing import names_held
from sync_server.services.look_writing import put_on_record

PAGE = Page("conflicts", group="work", roles=WITH_MANAGERS)
router = PAGE.router()
_CONFLICT, _CUSTOMER = RECORDS["conflict"].c, RECORDS["customer"].c
STATES = ("open", "decided")
SIDES = ("kept", "other")


def _dressed(connection: Connection, visit: Visit, rows: list[Row]) -> list[Row]:
    """Names of staff, and of customers whom the visitor holds and whose conflicts they may open."""
    ids = {row[name] for row in rows for name in ("kept_by", "other_by")}
    names = staff_names(connection, visit.org_id, ids)
    held = names_held(connection, visit.caller, {row["customer_id"] for row in rows}, visit.now)
    return [
        {
            **row,
            "kept_name": names.get(row["kept_by"] or "", ""),
            "other_name": names.get(row["other_by"] or "", ""),
            "customer": held.get(row["customer_id"], ""),
            "held": row["customer_id"] in held,
        }
        for row in rows
    ]


CONFLICTS = Listing(
    name="conflicts",
    source=select(
        _CONFLICT.id,
        _CONFLICT.customer_id,
        _CONFLICT.entity,
        _CONFLICT.record_id,
        _CONFLICT.field,
        _CONFLICT.kept_by,
        _CONFLICT.kept_at,
        _CONFLICT.other_by,
        _CONFLICT.other_at,
        _CONFLICT.late,
        _CONFLICT.found_at,
        _CONFLICT.resolution,
    ),
    org=_CONFLICT.org_id,
    key=_CONFLICT.id,
    columns=(
        Column("found_at", sort=_CONFLICT.found_at),
        Column("what"),
        Column("kept"),
        Column("other"),
        Column("act"),
    ),
    filters=(
        Filter(
            "conflict_state",
            lambda _visit, word: (
                _CONFLICT.resolution.is_(None)
                if word == "open"
                else _CONFLICT.resolution.is_not(None)
            ),
            choices=STATES,
        ),
    ),
    order="-found_at",
    scope=lambda visit: _of_store(visit),
    dress=_dressed,
)


def _of_store(visit: Visit) -> ColumnElement[bool]:
    """About a customer of the store manager's own; any, for an administrator."""
    if visit.caller.role is Role.ADMINISTRATOR:
        return true()
    return exists().where(
        _CUSTOMER.org_id == visit.org_id,
        _CUSTOMER.id == _CONFLICT.customer_id,
        visit.in_store(_CUSTOMER.store_id),
    )


@router.get("")
def conflicts(visit: Visiting) -> Response:
    """Conflicts about the visitor's customers, or about anybody's."""
    with visit.server.database.read() as connection:
        found = CONFLICTS.read(connection, visit)
    return visit.show("conflicts.html", found=found)


@router.get("/{conflict_id}")
def conflict(conflict_id: str, visit: Visiting) -> Response:
    """Both values whole: of a number or an address that is an unmasking, as on a phone."""
    query = select(RECORDS["conflict"]).where(
        _CONFLICT.org_id == visit.org_id, _CONFLICT.id == conflict_id
    )
    with visit.server.database.read() as connection:
        found = connection.execute(query).first()
        ids = {found.customer_id} if found is not None else set[str]()
        held = names_held(connection, visit.caller, ids, visit.now)
        if found is None or not held:
            raise Refusal(Code.RECORD_MISSING, entity="conflict")
        row: Row = dict.fromkeys(ENTITIES["conflict"].fields) | to_row("conflict", found)
        staff = staff_names(connection, visit.org_id, {row["kept_by"], row["other_by"]})
    field = ENTITIES[row["entity"]].fields[row["field"]]
    put_on_record(
        visit.server.database, visit.caller, row["customer_id"], (row["entity"], row["record_id"]),
        visit.now, what="unmasked" if field.personal in MASKED else "opened",
    )  # fmt: skip
    sides = {side: field_words(visit.words, field, row[f"{side}_value"]) for side in SIDES}
    (customer,) = held.values()
    return visit.show("conflict.html", row=row, staff=staff, sides=sides, customer=customer)


@router.post("/{conflict_id}/{resolution}")
def take(conflict_id: str, resolution: str, visit: Visiting) -> Response:
    """Take the value that stands (`kept`) or the other one."""
    decide(visit.server.database, visit.caller, conflict_id, resolution, visit.now)
    return visit.done(PAGE.path, "conflicts.decided")
