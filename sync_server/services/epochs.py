"""The organisation's numbers: epoch, last number, and how far the backup reaches (design §5,
Epoch)."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from shared.ids import new_id
from sync_server.db.base import Database, lock_organisation
from sync_server.db.log import ORG_STATE

_GAP = 10_000_000
"""Numbers that a new epoch leaves out. Those that the restored server had given after its backup
stand as bases in changes that are still on their way; none of them may be given again to another
write."""

FIRST_CASE_NUMBER = 100_001


_STATE = select(ORG_STATE.c.epoch, ORG_STATE.c.last_seq, ORG_STATE.c.backed_up_to).where(
    ORG_STATE.c.org_id == bindparam("org")
)


class OrgState(NamedTuple):
    epoch: str
    last_seq: int
    backed_up_to: int


def org_state(connection: Connection, org_id: str) -> OrgState:
    """How the organisation's numbers stand; for one that nothing was ever written to, an epoch
    that never was."""
    row = connection.execute(_STATE, {"org": org_id}).first()
    return OrgState(*row) if row else OrgState("", 0, 0)


def was_restored(connection: Connection, org_id: str) -> bool:
    """Whether phones may still have to send what a backup lacked: an epoch leaves out more numbers
    than an organisation writes in years."""
    return org_state(connection, org_id).last_seq >= _GAP


def found_organisation(connection: Connection, org_id: str) -> None:
    """The row of an organisation's numbers, at its first write."""
    connection.execute(
        insert(ORG_STATE).values(
            org_id=org_id,
            last_seq=0,
            epoch=new_id(),
            backed_up_to=0,
            next_case_number=FIRST_CASE_NUMBER,
        )
    )


def backed_up(db: Database, org_id: str, seq: int) -> None:
    """A backup holds everything up to number `seq`: devices may forget what has lower numbers.
    Never goes back."""
    with db.write() as connection:
        connection.execute(
            update(ORG_STATE)
            .where(ORG_STATE.c.org_id == org_id, ORG_STATE.c.backed_up_to < seq)
            .values(backed_up_to=seq)
        )


def begin_epoch(db: Database, org_id: str) -> str:
    """To be called once after a restore from backup, before devices come: everyone fetches anew,
    and sends again what had not been backed up. Returns the new epoch."""
    epoch = new_id()
    with db.write() as connection:
        lock_organisation(connection, org_id)
        connection.execute(
            update(ORG_STATE)
            .where(ORG_STATE.c.org_id == org_id)
            .values(epoch=epoch, last_seq=ORG_STATE.c.last_seq + _GAP)
        )
    return epoch
