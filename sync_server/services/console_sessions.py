"""Signed in to the console: a random cookie, of which the database knows the hash alone.

A session is given for one role. It ends when it was idle for too long, at its own end at the
latest, when its owner is deactivated or gets another role or another password, and when they sign
out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from shared.clock import Clock, from_wire, to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from sync_server.db.accounts import CONSOLE_SESSION
from sync_server.db.base import Database
from sync_server.services import accounts, audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.company_sign_in import Identity
from sync_server.services.identity_links import account_of
from sync_server.services.password_tries import PasswordTries
from sync_server.services.second_factors import SecondFactors, shut_out
from sync_server.services.sign_in_audit import actor, note_refused, note_stranger

CONSOLE_ROLES = frozenset({Role.ADMINISTRATOR, Role.STORE_MANAGER, Role.HEAD_OFFICE})
VIA = "console"
"""How the audit log names it."""
SECOND_FACTOR = "totp"
"""What is wanted of somebody who has one, and the name of the page that asks for it."""
_NOTE_EVERY = timedelta(minutes=1)
"""How exactly the last request is remembered: a page costs no write of its own."""
_ROW = CONSOLE_SESSION.c


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Whose session a cookie is. `wanted`: it is one only once this was shown
    (`second_factors`)."""

    caller: Caller
    name: str
    username: str
    organisation: str
    timezone: str
    wanted: str | None
    ends_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSessions:
    """Begins, finds and ends sessions. Keeps no state of its own."""

    database: Database
    clock: Clock
    passwords: PasswordTries
    factors: SecondFactors

    def sign_in(self, username: str, password: str, address: str) -> str:
        """A new session's cookie. Refuses what `PasswordTries.judged` refuses and, only after the
        right password, USER_INACTIVE and ROLE_NOT_ALLOWED."""
        now = self.clock.now()
        account = self.passwords.judged(username, password, address, now, VIA)
        with self.database.write() as connection:
            told = self._begun(connection, account, address, now, tried=True)
        return _cookie(told)

    def sign_in_as(self, identity: Identity, address: str) -> str:
        """A new session's cookie for whom the company's provider vouched for. Refuses
        IDENTITY_UNKNOWN, USER_INACTIVE and ROLE_NOT_ALLOWED; a second factor is still wanted."""
        now = self.clock.now()
        with self.database.write() as connection:
            account = account_of(connection, identity)
            if account is None:
                told: str | Code = Code.IDENTITY_UNKNOWN
                note_stranger(connection, Code.IDENTITY_UNKNOWN, address, now, VIA)
            else:
                told = self._begun(connection, account, address, now, tried=False)
        return _cookie(told)

    def _begun(
        self,
        connection: Connection,
        account: accounts.Account,
        address: str,
        now: datetime,
        *,
        tried: bool,
    ) -> str | Code:
        """The cookie of whoever showed who they are, or what bars them, which is on record once
        this transaction ends. `tried`: by a password, a try that was counted."""
        barred = bar(account)
        if barred is None and shut_out(connection, self.factors, account, now):
            barred = Code.SECOND_FACTOR_UNSET
        if barred is not None:
            note_refused(connection, account, barred, address, now, VIA)
            return barred
        if self.factors.wanted(connection, account):
            # The try stays counted: a right password alone must not buy new guesses at a code.
            return begin(connection, account, now, SECOND_FACTOR)
        if tried:
            self.passwords.forgive(connection, account, address)
        cookie = begin(connection, account, now)
        note_begun(connection, account, address, now)
        return cookie

    def find(self, cookie: str, address: str = "") -> SignedIn | None:
        """Whose session this is, as the database has them now; None where it is over. `address` is
        where the request came from, for the audit log."""
        now, mark = self.clock.now(), _hash(cookie)
        with self.database.read() as connection:
            row = connection.execute(select(CONSOLE_SESSION).where(_ROW.hash == mark)).first()
            if row is None:
                return None
            found = _whose(connection, row, address, now)
        if found is None:
            with self.database.write() as connection:
                connection.execute(delete(CONSOLE_SESSION).where(_ROW.hash == mark))
        elif now - from_wire(row.seen_at) >= _NOTE_EVERY:
            with self.database.write() as connection:
                connection.execute(
                    update(CONSOLE_SESSION).where(_ROW.hash == mark).values(seen_at=to_wire(now))
                )
        return found

    def fulfil(self, cookie: str, signed_in: SignedIn) -> str:
        """What was wanted was shown: another cookie, with which the session goes on whole."""
        fresh, now = secrets.token_urlsafe(32), self.clock.now()
        with self.database.write() as connection:
            connection.execute(
                update(CONSOLE_SESSION)
                .where(_ROW.hash == _hash(cookie))
                .values(hash=_hash(fresh), wanted=None)
            )
            audit.note(connection, signed_in.caller, Action.SIGNED_IN, now=now)
        return fresh

    def end(self, cookie: str, address: str) -> None:
        """Sign out. Harmless twice."""
        now, found = self.clock.now(), self.find(cookie, address)
        with self.database.write() as connection:
            connection.execute(delete(CONSOLE_SESSION).where(_ROW.hash == _hash(cookie)))
            if found is not None:
                audit.note(connection, found.caller, Action.SIGNED_OUT, now=now)

    def sweep(self, connection: Connection, now: datetime) -> None:
        """Forget sessions whose time is over."""
        connection.execute(delete(CONSOLE_SESSION).where(_ROW.ends_at <= to_wire(now)))


