"""Erasing one customer: everything personal goes, wherever it lies, and figures stay as they were
(S2 #103, S4 #155).

Typed rows and the feed are blanked by the declarations (`shared.erasure`), what history and the log
of changes say of them is emptied, photos are deleted, grants end, so that every phone that holds
any of it drops it at its next contact. What a phone still brings later is refused and not kept
(`CUSTOMER_ERASED`). Looks and the audit log keep ids, which lead nowhere any more.

    seen = preview(db, org_id, customer_id)
    erase(db, files, who, customer_id, "by letter, 3 May", seen.plan, now, ledger=backups)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from shared.clock import to_wire
from shared.declare import ENTITIES
from shared.erasure import blanked
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.accounts import EARLY_FILE, STORED_FILE, UPLOAD
from sync_server.db.base import Database
from sync_server.db.keeping import ERASURE
from sync_server.db.log import ALARM, CHANGE_LOG, DETAIL_REQUEST, DEVICE_GRANT, HISTORY, RECORD_MOVE
from sync_server.db.looks import LOOK_REVIEW
from sync_server.db.records import RECORDS
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.erasure_ledger import note_erasure, noted
from sync_server.services.file_store import FileStore
from sync_server.services.grants import NOT_REVOKED, revoke_all
from sync_server.services.writing import Held, Unit, write

EMPTIED = json.dumps({"fields": {}})
"""What is left of a change in the log, and of a version in the history."""
_UNAPPLIED = ("quarantined", "rejected")
_PART = 500
OF_A_CUSTOMER = tuple(name for name, e in ENTITIES.items() if e.customer and not e.one_way)

Ids = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What erasing a customer would touch. `records` by entity; `changes` are texts in the log,
    `waiting` those of them that nobody decided yet; `devices` hold some of it now. `plan` stands
    for exactly this: erasing asks for it, and refuses once anything has changed."""

    customer_id: str
    plan: str
    records: dict[str, int]
    versions: int
    changes: int
    waiting: int
    files: int
    grants: int
    devices: int


@dataclass(slots=True)
class _Found:
    """Everything of one customer."""

    customer_id: str
    ids: Ids
    marks: list[str]
    buckets: list[str]
    changes: list[str]
    waiting: int
    sha256: list[str]
    file_ids: list[str]


def preview(db: Database, org_id: str, customer_id: str) -> Preview:
    """Looks, and changes nothing. Refuses RECORD_MISSING, and CUSTOMER_ERASED the second time."""
    with db.read() as connection:
        return _told(connection, org_id, _find(connection, org_id, customer_id))


def erase(
    db: Database,
    files: FileStore,
    who: Caller | audit.Actor,
    customer_id: str,
    reason: str | None,
    plan: str | None,
    now: datetime,
    *,
    ledger: Path | None,
    cause: str = "request",
    still: Callable[[Connection], bool] | None = None,
) -> Preview:
    """Does what `preview` told of, in one transaction; the bytes of photos go after it. Refuses
    PREVIEW_OUTDATED where anything changed since, and what `preview` refuses. Without a `plan` it
    does whatever is there: `still` then says, while nobody else writes, whether it is to be done.
    `ledger` is the backups' folder (`erasure_ledger`); None: there is none, or it is noted there.
    """
    doomed: list[str] = []
    unfinished: list[str] = []

    def work(unit: Unit) -> Preview:
        unit.lock()  # a visit that came in between would keep what it says
        found = _find(unit.connection, unit.org_id, customer_id)
        told = _told(unit.connection, unit.org_id, found)
        outdated = plan is not None and plan != told.plan
        if outdated or (still is not None and not still(unit.connection)):
            raise Refusal(Code.PREVIEW_OUTDATED)
        _blank(unit, found)
        revoke_all(unit, "ended", bucket=found.buckets, **NOT_REVOKED)
        counts = {**told.records, "changes": told.changes, "files": told.files}
        audit.note(
            unit, who, Action.CUSTOMER_ERASED, subject=("customer", customer_id),
            customer=customer_id, cause=cause, records=sum(told.records.values()),
        )  # fmt: skip
        unit.append(
            ERASURE,
            {
                "org_id": unit.org_id,
                "id": new_id(),
                "customer_id": customer_id,
                "cause": cause,
                "reason": reason,
                "asked_by": who.staff_id,
                "erased_at": to_wire(now),
                "counts": counts,
            },
        )
        unit.flush()
        _empty(unit.connection, unit.org_id, found, now)
        doomed[:] = _let_go_of_files(unit.connection, unit.org_id, found)
        unfinished[:] = _let_go_of_uploads(unit.connection, unit.org_id, found)
        # Last: whoever stands there and was not erased would be, by the next restore.
        note_erasure(ledger, unit.org_id, customer_id, now)
        return told

    told = write(db, who.org_id, now, work)
    for sha256 in doomed:
        files.remove(who.org_id, sha256)
    for upload_id in unfinished:
        files.discard(upload_id)
    return told


