"""Outcomes: what became of each change, stored with its effects and told again to whoever asks
again (L2)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from shared.clock import to_wire
from shared.wire import Change, Outcome
from sync_server.db.log import CHANGE_LOG
from sync_server.services.caller import Caller
from sync_server.services.changes import Unreadable
from sync_server.services.writing import Unit

Known = dict[str, tuple[bytes, Outcome]]
"""Digest of the content and the outcome, by change id."""


def known_outcomes(connection: Connection, org_id: str, change_ids: Iterable[str]) -> Known:
    """Those of these changes that were settled before."""
    log = CHANGE_LOG.c
    rows = connection.execute(
        select(log.change_id, log.digest, log.seq, log.verdict, log.code, log.outcome).where(
            log.org_id == org_id, log.change_id.in_(sorted(set(change_ids)))
        )
    )
    return {
        row.change_id: (
            bytes(row.digest),
            Outcome(
                change_id=row.change_id,
                verdict=row.verdict,
                seq=row.seq,
                code=row.code,
                **json.loads(row.outcome),
            ),
        )
        for row in rows
    }


def record_outcome(
    unit: Unit,
    caller: Caller,
    change: Change,
    text: str,
    digest: bytes,
    written_at: datetime,
    outcome: Outcome,
) -> None:
    """Keeps the whole change with its outcome, in the same transaction as its effects. The
    outcome takes a number of its own, so that `backed_up_to` says of rejected changes too that
    they are safe."""
    read = not isinstance(change, Unreadable)
    unit.append(
        CHANGE_LOG,
        {
            "org_id": unit.org_id,
            "change_id": change.change_id,
            "seq": outcome.seq,
            "digest": digest,
            "verdict": outcome.verdict,
            "code": outcome.code,
            "outcome": json.dumps({"field": outcome.field, "conflicts": outcome.conflicts}),
            "entity": change.entity if read else None,
            "record_id": change.record_id if read else None,
            "staff_id": caller.staff_id,
            "device_id": caller.device_id,
            "number": change.number if read else None,
            "grant_id": change.grant_id if read else None,
            "received_at": to_wire(unit.now),
            "written_at": to_wire(written_at),
            "settled_by": None,
            "body": text,
        },
    )


def final(unit: Unit, outcome: Outcome) -> Outcome:
    """The outcome with its number, known once the unit is stored."""
    values: dict[str, Any] = {n: getattr(outcome, n) for n in outcome.__dataclass_fields__}
    return Outcome(**{**values, "seq": unit.final(outcome.seq)})
