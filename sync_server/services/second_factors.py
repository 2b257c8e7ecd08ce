"""The second factor: time-based codes of an authenticator app (TOTP, RFC 6238), and recovery codes
for whoever has lost it (S2 #102, S3 #146).

    begin    a secret is made and shown, as text and as a QR code; nothing is asked yet
    confirm  a first code of it is shown: from now on every sign-in asks for one
    judge    a sign-in shows a code, each only once
    end      by its owner with a code, or by whoever administers
"""

from __future__ import annotations

import os
import unicodedata
from base64 import b32decode, b32encode
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from shared.clock import to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.policy import PolicySettings
from shared.wire_second_factor import SecondFactorState
from sync_server.db.sign_in import RECOVERY_CODE, SECOND_FACTOR
from sync_server.services.accounts import Account, policy_of
from sync_server.services.last_administrator import may_shut_out
from sync_server.services.typed_codes import code_hash, new_code

DIGITS, STEP_SECONDS = 6, 30
"""What every authenticator app takes (RFC 6238, section 4 and 5.3); SHA-1 for the same reason."""
_SECRET_BYTES = 20  # RFC 4226, section 4, R6: 160 bits
_DRIFT_STEPS = 1  # RFC 6238, section 5.2: one step of delay, and as much for a clock ahead
RECOVERY_CODES = 10
_RECOVERY_CHARACTERS = 12  # 60 bits
_ISSUER = "Huifang"
_F, _R = SECOND_FACTOR.c, RECOVERY_CODE.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What an authenticator has to learn: the secret as people type it, and as a QR code says it
    (``otpauth://…``). Both are secret."""

    secret: str
    uri: str


class Shown(Enum):
    """What somebody showed for a second factor. A code that was used before is wrong."""

    NOT_ASKED = "not_asked"
    NOTHING = "nothing"
    CODE = "code"
    RECOVERY_CODE = "recovery_code"
    WRONG = "wrong"

    def accepted(self) -> bool:
        """Whether a second factor was shown; False where none is asked for. Refuses
        SECOND_FACTOR_WANTED and SECOND_FACTOR_WRONG."""
        if self is Shown.NOTHING:
            raise Refusal(Code.SECOND_FACTOR_WANTED)
        if self is Shown.WRONG:
            raise Refusal(Code.SECOND_FACTOR_WRONG)
        return self is not Shown.NOT_ASKED


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """Takes the caller's transaction. `secret` keys the hashes of recovery codes.

    Guesses are counted where a sign-in counts its tries: nothing here limits them.
    """

    secret: bytes

    def state(self, connection: Connection, org_id: str, staff_id: str) -> SecondFactorState:
        row = _row(connection, org_id, staff_id)
        if row is None or row.enrolled_at is None:
            return SecondFactorState()
        left = connection.execute(
            select(func.count()).where(*_recovery_of(org_id, staff_id), _R.used_at.is_(None))
        ).scalar_one()
        return SecondFactorState(enrolled_at=row.enrolled_at, recovery_codes_left=int(left))

    def begin(self, connection: Connection, account: Account, now: datetime) -> Begun:
        """A new secret in the place of one that was begun and never confirmed. Refuses
        RECORD_EXISTS where one is enrolled: that one has to end first."""
        row = _row(connection, account.org_id, account.staff_id)
        if row is not None and row.enrolled_at is not None:
            raise Refusal(Code.RECORD_EXISTS, entity="second_factor")
        self._forget(connection, account.org_id, account.staff_id)
        key = os.urandom(_SECRET_BYTES)
        text = b32encode(key).decode()
        connection.execute(
            insert(SECOND_FACTOR).values(
                org_id=account.org_id,
                staff_id=account.staff_id,
                secret=text,
                begun_at=to_wire(now),
                last_step=0,
            )
        )
        uri = _totp(text).get_provisioning_uri(account.username, _ISSUER)
        return Begun(secret=text, uri=uri)

    def confirm(
        self, connection: Connection, account: Account, typed: str, now: datetime
    ) -> list[str]:
        """The authenticator has learnt it: from now on codes are asked for. Returns the recovery
        codes, which nobody can show again. Refuses RECORD_MISSING where nothing was begun, and
        SECOND_FACTOR_WRONG."""
        row = _row(connection, account.org_id, account.staff_id)
        if row is None or row.enrolled_at is not None:
            raise Refusal(Code.RECORD_MISSING, entity="second_factor")
        if not self._take_code(connection, row, typed, now):
            raise Refusal(Code.SECOND_FACTOR_WRONG)
        connection.execute(
            update(SECOND_FACTOR)
            .where(*_of(account.org_id, account.staff_id))
            .values(enrolled_at=to_wire(now))
        )
        return self.renew_recovery_codes(connection, account)

    def renew_recovery_codes(self, connection: Connection, account: Account) -> list[str]:
        """Ten new ones in the place of all that were."""
        org_id, staff_id = account.org_id, account.staff_id
        codes = [new_code(_RECOVERY_CHARACTERS) for _ in range(RECOVERY_CODES)]
        connection.execute(delete(RECOVERY_CODE).where(*_recovery_of(org_id, staff_id)))
        connection.execute(
            insert(RECOVERY_CODE),
            [
                {"org_id": org_id, "staff_id": staff_id, "hash": self._hash(staff_id, code)}
                for code in codes
            ],
        )
        return codes

    def wanted(self, connection: Connection, account: Account) -> bool:
        """Whether a sign-in has to show a code: whoever has enrolled is always asked."""
        row = _row(connection, account.org_id, account.staff_id)
        return row is not None and row.enrolled_at is not None

    def judge(
        self, connection: Connection, account: Account, typed: str | None, now: datetime
    ) -> Shown:
        """What was shown at a sign-in; a code that is right is used up by this call. Nothing is
        asked of someone who has not enrolled."""
        row = _row(connection, account.org_id, account.staff_id)
        if row is None or row.enrolled_at is None:
            return Shown.NOT_ASKED
        if not typed or not typed.strip():
            return Shown.NOTHING
        if self._take_code(connection, row, typed, now):
            return Shown.CODE
        if self._take_recovery_code(connection, account, typed, now):
            return Shown.RECOVERY_CODE
        return Shown.WRONG

    def end(self, connection: Connection, org_id: str, staff_id: str) -> None:
        """No code is asked for any more; all of it is forgotten. Harmless twice."""
        self._forget(connection, org_id, staff_id)

    def _take_code(self, connection: Connection, row: Row[Any], typed: str, now: datetime) -> bool:
        """Whether it is a code of now, or of a step beside, that was not taken before (RFC 6238,
        section 5.2). Two sign-ins at once with one code: one of them has it."""
        digits = "".join(unicodedata.normalize("NFKC", typed[:40]).split())
        if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
            return False
        totp, present = _totp(row.secret), int(now.timestamp()) // STEP_SECONDS
        fits = [
            step
            for step in range(present - _DRIFT_STEPS, present + _DRIFT_STEPS + 1)
            if bytes_eq(totp.generate(step * STEP_SECONDS), digits.encode())
        ]
        taken = [step for step in fits if step > row.last_step]
        if not taken:
            return False
        used = connection.execute(
            update(SECOND_FACTOR)
            .where(*_of(row.org_id, row.staff_id), _F.last_step < taken[0])
            .values(last_step=taken[0])
        )
        return bool(used.rowcount)

    def _take_recovery_code(
        self, connection: Connection, account: Account, typed: str, now: datetime
    ) -> bool:
        used = connection.execute(
            update(RECOVERY_CODE)
            .where(*_recovery_of(account.org_id, account.staff_id), _R.used_at.is_(None))
            .where(_R.hash == self._hash(account.staff_id, typed))
            .values(used_at=to_wire(now))
        )
        return bool(used.rowcount)

    def _forget(self, connection: Connection, org_id: str, staff_id: str) -> None:
        connection.execute(delete(RECOVERY_CODE).where(*_recovery_of(org_id, staff_id)))
        connection.execute(delete(SECOND_FACTOR).where(*_of(org_id, staff_id)))

    def _hash(self, staff_id: str, typed: str) -> str:
        return code_hash(self.secret, "recovery code", staff_id, typed)


def due(policy: PolicySettings, role: Role) -> bool:
    """Whether the policy wants a second factor of this role (`totp_required_roles`)."""
    return role.value in policy.totp_required_roles.replace(",", " ").split()


def shut_out(
    connection: Connection, factors: SecondFactors, account: Account, now: datetime
) -> bool:
    """Whether the policy turns this person away for having no second factor (`totp_strict`)."""
    policy = policy_of(connection, account.org_id, now)
    return (
        policy.totp_strict
        and due(policy, account.role)
        and not factors.wanted(connection, account)
        and may_shut_out(connection, account.org_id, account.staff_id, account.role)
    )


def _totp(secret: str) -> TOTP:
    return TOTP(b32decode(secret), DIGITS, SHA1(), STEP_SECONDS)


def _row(connection: Connection, org_id: str, staff_id: str) -> Row[Any] | None:
    return connection.execute(select(SECOND_FACTOR).where(*_of(org_id, staff_id))).first()


def _of(org_id: str, staff_id: str) -> tuple[Any, ...]:
    return _F.org_id == org_id, _F.staff_id == staff_id


def _recovery_of(org_id: str, staff_id: str) -> tuple[Any, ...]:
    return _R.org_id == org_id, _R.staff_id == staff_id
