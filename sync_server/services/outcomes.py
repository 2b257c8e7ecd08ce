"""Outcomes: what became of each change, stored with its effects and told again to whoever asks
again (L2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from shared.clock import to_wire
from shared.wire import Outcome
from sync_server.db.among import among
from sync_server.db.log import CHANGE_LOG
from sync_server.services.caller import Caller
from sync_server.services.changes import Incoming, same_change
from sync_server.services.erasing import EMPTIED
from sync_server.services.survey_answers import is_anonymous
from sync_server.services.writing import Unit

_LOG = CHANGE_LOG.c


class Settled(msgspec.Struct):
    """What became of a change. `seq` may still be a promise (`Unit.final`); `missing` is the record
    that it waits for."""

    change: Incoming
    verdict: str
    seq: int = 0
    code: str | None = None
    field: str | None = None
    conflicts: list[str] = []
    missing: str | None = None

    def outcome(self, final: Callable[[int], int] = lambda seq: seq) -> Outcome:
        """As it is told; `final` gives the number that a promise became."""
        return Outcome(
            change_id=self.change.change_id,
            verdict=self.verdict,
            seq=final(self.seq),
            code=self.code,
            field=self.field,
            conflicts=self.conflicts,
        )


Known = dict[str, Settled]
"""By change id. The changes of those that were settled by an earlier push have no text."""


def known_outcomes(connection: Connection, org_id: str, change_ids: Iterable[str]) -> Known:
    """Those of these changes that were settled before."""
    rows = connection.execute(
        select(_LOG.change_id, _LOG.digest, _LOG.seq, _LOG.verdict, _LOG.code, _LOG.outcome).where(
            _LOG.org_id == org_id, among(connection, _LOG.change_id, sorted(set(change_ids)))
        )
    )
    return {
        row.change_id: Settled(
            Incoming(row.change_id, "", bytes(row.digest)),
            row.verdict,
            row.seq,
            row.code,
            **json.loads(row.outcome),
        )
        for row in rows
    }


def says_the_same(connection: Connection, org_id: str, first: Settled, again: Incoming) -> bool:
    """Whether a change that came again says what it said the first time: in the same words, or in
    others (the log's oldest digests are those of a rewritten text)."""
    if first.change.digest == again.digest:
        return True
    text = first.change.text
    if not text:
        text = connection.scalars(
            select(_LOG.body).where(_LOG.org_id == org_id, _LOG.change_id == again.change_id)
        ).one()
    return same_change(text, again.text)


def record_outcome(
    unit: Unit,
    caller: Caller,
    change: Incoming,
    written_at: datetime,
    settled: Settled,
    *,
    forgotten: bool = False,
) -> None:
    """Keeps the whole change with its outcome, in the same transaction as its effects. The
    outcome takes a number of its own, so that `backed_up_to` says of rejected changes too that
    they are safe. `forgotten` keeps the outcome alone: what it was about was erased. Of what is
    anonymous not even who sent it is kept, nor on which device, nor a digest, by which a guess at
    the text could be proved right; and no more of the time than the day."""
    values = {
        "org_id": unit.org_id,
        "change_id": change.change_id,
        "seq": settled.seq,
        "digest": change.digest,
        "verdict": settled.verdict,
        "outcome": _NOTHING_MORE,
        "staff_id": caller.staff_id,
        "device_id": caller.device_id,
        "received_at": unit.now_text,
        "written_at": to_wire(written_at),
        "body": EMPTIED if forgotten else change.text,
    }
    if settled.code is not None:
        values["code"] = settled.code
    if settled.missing is not None:
        values["missing_id"] = settled.missing
    if settled.field is not None or settled.conflicts:
        more = {"field": settled.field, "conflicts": settled.conflicts}
        values["outcome"] = json.dumps(more)
    content = change.content
    if is_anonymous(change):
        day = unit.now.replace(hour=0, minute=0, second=0, microsecond=0)
        nobody = {"staff_id": "", "device_id": "", "body": EMPTIED, "digest": _NO_DIGEST}
        values |= {**nobody, "received_at": to_wire(day), "written_at": to_wire(day)}
    elif content is not None:
        values["entity"] = content.entity
        values["record_id"] = content.record_id
        values["number"] = content.number
        values["grant_id"] = content.grant_id
    unit.append(CHANGE_LOG, values)


_NO_DIGEST = bytes(32)
_NOTHING_MORE = json.dumps({"field": None, "conflicts": []})
