"""What outside agencies found, entered as such (S4 #163): beside our own figures, never in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from shared.errors import Code, Refusal
from shared.ids import derived_id
from sync_server.db.base import Database
from sync_server.db.surveys import EVALUATION
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.writing import Unit, write

MOST = 200


def enter(db: Database, who: Caller, fields: Mapping[str, Any], now: datetime) -> str:
    """Puts one on record: `agency`, `subject`, `from_day` to `until_day`, `points` of 100, how many
    were `asked`, a `note`. The same twice is one. Refuses (FIELD_INVALID) an end before its
    beginning."""
    if fields["until_day"] < fields["from_day"]:
        raise Refusal(Code.FIELD_INVALID, field="until_day", wanted=fields["from_day"])
    told = json.dumps(fields, sort_keys=True, default=str)
    made = derived_id(who.org_id, "evaluation", told)
    there = select(EVALUATION.c.id).where(
        EVALUATION.c.org_id == who.org_id, EVALUATION.c.id == made
    )

    def work(unit: Unit) -> None:
        unit.lock()  # the same may be entered once more at this moment
        if unit.connection.execute(there).first():
            return
        row = {"org_id": unit.org_id, "id": made, "entered_by": who.staff_id, **fields}
        unit.append(EVALUATION, row)
        audit.note(unit, who, Action.EVALUATION_ENTERED, subject=("evaluation", made))

    write(db, who.org_id, now, work)
    return made


def entered(connection: Connection, org_id: str) -> list[Any]:
    """The last `MOST`, the newest first."""
    query = select(EVALUATION).where(EVALUATION.c.org_id == org_id)
    ordered = query.order_by(EVALUATION.c.until_day.desc(), EVALUATION.c.id.desc())
    return list(connection.execute(ordered.limit(MOST)))
