"""Stores what a unit decided: numbers, typed rows, history, feed, and the log beside them.

Called with the organisation's lock held, so whatever is read here is true until the transaction
ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, update

from sync_server.db.among import among
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.db.base import Database
from sync_server.db.log import HISTORY, ORG_STATE
from sync_server.db.putting import insert_rows, update_rows
from sync_server.db.records import RECORDS, to_columns
from sync_server.db.surveys import SURVEY_TALLY, count_up
from sync_server.services.audit_chain import extend
from sync_server.services.bodies import body_text
from sync_server.services.epochs import found_organisation
from sync_server.services.feeding import feed

if TYPE_CHECKING:
    from sync_server.services.writing import Held

_IN = 5000


class Stale(Exception):
    """Another transaction changed what this one had read: it is run once more."""


def store(
    db: Database,
    connection: Connection,
    org_id: str,
    now: datetime,
    held: Sequence[Held],
    missing: Sequence[tuple[str, str]],
    log: Sequence[tuple[Any, dict[str, Any]]],
    given: int,
) -> int:
    """Writes everything and returns the number from which this unit's promises count.

    `missing` are the records that the unit had looked for in vain; they and the loaded ones are
    looked at again unless the lock was held from the beginning (then `missing` is empty and so is
    what could have changed).
    """
    base = _last_seq(connection, org_id)
    if db.is_postgres:
        _check_unchanged(connection, org_id, held, missing)
    dirty = [h for h in held if h.dirty]
    for record in dirty:
        _settle(record, base)
    _typed_rows(db, connection, org_id, dirty)
    _history(connection, org_id, dirty, base)
    feed(connection, org_id, now, dirty)
    _log(connection, log, base)
    if given:
        connection.execute(
            update(ORG_STATE).where(ORG_STATE.c.org_id == org_id).values(last_seq=base + given)
        )
    return base


def _last_seq(connection: Connection, org_id: str) -> int:
    last: int | None = connection.scalar(
        select(ORG_STATE.c.last_seq).where(ORG_STATE.c.org_id == org_id)
    )
    if last is None:
        found_organisation(connection, org_id)
    return last or 0


def _check_unchanged(
    connection: Connection,
    org_id: str,
    held: Sequence[Held],
    missing: Sequence[tuple[str, str]],
) -> None:
    seen: dict[str, dict[str, int]] = {}
    for record in held:
        seen.setdefault(record.entity, {})[record.id] = record.stored_seq
    for entity, record_id in missing:
        seen.setdefault(entity, {})[record_id] = 0
    for entity, seqs in seen.items():
        table, ids = RECORDS[entity], sorted(seqs)
        for start in range(0, len(ids), _IN):
            part = ids[start : start + _IN]
            now = connection.execute(
                select(table.c.id, table.c.seq).where(
                    table.c.org_id == org_id, among(connection, table.c.id, part)
                )
            )
            found = {row.id: row.seq for row in now}
            if any(found.get(i, 0) != seqs[i] for i in part):
                raise Stale(entity)


def _settle(record: Held, base: int) -> None:
    """Turns a record's promises into numbers."""
    record.seq = base - record.seq
    for version in record.versions.values():
        if version[0] < 0:
            version[0] = base - version[0]


def _typed_rows(db: Database, connection: Connection, org_id: str, dirty: Sequence[Held]) -> None:
    new: dict[str, list[dict[str, Any]]] = {}
    changed: dict[str, list[dict[str, Any]]] = {}
    for record in dirty:
        plain = record.versions == {"*": [record.seq]}
        versions = None if plain else record.versions
        columns = to_columns(org_id, record.entity, record.row, record.seq, versions, db.ring)
        kind = new if record.stored is None else changed
        kind.setdefault(record.entity, []).append(columns)
    for entity, rows in new.items():
        insert_rows(connection, RECORDS[entity], rows)
    for entity, rows in changed.items():
        update_rows(connection, RECORDS[entity], rows)


def _history(connection: Connection, org_id: str, dirty: Sequence[Held], base: int) -> None:
    rows = [
        {
            "org_id": org_id,
            "entity": record.entity,
            "record_id": record.id,
            "seq": seq if seq > 0 else base - seq,
            "replaced_by": base - replaced_by,
            "change_id": change_id,
            "body": body_text(row),
        }
        for record in dirty
        for seq, replaced_by, change_id, row in record.past
    ]
    insert_rows(connection, HISTORY, rows)


def _log(connection: Connection, log: Sequence[tuple[Any, dict[str, Any]]], base: int) -> None:
    by_table: dict[Any, list[dict[str, Any]]] = {}
    for table, values in log:
        if values.get("seq", 0) < 0:
            values = {**values, "seq": base - values["seq"]}
        by_table.setdefault(table, []).append(values)
    for table, rows in by_table.items():
        if table is AUDIT_ENTRY:
            extend(connection, rows)
        elif table is SURVEY_TALLY:
            count_up(connection, rows)
        else:
            insert_rows(connection, table, rows)
