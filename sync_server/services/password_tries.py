"""Passwords, and how often someone may guess: a try is counted before it is judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from shared.errors import Code, Refusal
from sync_server.db.base import Database
from sync_server.services import accounts
from sync_server.services.passwords import PasswordHashes
from sync_server.services.sign_in_audit import note_failed, note_refused
from sync_server.services.tries import Tries


@dataclass(frozen=True, slots=True)
class PasswordTries:
    """One way to check what somebody knows, for devices and for the console alike. Whoever asks
    also forgives, once all of what it asks for was right."""

    database: Database
    hashes: PasswordHashes
    tries: Tries

    def judged(
        self, username: str, password: str, address: str, now: datetime, via: str = "api"
    ) -> accounts.Account:
        """The account whose password it is. Refuses TOO_MANY_TRIES, and SIGN_IN_FAILED: the same,
        and as late, for a name that nobody has."""
        name = accounts.spelled(username)
        with self.database.write() as connection:
            tried = self.tries.count(connection, name, address, now)
            account = accounts.by_username(connection, name)
            if tried.first_refused:
                why = Code.TOO_MANY_TRIES
                note_failed(connection, name, account, address, now, via, why=why)
        if not tried.allowed:
            raise self.tries.refusal()
        # Outside of any transaction: it takes a tenth of a second by intention.
        if not self.hashes.matches(password, account.password if account else None):
            with self.database.write() as connection:
                note_failed(connection, name, account, address, now, via)
            raise Refusal(Code.SIGN_IN_FAILED)
        assert account is not None  # nobody has no password
        if self.hashes.outdated(account.password):
            account = replace(account, password=self.hashes.make(password))
            with self.database.write() as connection:
                accounts.set_password(connection, account, account.password, now)
        return account

    def count(self, account: accounts.Account, address: str, now: datetime) -> None:
        """A guess at something other than the password. Refuses TOO_MANY_TRIES."""
        with self.database.write() as connection:
            tried = self.tries.count(connection, account.username, address, now)
            if tried.first_refused:
                note_refused(connection, account, Code.TOO_MANY_TRIES, address, now)
        if not tried.allowed:
            raise self.tries.refusal()

    def forgive(self, connection: Connection, account: accounts.Account, address: str) -> None:
        """All of it was right."""
        self.tries.forgive(connection, account.username, address)
