"""Users in and out: what the API, the command line and the console do alike, put on record (L7) in
the transaction that does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from shared.codec import check
from shared.declare import ENTITIES, Role
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.services import accounts, audit, leaving, scopes
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.console_sessions import end_all
from sync_server.services.last_administrator import keep_one_besides
from sync_server.services.writing import Unit, write

Who = Caller | audit.Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """`password` is its hash. A store manager belongs to a store."""

    username: str
    password: str
    name: str
    role: Role
    store_id: str | None = None


def add(db: Database, who: Who, user: NewUser, now: datetime) -> str:
    """Someone new: staff record, account, and what the role holds; returns the staff id. Refuses
    what `accounts.add_account` refuses, and a store that is not there."""
    staff_id = new_id()

    def work(unit: Unit) -> None:
        row = {"name": user.name, "role": user.role.value, "active": True}
        if user.store_id is not None:
            row["store_id"] = _store(unit, user.store_id)
        elif user.role is Role.STORE_MANAGER:
            raise Refusal(Code.FIELD_REQUIRED, field="store_id")
        unit.create("staff", {"id": staff_id, **check(ENTITIES["staff"], row, whole=True)})
        scopes.enrol(unit, staff_id)
        unit.flush()
        accounts.add_account(
            unit.connection,
            org_id=who.org_id,
            staff_id=staff_id,
            username=user.username,
            password_hash=user.password,
            now=now,
        )
        audit.note(unit, who, Action.USER_ADDED, subject=("staff", staff_id), role=user.role.value)

    write(db, who.org_id, now, work)
    return staff_id


def deactivate(
    db: Database, who: Who, staff_id: str, because: str, now: datetime, *, even_last: bool = False
) -> leaving.Left:
    """Ends someone's access, `ended` or for `security`; says what of theirs waits for somebody.
    Harmless twice. Refuses LAST_ADMINISTRATOR unless `even_last`."""
    # The account first, on record: from then on nothing new is begun, whatever happens to the rest.
    subject = ("staff", staff_id)
    with db.write() as connection:
        accounts.set_active(connection, who.org_id, staff_id, False, even_last=even_last)
        end_all(connection, who.org_id, staff_id)
        audit.note(
            connection, who, Action.USER_DEACTIVATED, now=now, subject=subject, because=because
        )

    def work(unit: Unit) -> leaving.Left:
        policy = accounts.policy_of(unit.connection, who.org_id, now)
        return leaving.deactivate(unit, staff_id, policy, because, who.staff_id)

    return write(db, who.org_id, now, work)


def reactivate(db: Database, who: Who, staff_id: str, now: datetime) -> None:
    """Lets someone in again with what their role holds; customers and cases are assigned anew.
    Harmless twice."""

    def work(unit: Unit) -> None:
        accounts.set_active(unit.connection, who.org_id, staff_id, True)
        scopes.reactivate(unit, staff_id)
        audit.note(unit, who, Action.USER_REACTIVATED, subject=("staff", staff_id))

    write(db, who.org_id, now, work)


def change_role(db: Database, who: Who, staff_id: str, role: Role, now: datetime) -> leaving.Left:
    """Gives someone another role: what they held by the old one ends, and what waits for somebody
    is said. Refuses LAST_ADMINISTRATOR, and a store manager without a store."""

    def work(unit: Unit) -> leaving.Left:
        staff = unit.get("staff", staff_id)
        if staff is None:
            raise Refusal(Code.RECORD_MISSING, entity="staff")
        if staff.row["role"] == Role.ADMINISTRATOR and role is not Role.ADMINISTRATOR:
            keep_one_besides(unit.connection, who.org_id, staff_id)
        if role is Role.STORE_MANAGER and not staff.row.get("store_id"):
            raise Refusal(Code.FIELD_REQUIRED, field="store_id")
        policy = accounts.policy_of(unit.connection, who.org_id, now)
        left = leaving.change_role(unit, staff_id, role, policy, who.staff_id)
        audit.note(unit, who, Action.ROLE_CHANGED, subject=("staff", staff_id), role=role.value)
        return left

    return write(db, who.org_id, now, work)


def transfer(
    db: Database,
    who: Who,
    staff_id: str,
    store_id: str,
    now: datetime,
    *,
    customers_to: str | None = None,
    take_along: bool = False,
) -> leaving.Left:
    """Moves someone to another store (`leaving.transfer`)."""

    def work(unit: Unit) -> leaving.Left:
        policy = accounts.policy_of(unit.connection, who.org_id, now)
        left = leaving.transfer(
            unit,
            staff_id,
            store_id,
            policy,
            customers_to=customers_to,
            take_along=take_along,
            by=who.staff_id,
        )
        audit.note(
            unit, who, Action.USER_TRANSFERRED, subject=("staff", staff_id),
            store=store_id, customers_to=customers_to, customers=left.customers_given,
        )  # fmt: skip
        return left

    return write(db, who.org_id, now, work)


def set_password(
    connection: Connection, who: Who, account: accounts.Account, password: str, now: datetime
) -> None:
    """A new password (its hash). Ends their sessions at the console; phones that are signed in stay
    so: block them to end that."""
    accounts.set_password(connection, account, password, now)
    end_all(connection, account.org_id, account.staff_id)
    subject = ("staff", account.staff_id)
    audit.note(connection, who, Action.PASSWORD_SET, now=now, subject=subject)


def _store(unit: Unit, store_id: str) -> str:
    if unit.get("store", store_id) is None:
        raise Refusal(Code.RECORD_MISSING, entity="store")
    return store_id
