"""Accounts: who may sign in. Roles and names stand in the staff records, passwords nowhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, insert, select, update

from shared.clock import from_wire, to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.policy import PolicySettings, policy_at
from shared.wire import StaffCard
from sync_server.db.accounts import ACCOUNT
from sync_server.db.among import among
from sync_server.db.news import note_standing
from sync_server.db.records import RECORDS
from sync_server.services.last_administrator import keep_one_besides

LONGEST_USERNAME = 80
_STAFF = RECORDS["staff"]
_ORGANISATION = RECORDS["organisation"]
_POLICY = RECORDS["policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account and the member of staff behind it."""

    org_id: str
    staff_id: str
    username: str
    password: str  # its hash
    password_at: str
    active: bool
    name: str
    role: Role
    store_id: str | None


def spelled(username: str) -> str:
    """The one form of a user name: no case, no full-width letters, no blanks around."""
    # Cut first, far above the limit: a megabyte would take its time, and is nobody's name.
    return unicodedata.normalize("NFKC", username[: 4 * LONGEST_USERNAME]).strip().casefold()


def add_account(
    connection: Connection,
    *,
    org_id: str,
    staff_id: str,
    username: str,
    password_hash: str,
    now: datetime,
) -> None:
    """A new account for a member of staff. Refuses a name that is taken (RECORD_EXISTS, also
    when the member of staff has an account already), unusable (FIELD_INVALID), or without a
    staff record."""
    name = spelled(username)
    if not 1 <= len(name) <= LONGEST_USERNAME or not name.isprintable():
        raise Refusal(Code.FIELD_INVALID, field="username", wanted="1 to 80 printable characters")
    staff = select(_STAFF.c.id).where(_STAFF.c.org_id == org_id, _STAFF.c.id == staff_id)
    if connection.execute(staff).first() is None:
        raise Refusal(Code.RECORD_MISSING, entity="staff")
    taken = select(ACCOUNT.c.staff_id).where(
        (ACCOUNT.c.username == name)
        | ((ACCOUNT.c.org_id == org_id) & (ACCOUNT.c.staff_id == staff_id))
    )
    if connection.execute(taken).first() is not None:
        raise Refusal(Code.RECORD_EXISTS, entity="account")
    connection.execute(
        insert(ACCOUNT).values(
            org_id=org_id,
            staff_id=staff_id,
            username=name,
            password=password_hash,
            active=True,
            created_at=to_wire(now),
            password_at=to_wire(now),
        )
    )


def by_username(connection: Connection, username: str) -> Account | None:
    """The account of a user name, in whatever organisation."""
    return _one(connection, _accounts().where(ACCOUNT.c.username == spelled(username)))


def by_staff(connection: Connection, org_id: str, staff_id: str) -> Account | None:
    """The account of a member of staff."""
    mine = _accounts().where(ACCOUNT.c.org_id == org_id, ACCOUNT.c.staff_id == staff_id)
    return _one(connection, mine)


def all_accounts(connection: Connection, org_id: str | None = None) -> list[Account]:
    """Every account (of one organisation), by user name."""
    query = _accounts().order_by(ACCOUNT.c.username)
    if org_id is not None:
        query = query.where(ACCOUNT.c.org_id == org_id)
    return [_account(row) for row in connection.execute(query)]


def known(connection: Connection, username: str) -> Account:
    """The account of a user name; refuses RECORD_MISSING."""
    account = by_username(connection, username)
    if account is None:
        raise Refusal(Code.RECORD_MISSING, entity="account")
    return account


def known_staff(connection: Connection, org_id: str, staff_id: str) -> Account:
    """The account of a member of staff; refuses RECORD_MISSING."""
    account = by_staff(connection, org_id, staff_id)
    if account is None:
        raise Refusal(Code.RECORD_MISSING, entity="account")
    return account


def staff_names(
    connection: Connection, org_id: str, staff_ids: Collection[str | None]
) -> dict[str, str]:
    """What these members of staff are called, by id; None is nobody."""
    ids = sorted(one for one in staff_ids if one)
    query = select(_STAFF.c.id, _STAFF.c.name).where(
        _STAFF.c.org_id == org_id, among(connection, _STAFF.c.id, ids)
    )
    return {row.id: row.name for row in connection.execute(query)}


