"""Assignments: whose customers are whose, and what a reassignment would do before it is done
(S3 #147, #148)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import ColumnElement, Connection, Select, func, select
from starlette.responses import Response

from shared.declare import Role, reference, text
from shared.errors import Code, Refusal
from shared.tiers import OTHER, industry_class, industry_classes
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.listing import Column, Filter, Listing, Offer, Row, begins
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.db.among import among
from sync_server.db.records import RECORDS
from sync_server.services import moves
from sync_server.services.accounts import policy_of, staff_names
from sync_server.services.look_listing import names_held
from sync_server.services.rehearsal import Rehearsal, rehearse

PAGE = Page("assignments", group="people", roles=WITH_MANAGERS)
router = PAGE.router()
_CUSTOMER, _STAFF, _STORE = (RECORDS[name].c for name in ("customer", "staff", "store"))
_HOLDERS = (Role.ACCOUNT_MANAGER.value, Role.STORE_MANAGER.value)
CHOSEN = "customer"
"""The field that each chosen customer's id comes in, as often as there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """`customers_of`: all that this person holds; else the customers that were chosen."""

    to: str = reference("staff", required=True)
    customers_of: str | None = reference("staff")
    reason: str | None = text(200)


def _dressed(connection: Connection, visit: Visit, rows: list[Row]) -> list[Row]:
    """Names of staff and stores; a customer's own for a visitor who holds them, and for nobody
    else (design §4)."""
    staff = staff_names(connection, visit.org_id, {row["owner_id"] for row in rows})
    query = select(_STORE.id, _STORE.name).where(_STORE.org_id == visit.org_id)
    stores = {row.id: row.name for row in connection.execute(query)}
    names = names_held(connection, visit.caller, [row["id"] for row in rows], visit.now)
    return [
        {
            **row,
            "owner": staff.get(row["owner_id"] or "", ""),
            "store": stores.get(row["store_id"] or "", ""),
            "name": names.get(row["id"], ""),
        }
        for row in rows
    ]


def _industries(connection: Connection, visit: Visit) -> Mapping[str, Offer]:
    """The policy's classes of industry (S4 #154), of which a store manager's own store is read
    through for the one that they choose. Nobody else learns of single customers what they trade in
    (S3 #149)."""
    if visit.caller.role is not Role.STORE_MANAGER:
        return {}
    policy = policy_of(connection, visit.org_id, visit.now)
    texts = (
        select(_CUSTOMER.industry)
        .where(_CUSTOMER.org_id == visit.org_id, visit.in_store(_CUSTOMER.store_id))
        .distinct()
    )

    def of(wanted: str | None) -> ColumnElement[bool]:
        if wanted is None:
            return func.coalesce(func.trim(_CUSTOMER.industry), "") == ""
        said = connection.scalars(texts).all()
        those = [text for text in said if industry_class(text, policy) == wanted]
        return among(connection, _CUSTOMER.industry, those)

    classes = {name: Offer(name, partial(of, name)) for name in industry_classes(policy)}
    return classes | {
        OTHER: Offer(visit.words("tiers.other_industry"), partial(of, OTHER)),
        "none": Offer(visit.words("tiers.no_industry"), partial(of, None)),
    }


ASSIGNMENTS = Listing(
    name="assignments",
    source=select(
        _CUSTOMER.id,
        _CUSTOMER.origin_ref,
        _CUSTOMER.owner_id,
        _CUSTOMER.store_id,
        _CUSTOMER.tier,
    ),
    org=_CUSTOMER.org_id,
    key=_CUSTOMER.id,
    columns=(
        Column("customer", sort=_CUSTOMER.id),
        Column("code"),
        Column("store"),
        Column("owner"),
        Column("tier"),
        Column("chosen"),
    ),
    filters=(
        Filter("code", lambda _visit, word: begins(_CUSTOMER.origin_ref, word)),
        Filter("id", lambda _visit, word: begins(_CUSTOMER.id, word.lower())),
        Filter(
            "owner", lambda visit, word: _CUSTOMER.owner_id.in_(_named(visit, word)), narrow=True
        ),
        Filter("held", lambda _visit, _word: _CUSTOMER.owner_id.is_(None), choices=("nobody",)),
        Filter("industry", offers=_industries),
    ),
    order="-customer",
    scope=lambda visit: visit.in_store(_CUSTOMER.store_id),
    dress=_dressed,
)


