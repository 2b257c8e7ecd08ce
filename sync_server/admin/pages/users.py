"""Users: who may sign in, as what, and where; and what becomes of their work when they leave."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, and_, select
from starlette.responses import Response

from shared.declare import Role, boolean, choice, reference, text
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.listing import Column, Filter, Listing, Row, begins
from sync_server.admin.page import Page, Visiting
from sync_server.admin.visit import Undo, Visit
from sync_server.db.accounts import ACCOUNT, DEVICE
from sync_server.db.records import RECORDS
from sync_server.services import accounts, leaving, users
from sync_server.services.accounts import LONGEST_USERNAME
from sync_server.services.passwords import LONGEST_PASSWORD

PAGE = Page("users", group="people")
router = PAGE.router()
_STAFF, _STORE = RECORDS["staff"].c, RECORDS["store"].c
_ROLES = tuple(role.value for role in Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddUser:
    """Someone new."""

    username: str = text(LONGEST_USERNAME, required=True)
    name: str = text(80, required=True)
    role: str = choice(*_ROLES, required=True)
    store_id: str | None = reference("store")
    password: str = text(LONGEST_PASSWORD, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRole:
    role: str = choice(*_ROLES, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStore:
    """To another store; an account manager's customers go along, to a colleague, or wait."""

    store_id: str = reference("store", required=True)
    customers_to: str | None = reference("staff")
    take_along: bool = boolean()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPassword:
    password: str = text(LONGEST_PASSWORD, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """`security`: not trusted any more; what their phones still bring waits for a manager."""

    because: str = choice("ended", "security", required=True)


def _stores(connection: Connection, visit: Visit) -> list[tuple[str, str]]:
    query = select(_STORE.id, _STORE.name).where(_STORE.org_id == visit.org_id)
    return [(row.id, row.name) for row in connection.execute(query.order_by(_STORE.name))]


def _named_stores(connection: Connection, visit: Visit, rows: list[Row]) -> list[Row]:
    names = dict(_stores(connection, visit))
    return [{**row, "store": names.get(row["store_id"], "")} for row in rows]


USERS = Listing(
    name="users",
    source=select(
        ACCOUNT.c.staff_id,
        ACCOUNT.c.username,
        ACCOUNT.c.active,
        ACCOUNT.c.created_at,
        _STAFF.name,
        _STAFF.role,
        _STAFF.store_id,
    ).join(
        RECORDS["staff"],
        and_(_STAFF.org_id == ACCOUNT.c.org_id, _STAFF.id == ACCOUNT.c.staff_id),
    ),
    org=ACCOUNT.c.org_id,
    key=ACCOUNT.c.staff_id,
    columns=(
        Column("username", sort=ACCOUNT.c.username),
        Column("name"),
        Column("role"),
        Column("store"),
        Column("state"),
        Column("created_at", sort=ACCOUNT.c.created_at),
    ),
    filters=(
        Filter("begins", lambda _visit, word: begins(ACCOUNT.c.username, accounts.spelled(word))),
        Filter("name", lambda _visit, word: begins(_STAFF.name, word)),
        Filter("role", lambda _visit, word: _STAFF.role == word, choices=_ROLES),
        Filter(
            "account",
            lambda _visit, word: ACCOUNT.c.active.is_(word == "active"),
            choices=("active", "inactive"),
        ),
    ),
    order="username",
    dress=_named_stores,
)


@router.get("")
def users_list(visit: Visiting) -> Response:
    """Everyone who has an account."""
    with visit.server.database.read() as connection:
        found = USERS.read(connection, visit)
    return visit.show("users.html", found=found)


@router.get("/new")
def new(visit: Visiting) -> Response:
    """The form for somebody new."""
    return _new_form(visit, filled(AddUser), 200)


@router.post("/new")
def add(visit: Visiting) -> Response:
    """Somebody new."""
    return submit(visit, AddUser, partial(_added, visit), partial(_new_form, visit))


def _new_form(visit: Visit, form: Form[AddUser], status: int) -> Response:
    with visit.server.database.read() as connection:
        stores = _stores(connection, visit)
    return visit.show("user_new.html", status=status, form=form, stores=stores)


def _added(visit: Visit, asked: AddUser) -> Response:
    server = visit.server
    user = users.NewUser(
        username=asked.username,
        password=server.hashes.chosen(asked.password, asked.username, asked.name),
        name=asked.name,
        role=Role(asked.role),
        store_id=asked.store_id,
    )
    staff_id = users.add(server.database, visit.caller, user, visit.now)
    return visit.done(f"{PAGE.path}/{staff_id}", "users.added", name=asked.name)


@router.get("/{staff_id}")
def user(staff_id: str, visit: Visiting) -> Response:
    """One person: what they are, and what can be done about it."""
    return _shown(visit, staff_id)


def _shown(visit: Visit, staff_id: str, status: int = 200, **forms: Form[Any]) -> Response:
    with visit.server.database.read() as connection:
        account = accounts.known_staff(connection, visit.org_id, staff_id)
        stores = _stores(connection, visit)
        colleagues = connection.execute(
            select(_STAFF.id, _STAFF.name)
            .where(_STAFF.org_id == visit.org_id, _STAFF.store_id == account.store_id)
            .where(_STAFF.role == account.role.value, _STAFF.id != staff_id)
            .where(_STAFF.active.is_not(False))
            .order_by(_STAFF.name)
            .limit(200)
        ).all()
        devices = connection.execute(
            select(DEVICE)
            .where(DEVICE.c.org_id == visit.org_id, DEVICE.c.staff_id == staff_id)
            .order_by(DEVICE.c.enrolled_at.desc())
        ).all()
    begun = {
        "role": filled(ChangeRole, {"role": account.role.value}),
        "store": filled(ChangeStore, {"store_id": account.store_id}),
        "password": filled(NewPassword),
        "leave": filled(Leave, {"because": "ended"}),
    }
    return visit.show(
        "user.html",
        status=status,
        user=account,
        stores=stores,
        colleagues=[(row.id, row.name) for row in colleagues],
        devices=devices,
        forms={**begun, **forms},
    )


@router.post("/{staff_id}/role")
def change_role(staff_id: str, visit: Visiting) -> Response:
    """Another role."""

    def done(asked: ChangeRole) -> Response:
        database, role = visit.server.database, Role(asked.role)
        with database.read() as connection:
            before = accounts.known_staff(connection, visit.org_id, staff_id)
        left = users.change_role(database, visit.caller, staff_id, role, visit.now)
        undo = Undo(path=f"{PAGE.path}/{staff_id}/role", fields={"role": before.role.value})
        return _left(visit, staff_id, "users.role_changed", left, undo)

    return submit(visit, ChangeRole, done, lambda f, s: _shown(visit, staff_id, s, role=f))


@router.post("/{staff_id}/store")
def change_store(staff_id: str, visit: Visiting) -> Response:
    """Another store."""

    def done(asked: ChangeStore) -> Response:
        left = users.transfer(
            visit.server.database,
            visit.caller,
            staff_id,
            asked.store_id,
            visit.now,
            customers_to=asked.customers_to,
            take_along=asked.take_along,
        )
        return _left(visit, staff_id, "users.transferred", left)

    return submit(visit, ChangeStore, done, lambda f, s: _shown(visit, staff_id, s, store=f))


@router.post("/{staff_id}/password")
def new_password(staff_id: str, visit: Visiting) -> Response:
    """A new password, told to its owner by whoever set it."""

    def done(asked: NewPassword) -> Response:
        with visit.server.database.read() as connection:
            account = accounts.known_staff(connection, visit.org_id, staff_id)
        hashed = visit.server.hashes.chosen(asked.password, account.username, account.name)
        with visit.server.database.write() as connection:
            users.set_password(connection, visit.caller, account, hashed, visit.now)
        return visit.done(f"{PAGE.path}/{staff_id}", "users.password_set", name=account.name)

    return submit(visit, NewPassword, done, lambda f, s: _shown(visit, staff_id, s, password=f))


@router.post("/{staff_id}/deactivate")
def deactivate(staff_id: str, visit: Visiting) -> Response:
    """End someone's access, and say what is left of their work."""

    def done(asked: Leave) -> Response:
        database = visit.server.database
        left = users.deactivate(database, visit.caller, staff_id, asked.because, visit.now)
        undo = Undo(path=f"{PAGE.path}/{staff_id}/reactivate")
        return _left(visit, staff_id, "users.deactivated", left, undo)

    return submit(visit, Leave, done, lambda f, s: _shown(visit, staff_id, s, leave=f))


@router.post("/{staff_id}/reactivate")
def reactivate(staff_id: str, visit: Visiting) -> Response:
    """Let someone in again."""
    users.reactivate(visit.server.database, visit.caller, staff_id, visit.now)
    return visit.done(f"{PAGE.path}/{staff_id}", "users.reactivated")


def _left(
    visit: Visit, staff_id: str, said: str, left: leaving.Left, undo: Undo | None = None
) -> Response:
    """Says what waits for somebody. Taking it back gives nobody their customers back."""
    return visit.done(
        f"{PAGE.path}/{staff_id}",
        said,
        undo,
        customers=left.customers_unassigned,
        cases=left.cases_unassigned,
        callbacks=left.callbacks_unassigned,
        given=left.callbacks_given + left.customers_given,
    )
