"""One-time codes with which a device is let in at once: an administrator shows one, as text or as a
QR code, and the device presents it at its sign-in (S3 #146).

It stands for the approval, never for the password. It is good once, for a few minutes
(`enrolment_code_minutes`), and for one person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, update

from shared.clock import to_wire
from shared.errors import Code, Refusal
from shared.policy import PolicySettings
from sync_server.db.sign_in import ENROLMENT_CODE
from sync_server.services.devices import Device
from sync_server.services.typed_codes import code_hash, new_code

_CHARACTERS = 16  # 80 bits
_KEPT = timedelta(days=30)
_C = ENROLMENT_CODE.c


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentCode:
    """A code that was made just now: nobody can show it again."""

    code: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class EnrolmentCodes:
    """Takes the caller's transaction. `secret` keys the hashes."""

    secret: bytes

    def make(
        self,
        connection: Connection,
        org_id: str,
        staff_id: str,
        policy: PolicySettings,
        now: datetime,
        by: str | None = None,
    ) -> EnrolmentCode:
        """A code for one device of this person. Those that were made before and not used are worth
        nothing from now on: the last one shown is the one that counts."""
        ends = now + timedelta(minutes=policy.enrolment_code_minutes)
        code = new_code(_CHARACTERS)
        mine = (_C.org_id == org_id, _C.staff_id == staff_id)
        connection.execute(delete(ENROLMENT_CODE).where(*mine, _C.used_at.is_(None)))
        connection.execute(
            insert(ENROLMENT_CODE).values(
                org_id=org_id,
                hash=self._hash(staff_id, code),
                staff_id=staff_id,
                made_at=to_wire(now),
                made_by=by,
                expires_at=to_wire(ends),
            )
        )
        return EnrolmentCode(code=code, expires_at=to_wire(ends))

    def use(self, connection: Connection, device: Device, typed: str, now: datetime) -> str | None:
        """Uses a code up for a device; returns who had made it. Refuses ENROLMENT_CODE_INVALID for
        one that is unknown, used, too old or somebody else's. Two devices at once: one has it."""
        used: Any = (
            update(ENROLMENT_CODE)
            .where(_C.org_id == device.org_id, _C.staff_id == device.staff_id)
            .where(_C.hash == self._hash(device.staff_id, typed))
            .where(_C.used_at.is_(None), _C.expires_at > to_wire(now))
            .values(used_at=to_wire(now), device_id=device.id)
            .returning(_C.made_by)
        )
        row = connection.execute(used).first()
        if row is None:
            raise Refusal(Code.ENROLMENT_CODE_INVALID)
        made_by: str | None = row.made_by
        return made_by

    def sweep(self, connection: Connection, now: datetime) -> None:
        """Forgets what ended a month ago."""
        over = _C.expires_at < to_wire(now - _KEPT)
        connection.execute(delete(ENROLMENT_CODE).where(over))

    def _hash(self, staff_id: str, typed: str) -> str:
        return code_hash(self.secret, "enrolment code", staff_id, typed)
