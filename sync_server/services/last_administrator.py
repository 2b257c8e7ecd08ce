"""Nobody can lock the last administrator out: not by deactivating, demoting or blocking, not by a
policy (S3 #146). The last resort is `huifang user rescue`, at the server's own command line.

Reads tables only, so that whatever takes something away can ask here first.
"""

from __future__ import annotations

from sqlalchemy import Connection, and_, select

from shared.declare import Role
from shared.errors import Code, Refusal
from sync_server.db.accounts import ACCOUNT, DEVICE
from sync_server.db.records import RECORDS
from sync_server.db.sign_in import SECOND_FACTOR

_STAFF = RECORDS["staff"]


def keep_one_besides(connection: Connection, org_id: str, staff_id: str) -> None:
    """Refuses LAST_ADMINISTRATOR where nobody who administers would be left without this person.
    Holds until the transaction ends: of two who lock each other out at once, one is refused."""
    _lock(connection, org_id)
    if _active_administrators(connection, org_id) == {staff_id}:
        raise Refusal(Code.LAST_ADMINISTRATOR)


def keep_one_device_besides(
    connection: Connection, org_id: str, staff_id: str, device_id: str, approved: str
) -> None:
    """Refuses LAST_ADMINISTRATOR for the only device in state `approved` of the only
    administrator."""
    _lock(connection, org_id)
    if _active_administrators(connection, org_id) != {staff_id}:
        return
    theirs = select(DEVICE.c.id).where(
        DEVICE.c.org_id == org_id, DEVICE.c.staff_id == staff_id, DEVICE.c.state == approved
    )
    if set(connection.execute(theirs).scalars()) == {device_id}:
        raise Refusal(Code.LAST_ADMINISTRATOR)


def may_shut_out(connection: Connection, org_id: str, staff_id: str, role: Role) -> bool:
    """Whether a policy that wants a second factor may turn this person away for having none. An
    administrator only where another one has one and so gets in: otherwise nobody could change
    that policy."""
    if role is not Role.ADMINISTRATOR:
        return True
    enrolled = select(SECOND_FACTOR.c.staff_id).where(
        SECOND_FACTOR.c.org_id == org_id, SECOND_FACTOR.c.enrolled_at.is_not(None)
    )
    others = _active_administrators(connection, org_id) - {staff_id}
    return bool(others.intersection(connection.execute(enrolled).scalars()))


def _lock(connection: Connection, org_id: str) -> None:
    """One at a time takes an administrator away; on SQLite whoever writes is alone anyway. In a
    statement of its own: what is read behind it is as the one before left it, roles as well."""
    accounts = select(ACCOUNT.c.staff_id).where(ACCOUNT.c.org_id == org_id)
    administrators = select(_STAFF.c.id).where(
        _STAFF.c.org_id == org_id, _STAFF.c.role == Role.ADMINISTRATOR.value
    )
    mine = accounts.where(ACCOUNT.c.staff_id.in_(administrators)).order_by(ACCOUNT.c.staff_id)
    connection.execute(mine.with_for_update())


def _active_administrators(connection: Connection, org_id: str) -> set[str]:
    """Their ids."""
    query = (
        select(ACCOUNT.c.staff_id)
        .join(_STAFF, and_(_STAFF.c.org_id == ACCOUNT.c.org_id, _STAFF.c.id == ACCOUNT.c.staff_id))
        .where(ACCOUNT.c.org_id == org_id, ACCOUNT.c.active.is_(True))
        .where(_STAFF.c.role == Role.ADMINISTRATOR.value)
    )
    return set(connection.execute(query).scalars())