def erase_again(db: Database, files: FileStore, folder: Path, now: datetime) -> int:
    """Erases whoever a restored backup has brought back; says how many. Harmless twice."""
    done = 0
    for org_id, customer_id in dict.fromkeys(noted(folder)):
        try:
            erase(
                db, files, audit.by_itself(org_id), customer_id, None, None, now,
                ledger=None, cause="restore",
            )  # fmt: skip
        except Refusal as refusal:
            if refusal.code not in (Code.CUSTOMER_ERASED, Code.RECORD_MISSING):
                raise
        else:
            done += 1
    return done


def is_erased(customer: Held | None) -> bool:
    """Whether a customer was erased; one that is not there was not."""
    return customer is not None and customer.row.get("erased_at") is not None


def of_erased(connection: Connection, org_id: str, file_id: str) -> bool:
    """Whether a file is, or would have been, of a customer that was erased: its bytes are not
    wanted any more."""
    file, customer = RECORDS["file"].c, RECORDS["customer"].c
    recorded = select(file.id).join(
        RECORDS["customer"],
        (customer.org_id == file.org_id) & (customer.id == file.customer_id),
    )
    of_one = recorded.where(
        file.org_id == org_id, file.id == file_id, customer.erased_at.is_not(None)
    )
    log = CHANGE_LOG.c
    refused = select(log.change_id).where(
        log.org_id == org_id, log.record_id == file_id, log.code == Code.CUSTOMER_ERASED.key
    )
    return any(connection.execute(query).first() is not None for query in (of_one, refused))


# ── finding ───────────────────────────────────────────────────────────────────────────────


def _find(connection: Connection, org_id: str, customer_id: str) -> _Found:
    customer = RECORDS["customer"].c
    standing = connection.execute(
        select(customer.erased_at).where(customer.org_id == org_id, customer.id == customer_id)
    ).first()
    if standing is None:
        raise Refusal(Code.RECORD_MISSING, entity="customer")
    if standing.erased_at is not None:
        raise Refusal(Code.CUSTOMER_ERASED)
    ids: Ids = {}
    marks: list[str] = []
    for name in OF_A_CUSTOMER:
        table, tie = RECORDS[name], ENTITIES[name].customer
        query = select(table.c.id, table.c.seq).where(
            table.c.org_id == org_id, table.c[tie] == customer_id
        )
        rows = connection.execute(query.order_by(table.c.id)).all()
        ids[name] = [row.id for row in rows]
        marks += [f"{name} {row.id} {row.seq}" for row in rows]
    buckets = [f"customer:{customer_id}", *(f"case:{case_id}" for case_id in ids["case"])]
    changes, waiting, unrecorded = _changes(connection, org_id, ids)
    file_ids = [*ids["file"], *unrecorded]
    hashes: set[str] = set()
    file, early = RECORDS["file"].c, EARLY_FILE.c
    for part in _parts(file_ids):
        for query in (
            select(file.sha256).where(file.org_id == org_id, file.id.in_(part)),
            select(early.sha256).where(early.org_id == org_id, early.file_id.in_(part)),
        ):
            hashes |= {sha256 for sha256 in connection.execute(query).scalars() if sha256}
    return _Found(customer_id, ids, marks, buckets, changes, waiting, sorted(hashes), file_ids)


