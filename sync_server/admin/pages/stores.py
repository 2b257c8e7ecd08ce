"""Stores: what a store manager is held to, and where staff and customers belong."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial

from sqlalchemy import ColumnElement, Connection, func, select
from starlette.responses import Response

from shared.declare import text
from shared.errors import Code, Refusal
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.listing import COUNTED, Column, Filter, Listing, Row, begins
from sync_server.admin.page import Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.db.records import RECORDS
from sync_server.services.stores import change_store, open_store

PAGE = Page("stores", group="people")
router = PAGE.router()
_STORE, _STAFF, _CUSTOMER = (RECORDS[name].c for name in ("store", "staff", "customer"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreForm:
    """As the entity `store` is declared."""

    name: str = text(80, required=True)
    region: str | None = text(80)
    address: str | None = text(200)


def _counted(connection: Connection, visit: Visit, rows: list[Row]) -> list[Row]:
    """How many people and customers belong to each, counted as far as anybody asks."""

    def count(column: ColumnElement[str], org: ColumnElement[str], store_id: str) -> int:
        some = select(column).where(org == visit.org_id, column == store_id).limit(COUNTED + 1)
        query = select(func.count()).select_from(some.subquery())
        return int(connection.execute(query).scalar_one())

    return [
        {
            **row,
            "staff": count(_STAFF.store_id, _STAFF.org_id, row["id"]),
            "customers": count(_CUSTOMER.store_id, _CUSTOMER.org_id, row["id"]),
        }
        for row in rows
    ]


STORES = Listing(
    name="stores",
    source=select(_STORE.id, _STORE.name, _STORE.region),
    org=_STORE.org_id,
    key=_STORE.id,
    columns=(
        Column("name", sort=_STORE.name),
        Column("region"),
        Column("staff"),
        Column("customers"),
    ),
    filters=(Filter("name", lambda _visit, word: begins(_STORE.name, word)),),
    order="name",
    dress=_counted,
)


@router.get("")
def stores(visit: Visiting) -> Response:
    """Every store."""
    with visit.server.database.read() as connection:
        found = STORES.read(connection, visit)
    return visit.show("stores.html", found=found, counted=COUNTED)


@router.get("/new")
def new(visit: Visiting) -> Response:
    """The form for a new one."""
    return _form(visit, None, filled(StoreForm), 200)


@router.post("/new")
def add(visit: Visiting) -> Response:
    """A new store."""

    def done(asked: StoreForm) -> Response:
        open_store(visit.server.database, visit.caller, asdict(asked), visit.now)
        return visit.done(PAGE.path, "stores.added", name=asked.name)

    return submit(visit, StoreForm, done, partial(_form, visit, None))


@router.get("/{store_id}")
def store(store_id: str, visit: Visiting) -> Response:
    """One store's words."""
    with visit.server.database.read() as connection:
        row = connection.execute(
            select(_STORE.name, _STORE.region, _STORE.address).where(
                _STORE.org_id == visit.org_id, _STORE.id == store_id
            )
        ).first()
    if row is None:
        raise Refusal(Code.RECORD_MISSING, entity="store")
    return _form(visit, store_id, filled(StoreForm, dict(row._mapping)), 200)


@router.post("/{store_id}")
def change(store_id: str, visit: Visiting) -> Response:
    """Other words for it."""

    def done(asked: StoreForm) -> Response:
        change_store(visit.server.database, visit.caller, store_id, asdict(asked), visit.now)
        return visit.done(PAGE.path, "stores.changed", name=asked.name)

    return submit(visit, StoreForm, done, partial(_form, visit, store_id))


def _form(visit: Visit, store_id: str | None, form: Form[StoreForm], status: int) -> Response:
    return visit.show("store.html", status=status, store_id=store_id, form=form)
