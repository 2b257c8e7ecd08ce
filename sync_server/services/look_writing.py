"""Looks at the console: a detail that the server shows is on record before it is shown (L7), where
looks of phones are, for everyone who reviews them."""

from __future__ import annotations

from datetime import datetime

from shared.clock import to_wire
from shared.ids import new_id
from shared.looks import FIRST
from sync_server.db.base import Database
from sync_server.services.caller import Caller
from sync_server.services.writing import Author, Unit, write


def put_on_record(
    db: Database,
    caller: Caller,
    customer_id: str,
    seen: tuple[str, str],
    now: datetime,
    *,
    what: str = "opened",
) -> None:
    """That the caller sees a customer's detail; `seen` is the record's (entity, id). A chain says
    that a device left nothing out: what the server itself writes needs none, and begins one."""
    entity, record_id = seen
    look = {
        "id": new_id(),
        "customer_id": customer_id,
        "entity": entity,
        "record_id": record_id,
        "what": what,
        "looked_at": to_wire(now),
        "number": 1,
        "previous": FIRST,
    }

    def work(unit: Unit) -> None:
        unit.create("look", look, Author(staff_id=caller.staff_id, at=now))

    write(db, caller.org_id, now, work)