def _changes(connection: Connection, org_id: str, ids: Ids) -> tuple[list[str], int, list[str]]:
    """Ids of the changes in the log that speak of these records, how many of them wait, and ids of
    files that have no record. What was never applied is looked into: it may have no record."""
    log = CHANGE_LOG.c
    found: dict[str, str] = {}
    known = [record_id for name in ids for record_id in ids[name]]
    for part in _parts(known):
        rows = connection.execute(
            select(log.change_id, log.verdict, log.entity).where(
                log.org_id == org_id, log.record_id.in_(part)
            )
        )
        found |= {row.change_id: row.verdict for row in rows if row.entity != "look"}
    named = set(known)
    unapplied = connection.execute(
        select(log.change_id, log.verdict, log.entity, log.record_id, log.body).where(
            log.org_id == org_id, log.verdict.in_(_UNAPPLIED)
        )
    )
    unrecorded = []
    for row in unapplied:
        if row.change_id not in found and row.entity != "look" and _names(row.body) & named:
            found[row.change_id] = row.verdict
            if row.entity == "file":
                unrecorded.append(row.record_id)
    waiting = sum(verdict == "quarantined" for verdict in found.values())
    return sorted(found), waiting, unrecorded


def _names(body: str) -> set[str]:
    """Ids that a change names, whatever it is of; none for what can't be read."""
    try:
        fields: Mapping[str, Any] = json.loads(body).get("fields") or {}
        return {value for value in fields.values() if isinstance(value, str)}
    except (ValueError, AttributeError):
        return set()


def _told(connection: Connection, org_id: str, found: _Found) -> Preview:
    grant, held = RECORDS["grant"].c, DEVICE_GRANT.c
    versions = _count_history(connection, org_id, found.ids)
    grants = _count(
        connection,
        select(func.count()).where(
            grant.org_id == org_id, grant.bucket.in_(found.buckets), grant.revoked_at.is_(None)
        ),
    )
    devices = _count(
        connection,
        select(func.count(held.device_id.distinct())).where(
            held.org_id == org_id, held.bucket.in_(found.buckets), held.dropped_at.is_(None)
        ),
    )
    plan = hashlib.sha256("\n".join([*found.marks, *found.changes]).encode()).hexdigest()
    return Preview(
        customer_id=found.customer_id,
        plan=plan,
        records={name: len(ids) for name, ids in found.ids.items() if ids},
        versions=versions,
        changes=len(found.changes),
        waiting=found.waiting,
        files=len(found.sha256),
        grants=grants,
        devices=devices,
    )


def _count_history(connection: Connection, org_id: str, ids: Ids) -> int:
    past = HISTORY.c
    return sum(
        _count(
            connection,
            select(func.count()).where(
                past.org_id == org_id, past.entity == name, past.record_id.in_(part)
            ),
        )
        for name, part in _by_entity(ids)
    )


# ── erasing ───────────────────────────────────────────────────────────────────────────────


def _blank(unit: Unit, found: _Found) -> None:
    for name, ids in found.ids.items():
        unit.load(name, ids)
        for record_id in ids:
            held = unit.held[name, record_id]
            fresh = blanked(ENTITIES[name], held.row)
            if name == "customer":
                fresh["erased_at"] = unit.now_text
            if fresh:
                unit.update(name, record_id, fresh)
    for grant in unit.find("grant", bucket=found.buckets):  # why somebody asked to see them
        unit.update("grant", grant.id, {"reason": None})


