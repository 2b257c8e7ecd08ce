"""Stores: opened and renamed. What belongs to one is never deleted with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.codec import check
from shared.declare import ENTITIES
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.writing import Unit, write


def open_store(
    db: Database, who: Caller | audit.Actor, fields: Mapping[str, Any], now: datetime
) -> str:
    """A new store; returns its id. The same once more is the store that there is. Refuses what its
    declaration refuses."""
    row = check(ENTITIES["store"], _said(fields), whole=True)
    same = {name: row.get(name) for name in ENTITIES["store"].fields if name != "id"}

    def work(unit: Unit) -> str:
        unit.lock()  # the same may be sent once more at this moment
        if there := unit.find("store", **same):
            return there[0].id
        store_id = new_id()
        unit.create("store", {"id": store_id, **row})
        audit.note(unit, who, Action.STORE_ADDED, subject=("store", store_id))
        return store_id

    return write(db, who.org_id, now, work)


def change_store(
    db: Database, who: Caller | audit.Actor, store_id: str, fields: Mapping[str, Any], now: datetime
) -> None:
    """Other words for a store. Refuses RECORD_MISSING, and what its declaration refuses."""

    def work(unit: Unit) -> None:
        unit.update("store", store_id, check(ENTITIES["store"], fields))
        audit.note(unit, who, Action.STORE_CHANGED, subject=("store", store_id))

    write(db, who.org_id, now, work)


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