def begin(
    connection: Connection, account: accounts.Account, now: datetime, wanted: str | None = None
) -> str:
    """A new session of someone who showed who they are, from whom `wanted` is still to come;
    returns its cookie."""
    cookie = secrets.token_urlsafe(32)
    policy = accounts.policy_of(connection, account.org_id, now)
    connection.execute(
        insert(CONSOLE_SESSION).values(
            org_id=account.org_id,
            hash=_hash(cookie),
            staff_id=account.staff_id,
            role=account.role.value,
            wanted=wanted,
            began_at=to_wire(now),
            seen_at=to_wire(now),
            ends_at=to_wire(now + timedelta(hours=policy.console_session_hours)),
        )
    )
    return cookie


def bar(account: accounts.Account) -> Code | None:
    """What keeps this account out of the console; None: nothing."""
    if not account.active:
        return Code.USER_INACTIVE
    return None if account.role in CONSOLE_ROLES else Code.ROLE_NOT_ALLOWED


def end_all(connection: Connection, org_id: str, staff_id: str) -> None:
    """End every session of one person."""
    connection.execute(
        delete(CONSOLE_SESSION).where(_ROW.org_id == org_id, _ROW.staff_id == staff_id)
    )


def form_token(cookie: str) -> str:
    """What each form of this session carries, so that no other site's form passes for one of ours.
    Made of the cookie, which it does not give away."""
    return hmac.new(cookie.encode(), b"huifang console form", hashlib.sha256).hexdigest()


def note_begun(
    connection: Connection, account: accounts.Account, address: str, now: datetime
) -> None:
    """Puts on record that someone signed in to the console."""
    who, subject = actor(account, address, via=VIA), ("staff", account.staff_id)
    audit.note(connection, who, Action.SIGNED_IN, now=now, subject=subject)


def _whose(connection: Connection, row: Any, address: str, now: datetime) -> SignedIn | None:
    account = accounts.by_staff(connection, row.org_id, row.staff_id)
    if account is None or bar(account) is not None or account.role.value != row.role:
        return None
    policy = accounts.policy_of(connection, row.org_id, now)
    idle = timedelta(minutes=policy.console_idle_minutes)
    if now >= min(from_wire(row.ends_at), from_wire(row.seen_at) + idle):
        return None
    card = accounts.staff_card(connection, account)
    caller = Caller(
        org_id=account.org_id,
        staff_id=account.staff_id,
        role=account.role,
        device_id="",
        device_key="",
        store_id=account.store_id,
        via=VIA,
        address=address,
    )
    return SignedIn(
        caller=caller,
        name=account.name,
        username=account.username,
        organisation=card.organisation,
        timezone=card.timezone,
        wanted=row.wanted,
        ends_at=row.ends_at,
    )


def _cookie(told: str | Code) -> str:
    if isinstance(told, Code):
        raise Refusal(told)
    return told


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