def set_password(
    connection: Connection, account: Account, password_hash: str, now: datetime
) -> None:
    """Replace a password. Devices that are signed in stay so: block them to end that."""
    connection.execute(
        update(ACCOUNT)
        .where(ACCOUNT.c.org_id == account.org_id, ACCOUNT.c.staff_id == account.staff_id)
        .values(password=password_hash, password_at=to_wire(now))
    )


def set_active(
    connection: Connection, org_id: str, staff_id: str, active: bool, *, even_last: bool = False
) -> None:
    """Let someone sign in, or no more. Harmless twice. Refuses RECORD_MISSING, and
    LAST_ADMINISTRATOR unless `even_last`.

    Their phones may still bring what they hold and are told to drop the rest (L1, L4).
    """
    if not active and not even_last:
        keep_one_besides(connection, org_id, staff_id)
    changed = connection.execute(
        update(ACCOUNT)
        .where(ACCOUNT.c.org_id == org_id, ACCOUNT.c.staff_id == staff_id)
        .values(active=active)
    )
    if not changed.rowcount:
        raise Refusal(Code.RECORD_MISSING, entity="account")
    note_standing(connection, org_id, staff_id)


def staff_card(connection: Connection, account: Account) -> StaffCard:
    """Who signed in, as their phone shows it."""
    company = connection.execute(
        select(_ORGANISATION.c.id, _ORGANISATION.c.name, _ORGANISATION.c.timezone).where(
            _ORGANISATION.c.org_id == account.org_id
        )
    ).first()
    card = StaffCard(
        id=account.staff_id,
        name=account.name,
        role=account.role,
        store_id=account.store_id,
        organisation_id=account.org_id,
    )
    if company is None:
        return card
    return replace(card, organisation=company.name, timezone=company.timezone)


def policy_of(connection: Connection, org_id: str, now: datetime) -> PolicySettings:
    """The policy that holds in an organisation at `now`."""
    return policy_at(policy_versions(connection, org_id), now)


def policy_versions(
    connection: Connection, org_id: str
) -> list[tuple[datetime, Mapping[str, Any]]]:
    """Every version of an organisation's policy, and from when it holds."""
    stored = connection.execute(
        select(_POLICY.c.holds_from, _POLICY.c.settings).where(_POLICY.c.org_id == org_id)
    )
    return [(from_wire(row.holds_from), row.settings) for row in stored]


def policies_of(
    connection: Connection, org_id: str
) -> list[tuple[int, datetime, Mapping[str, Any]]]:
    """Every version with its number, as `Policies` takes them; by number."""
    stored = connection.execute(
        select(_POLICY.c.version, _POLICY.c.holds_from, _POLICY.c.settings)
        .where(_POLICY.c.org_id == org_id)
        .order_by(_POLICY.c.version)
    )
    return [(row.version, from_wire(row.holds_from), row.settings) for row in stored]


def count_accounts(connection: Connection) -> int:
    """How many accounts there are, for `doctor` and the first start."""
    return int(connection.execute(select(func.count()).select_from(ACCOUNT)).scalar_one())


def _accounts() -> Select[Any]:
    return select(
        ACCOUNT.c.org_id,
        ACCOUNT.c.staff_id,
        ACCOUNT.c.username,
        ACCOUNT.c.password,
        ACCOUNT.c.password_at,
        ACCOUNT.c.active,
        _STAFF.c.name,
        _STAFF.c.role,
        _STAFF.c.store_id,
    ).join(_STAFF, and_(_STAFF.c.org_id == ACCOUNT.c.org_id, _STAFF.c.id == ACCOUNT.c.staff_id))


def _one(connection: Connection, query: Select[Any]) -> Account | None:
    row = connection.execute(query).first()
    return None if row is None else _account(row)


def _account(row: Row[Any]) -> Account:
    return Account(**{**row._mapping, "role": Role(row.role)})
