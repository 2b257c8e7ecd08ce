"""What the audit log says of signing in (L7): who, on which device, and what was refused."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from shared.clock import to_wire
from shared.errors import Code
from sync_server.db.sealing import ring_of
from sync_server.services import audit
from sync_server.services.accounts import Account
from sync_server.services.audit import Action
from sync_server.services.devices import Device


def actor(
    account: Account, address: str, device_id: str | None = None, via: str = "api"
) -> audit.Actor:
    """Someone who signs in, or tries to."""
    return audit.Actor(
        org_id=account.org_id,
        via=via,
        staff_id=account.staff_id,
        device_id=device_id,
        address=address,
    )


def note_sign_in(
    connection: Connection, account: Account, device: Device, address: str, now: datetime
) -> None:
    """A device was enrolled, if this is the first it is heard of, and signed in on."""
    who, subject = actor(account, address, device.id), ("device", device.id)
    if device.enrolled_at == to_wire(now):
        audit.note(
            connection, who, Action.DEVICE_ENROLLED, now=now, subject=subject, state=device.state
        )
    audit.note(connection, who, Action.SIGNED_IN, now=now, subject=subject, state=device.state)


def note_code_used(
    connection: Connection, account: Account, device: Device, address: str, now: datetime
) -> None:
    """A device was let in for the code that it brought, by whoever had shown it."""
    audit.note(
        connection,
        actor(account, address, device.id),
        Action.ENROLMENT_CODE_USED,
        now=now,
        subject=("device", device.id),
        made_by=device.decided_by,
    )


def note_refused(
    connection: Connection,
    account: Account,
    why: Code,
    address: str,
    now: datetime,
    via: str = "api",
) -> None:
    """Somebody who knew the password was refused."""
    action = Action.SIGN_IN_REFUSED
    if why is Code.SECOND_FACTOR_WRONG:
        action = Action.FACTOR_REFUSED
    who, subject = actor(account, address, via=via), ("staff", account.staff_id)
    audit.note(connection, who, action, now=now, subject=subject, result=why)


def note_recovery_code(
    connection: Connection, account: Account, address: str, now: datetime, via: str = "api"
) -> None:
    """A recovery code stood for the authenticator."""
    who, subject = actor(account, address, via=via), ("staff", account.staff_id)
    audit.note(connection, who, Action.RECOVERY_CODE_USED, now=now, subject=subject)


def note_stranger(
    connection: Connection, why: Code, address: str, now: datetime, via: str = "api"
) -> None:
    """The company's provider vouched for someone who has no account here."""
    who = audit.Actor(org_id=audit.whose_chain(connection), via=via, address=address)
    audit.note(connection, who, Action.SIGN_IN_REFUSED, now=now, result=why)


def note_failed(
    connection: Connection,
    username: str,
    account: Account | None,
    address: str,
    now: datetime,
    via: str = "api",
    *,
    why: Code = Code.SIGN_IN_FAILED,
) -> None:
    """Nobody knows who that was. The name is kept as a keyed mark: some type their password
    there. Of a run of TOO_MANY_TRIES the first alone is noted: a line for each would be another
    way to fill the disk."""
    org_id = account.org_id if account else audit.whose_chain(connection)
    name = ring_of(connection.dialect).mark("user name", username.encode("utf-8", "replace"))
    audit.note(
        connection,
        audit.Actor(org_id=org_id, via=via, address=address),
        Action.SIGN_IN_REFUSED,
        now=now,
        subject=("staff", account.staff_id) if account else None,
        result=why,
        name=name[:16],
    )