def _named(visit: Visit, word: str) -> Select[tuple[str]]:
    """Ids of staff whose name begins so."""
    return select(_STAFF.id).where(_STAFF.org_id == visit.org_id, begins(_STAFF.name, word))


@router.get("")
def assignments(visit: Visiting) -> Response:
    """Every customer by code and holder."""
    return _list(visit, filled(Move), 200)


def _list(visit: Visit, form: Form[Move], status: int) -> Response:
    with visit.server.database.read() as connection:
        found = ASSIGNMENTS.read(connection, visit, path=PAGE.path)
        holders = _people(connection, visit)
    chosen = frozenset(_chosen(visit))
    shown = {"found": found, "holders": holders, "form": form, "chosen": chosen}
    return visit.show("assignments.html", status=status, **shown)


def _people(connection: Connection, visit: Visit) -> list[tuple[str, str]]:
    """Who may hold customers: of the visitor's store, for a store manager."""
    query = (
        select(_STAFF.id, _STAFF.name, _STORE.name.label("store"))
        .join_from(
            RECORDS["staff"],
            RECORDS["store"],
            (_STORE.org_id == _STAFF.org_id) & (_STORE.id == _STAFF.store_id),
            isouter=True,
        )
        .where(_STAFF.org_id == visit.org_id, _STAFF.role.in_(_HOLDERS))
        .where(_STAFF.active.is_not(False), visit.in_store(_STAFF.store_id))
        .order_by(_STAFF.name)
        .limit(1000)
    )
    rows = connection.execute(query)
    return [(row.id, f"{row.name} · {row.store}" if row.store else row.name) for row in rows]


@router.post("/rehearse")
def dry_run(visit: Visiting) -> Response:
    """What the reassignment would do. Nothing is changed."""

    def shown(asked: Move) -> Response:
        ids = _customers(visit, asked)
        plan = rehearse(visit.server.database, visit.caller, ids, asked.to, visit.now)
        return _plan(visit, asked, plan)

    return submit(visit, Move, shown, lambda form, status: _list(visit, form, status), (CHOSEN,))


def _plan(visit: Visit, asked: Move, plan: Rehearsal) -> Response:
    names = {person.staff_id: person.name for person in plan.people}
    with visit.server.database.read() as connection:
        to = connection.execute(
            select(_STAFF.name).where(_STAFF.org_id == visit.org_id, _STAFF.id == asked.to)
        ).scalar_one()
    chosen = [] if asked.customers_of else list(_chosen(visit))
    shown = {"asked": asked, "plan": plan, "to": to, "names": names, "chosen": chosen}
    return visit.show("rehearsal.html", **shown)


@router.post("/move")
def move(visit: Visiting) -> Response:
    """The reassignment itself."""

    def done(asked: Move) -> Response:
        handed = moves.hand_over(
            visit.server.database,
            visit.caller,
            _customers(visit, asked),
            asked.to,
            asked.reason,
            visit.now,
        )
        return visit.done(
            PAGE.path, "assignments.moved", moved=handed.moved, already=handed.already
        )

    return submit(visit, Move, done, lambda form, status: _list(visit, form, status), (CHOSEN,))


def _customers(visit: Visit, asked: Move) -> Sequence[str]:
    """Ids of what is to be moved. Refuses FIELD_REQUIRED where nothing was chosen."""
    if asked.customers_of:
        query = select(_CUSTOMER.id).where(
            _CUSTOMER.org_id == visit.org_id, _CUSTOMER.owner_id == asked.customers_of
        )
        with visit.server.database.read() as connection:
            ids: Sequence[str] = connection.execute(query.limit(moves.MOST + 1)).scalars().all()
    else:
        ids = _chosen(visit)
    if not ids:
        raise Refusal(Code.FIELD_REQUIRED, field="customers_of")
    return ids


def _chosen(visit: Visit) -> list[str]:
    return [value for value in visit.form.getlist(CHOSEN) if isinstance(value, str)]