def _empty(connection: Connection, org_id: str, found: _Found, now: datetime) -> None:
    """What stands beside the typed rows: earlier versions, the log of changes, alarms, reasons."""
    past, log = HISTORY.c, CHANGE_LOG.c
    for name, part in _by_entity(found.ids):
        connection.execute(
            update(HISTORY)
            .where(past.org_id == org_id, past.entity == name, past.record_id.in_(part))
            .values(body=EMPTIED)
        )
    grant, look, customer_id = RECORDS["grant"].c, RECORDS["look"].c, found.customer_id
    grants = select(grant.id).where(grant.org_id == org_id, grant.bucket.in_(found.buckets))
    connection.execute(
        update(HISTORY)
        .where(past.org_id == org_id, past.entity == "grant", past.record_id.in_(grants))
        .values(body=EMPTIED)
    )
    for part in _parts(found.changes):
        mine = (log.org_id == org_id, log.change_id.in_(part))
        emptied = {"body": EMPTIED, "emptied_at": to_wire(now)}
        connection.execute(update(CHANGE_LOG).where(*mine).values(emptied))
        connection.execute(
            update(CHANGE_LOG)
            .where(*mine, log.verdict == "quarantined")
            .values(verdict="rejected", code=Code.CUSTOMER_ERASED.key)
        )
    looks = select(look.id).where(look.org_id == org_id, look.customer_id == customer_id)
    connection.execute(
        update(LOOK_REVIEW)
        .where(LOOK_REVIEW.c.org_id == org_id, LOOK_REVIEW.c.look_id.in_(looks))
        .values(note=None)
    )
    subjects = [*found.changes, *(i for ids in found.ids.values() for i in ids)]
    alarmed = ALARM.c.subject_id
    for about in (alarmed.in_(looks), *(alarmed.in_(part) for part in _parts(subjects))):
        connection.execute(
            update(ALARM)
            .where(ALARM.c.org_id == org_id, about)
            .values(detail=None, explanation=None)
        )
    asked, moved = DETAIL_REQUEST.c, RECORD_MOVE.c
    connection.execute(
        update(DETAIL_REQUEST)
        .where(asked.org_id == org_id, asked.customer_id == customer_id)
        .values(reason="")
    )
    connection.execute(
        update(RECORD_MOVE)
        .where(
            moved.org_id == org_id,
            (moved.from_customer == customer_id) | (moved.to_customer == customer_id),
        )
        .values(reason=None)
    )


def _let_go_of_files(connection: Connection, org_id: str, found: _Found) -> list[str]:
    """Forgets the bytes that no other customer's record names; returns their hashes."""
    file = RECORDS["file"].c
    doomed = []
    for sha256 in found.sha256:
        others = select(file.id).where(file.org_id == org_id, file.sha256 == sha256)
        if connection.execute(others).first() is None:
            doomed.append(sha256)
    for table in (STORED_FILE, EARLY_FILE):
        for part in _parts(doomed):
            connection.execute(
                delete(table).where(table.c.org_id == org_id, table.c.sha256.in_(part))
            )
    return doomed


def _let_go_of_uploads(connection: Connection, org_id: str, found: _Found) -> list[str]:
    """Forgets what was on its way; returns the ids of the uploads."""
    uploads: list[str] = []
    for part in _parts(found.file_ids):
        mine = (UPLOAD.c.org_id == org_id, UPLOAD.c.file_id.in_(part))
        uploads += connection.execute(select(UPLOAD.c.id).where(*mine)).scalars()
        connection.execute(delete(UPLOAD).where(*mine))
    return uploads


def _by_entity(ids: Ids) -> Iterator[tuple[str, list[str]]]:
    for name, all_of_them in ids.items():
        for part in _parts(all_of_them):
            yield name, part


def _parts(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _PART):
        yield list(ids[start : start + _PART])


def _count(connection: Connection, query: Any) -> int:
    return int(connection.execute(query).scalar_one())
