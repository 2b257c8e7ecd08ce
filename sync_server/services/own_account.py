"""What people change of their own sign-in: the second factor, set up and ended by themselves.

Each step asks for the password or a code, as a device or a page may be left open; guesses count as
tries at a sign-in do.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.clock import Clock
from shared.errors import Code, Refusal
from shared.wire_second_factor import SecondFactorState
from sync_server.db.base import Database
from sync_server.services import accounts, audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.password_tries import PasswordTries
from sync_server.services.second_factors import (
    Begun,
    SecondFactors,
    Shown,
    due,
)
from sync_server.services.sign_in_audit import note_recovery_code, note_refused


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """For whoever is signed in, on a device or at the console."""

    database: Database
    clock: Clock
    passwords: PasswordTries
    factors: SecondFactors

    def second_factor(self, caller: Caller) -> SecondFactorState:
        with self.database.read() as connection:
            return self.factors.state(connection, caller.org_id, caller.staff_id)

    def begin_second_factor(self, caller: Caller, password: str) -> Begun:
        """A new secret for an authenticator. Refuses SIGN_IN_FAILED, TOO_MANY_TRIES, and
        RECORD_EXISTS where a second factor is set up already."""
        account = self._knows(caller, password)
        with self.database.write() as connection:
            begun = self.factors.begin(connection, account, self.clock.now())
            self.passwords.forgive(connection, account, caller.address)
            return begun

    def confirm_second_factor(self, caller: Caller, code: str) -> list[str]:
        """The first code of the authenticator; returns the recovery codes. Refuses
        SECOND_FACTOR_WRONG, TOO_MANY_TRIES, and RECORD_MISSING where nothing was begun."""
        account, now = self._guesses(caller), self.clock.now()
        with self.database.write() as connection:
            codes = self.factors.confirm(connection, account, code, now)
            self.passwords.forgive(connection, account, caller.address)
            subject = ("staff", caller.staff_id)
            audit.note(connection, caller, Action.FACTOR_ENROLLED, now=now, subject=subject)
            return codes

    def renew_recovery_codes(self, caller: Caller, code: str) -> list[str]:
        """New recovery codes in the place of the old ones. Refuses SECOND_FACTOR_WANTED and
        SECOND_FACTOR_WRONG, TOO_MANY_TRIES, and RECORD_MISSING without a second factor."""
        account = self._guesses(caller)
        self._shows(caller, account, code)
        with self.database.write() as connection:
            self.passwords.forgive(connection, account, caller.address)
            return self.factors.renew_recovery_codes(connection, account)

    def end_second_factor(self, caller: Caller, password: str, code: str) -> None:
        """Signs in with the password alone from now on. Refuses as above, SIGN_IN_FAILED, and
        ROLE_NOT_ALLOWED where the policy insists on one for this role (`totp_strict`)."""
        account, now = self._knows(caller, password), self.clock.now()
        with self.database.read() as connection:
            policy = accounts.policy_of(connection, caller.org_id, now)
        if policy.totp_strict and due(policy, account.role):
            raise Refusal(Code.ROLE_NOT_ALLOWED, role=account.role.value)
        self._shows(caller, account, code)
        with self.database.write() as connection:
            self.passwords.forgive(connection, account, caller.address)
            self.factors.end(connection, caller.org_id, caller.staff_id)
            subject = ("staff", caller.staff_id)
            audit.note(connection, caller, Action.FACTOR_REMOVED, now=now, subject=subject)

    def show_second_factor(self, caller: Caller, code: str) -> None:
        """The code that a sign-in still waits for. Refuses SECOND_FACTOR_WANTED and
        SECOND_FACTOR_WRONG, and TOO_MANY_TRIES."""
        account = self._guesses(caller)
        self._shows(caller, account, code)
        with self.database.write() as connection:
            self.passwords.forgive(connection, account, caller.address)

    def _shows(self, caller: Caller, account: accounts.Account, code: str) -> None:
        now = self.clock.now()
        with self.database.write() as connection:
            shown = self.factors.judge(connection, account, code, now)
            if shown is Shown.WRONG:
                why = Code.SECOND_FACTOR_WRONG
                note_refused(connection, account, why, caller.address, now, caller.via)
            elif shown is Shown.RECOVERY_CODE:
                note_recovery_code(connection, account, caller.address, now, caller.via)
        if not shown.accepted():
            raise Refusal(Code.RECORD_MISSING, entity="second_factor")

    def _knows(self, caller: Caller, password: str) -> accounts.Account:
        account, now = self._account(caller), self.clock.now()
        return self.passwords.judged(account.username, password, caller.address, now, caller.via)

    def _guesses(self, caller: Caller) -> accounts.Account:
        account = self._account(caller)
        self.passwords.count(account, caller.address, self.clock.now())
        return account

    def _account(self, caller: Caller) -> accounts.Account:
        with self.database.read() as connection:
            account = accounts.by_staff(connection, caller.org_id, caller.staff_id)
        if account is None:
            raise Refusal(Code.RECORD_MISSING, entity="account")
        return account
