"""Case numbers handed out ahead of time, so that a case can be opened offline (design §3)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update

from shared.clock import to_wire
from shared.declare import ENTITIES
from shared.policy import PolicySettings
from shared.wire import CaseNumbers
from sync_server.db.base import Database, lock_organisation
from sync_server.db.log import CASE_NUMBER_BLOCK, ORG_STATE
from sync_server.services.caller import Caller
from sync_server.services.writing import Unit

PREFIX = "C"


def needs_block(caller: Caller, left: int, policy: PolicySettings) -> bool:
    """Whether the device is running low: under half a block left, in the hands of someone who
    opens cases."""
    opens = caller.role in ENTITIES["case"].creators
    return caller.active and opens and left < policy.case_number_block / 2


def take_number(unit: Unit) -> str:
    """The next number for a case that the server opens by itself. Under the organisation's lock, as
    blocks are given."""
    lock_organisation(unit.connection, unit.org_id)
    mine = ORG_STATE.c.org_id == unit.org_id
    number = unit.connection.scalar(select(ORG_STATE.c.next_case_number).where(mine))
    assert number is not None  # every organisation has its state
    unit.connection.execute(update(ORG_STATE).where(mine).values(next_case_number=number + 1))
    return f"{PREFIX}{number}"


def give_block(
    db: Database, caller: Caller, policy: PolicySettings, now: datetime
) -> CaseNumbers | None:
    """A block of its own for the device, never given to another. A reply that is lost wastes a
    block, which is no harm."""
    size = policy.case_number_block
    with db.write() as connection:
        lock_organisation(connection, caller.org_id)
        first = connection.scalar(
            select(ORG_STATE.c.next_case_number).where(ORG_STATE.c.org_id == caller.org_id)
        )
        if first is None:
            return None
        connection.execute(
            update(ORG_STATE)
            .where(ORG_STATE.c.org_id == caller.org_id)
            .values(next_case_number=first + size)
        )
        connection.execute(
            insert(CASE_NUMBER_BLOCK).values(
                org_id=caller.org_id,
                first=first,
                size=size,
                device_id=caller.device_id,
                given_at=to_wire(now),
            )
        )
    return CaseNumbers(prefix=PREFIX, first=first, last=first + size - 1)
