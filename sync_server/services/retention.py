"""What is older than the policy allows is erased by itself (`retention_days`; S2 #103).

A customer about whom nothing happened and nothing was written for that long is erased as on
request. Of the log of changes, which keeps every change as it came, older texts are emptied; what
they made stands in the records. What people wrote in surveys goes by itself after a shorter time
(`survey_words_days`; S4 #162), and the tallies stay. Looks and the audit log stay: they hold ids.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import ColumnElement, Connection, and_, delete, exists, false, or_, select, update

from shared.clock import to_wire
from shared.declare import ENTITIES, MARKS, Kind
from shared.errors import Code, Refusal
from shared.periods import month_of
from sync_server.db.base import Database
from sync_server.db.log import CHANGE_LOG, ORG_STATE
from sync_server.db.records import RECORDS
from sync_server.db.surveys import SURVEY_WORDS
from sync_server.services import audit, leaps
from sync_server.services.accounts import policy_of
from sync_server.services.audit import Action
from sync_server.services.calendars import zone_of
from sync_server.services.erasing import EMPTIED, OF_A_CUSTOMER, erase
from sync_server.services.file_store import FileStore

_PART = 50
"""Customers that are erased in one call for one organisation, each in a transaction of its own."""
_TEXTS = 500
_NO_SIGN_OF_LIFE = {"assignment"}
"""Being given to somebody is nothing that the customer did."""
_BY_RULES = {"churn_score", "retention_plan", "tier_proposal"}
"""What the server writes by itself says nothing of them either, until somebody takes it up; nor
does a visit that the cadence alone planned, of which everybody has one ahead."""

_log = structlog.get_logger("huifang.retention")


def sweep_retention(db: Database, files: FileStore, ledger: Path | None, now: datetime) -> int:
    """Erases and empties a part of what is over, and says how much; call it again until that is 0.
    Harmless at any time."""
    with db.read() as connection:
        org_ids = connection.execute(select(ORG_STATE.c.org_id)).scalars().all()
    due = [org_id for org_id in org_ids if leaps.may_act(db, org_id, now)]
    return sum(_sweep(db, files, ledger, org_id, now) for org_id in due)


def _sweep(db: Database, files: FileStore, ledger: Path | None, org_id: str, now: datetime) -> int:
    with db.read() as connection:
        days = policy_of(connection, org_id, now).retention_days
        before = to_wire(now - timedelta(days=days))
        over = _over(connection, org_id, before)
    for customer_id in over:

        def still(connection: Connection, customer_id: str = customer_id) -> bool:
            return bool(_over(connection, org_id, before, customer_id))

        try:
            erase(
                db, files, audit.by_itself(org_id), customer_id, None, None, now,
                ledger=ledger, cause="retention", still=still,
            )  # fmt: skip
        except Refusal as refusal:  # heard of again meanwhile, or erased by somebody else
            if refusal.code not in (Code.PREVIEW_OUTDATED, Code.CUSTOMER_ERASED):
                raise
    emptied = _empty_texts(db, org_id, before, now)
    words = _forget_words(db, org_id, now)
    if over or emptied or words:
        _log.info(
            "retention_swept",
            org=org_id, customers=len(over), changes=emptied, words=words, days=days,
        )  # fmt: skip
        with db.write() as connection:
            audit.note(
                connection, audit.by_itself(org_id), Action.RETENTION_SWEPT, now=now,
                customers=len(over), changes=emptied, words=words, days=days,
            )  # fmt: skip
    return len(over) + emptied + words


def _over(
    connection: Connection, org_id: str, before: str, customer_id: str | None = None
) -> list[str]:
    """Customers whose time is over; of one alone, whether theirs is."""
    customer = RECORDS["customer"].c
    query = select(customer.id).where(
        customer.org_id == org_id,
        customer.erased_at.is_(None),
        customer.updated_at < before,
        *(~_since(name, before) for name in OF_A_CUSTOMER if name != "customer"),
    )
    if customer_id is not None:
        query = query.where(customer.id == customer_id)
    return list(connection.execute(query.order_by(customer.id).limit(_PART)).scalars())


def _since(name: str, before: str) -> ColumnElement[bool]:
    """Whether the customer has a record of this kind that is from the time that is kept."""
    if name in _NO_SIGN_OF_LIFE:
        return false()
    entity, table, customer = ENTITIES[name], RECORDS[name].c, RECORDS["customer"].c
    times = [table.updated_at]
    if entity.at not in MARKS and entity.fields[entity.at].kind is Kind.INSTANT:
        times.append(table[entity.at])
    said: list[ColumnElement[bool]] = []
    if name == "visit":
        said = [or_(table.due_by.is_(None), table.updated_by.is_not(None))]
    elif name in _BY_RULES:
        said = [table.updated_by.is_not(None)]
    return exists().where(
        and_(
            table.org_id == customer.org_id,
            table[entity.customer] == customer.id,
            or_(*(time >= before for time in times)),
            *said,
        )
    )


def _empty_texts(db: Database, org_id: str, before: str, now: datetime) -> int:
    """What waits for a manager is kept, however old. Looked for without the writer's lock: mostly
    there is nothing."""
    log = CHANGE_LOG.c
    over = (
        log.org_id == org_id,
        log.received_at < before,
        log.emptied_at.is_(None),
        log.verdict != "quarantined",
    )
    with db.read() as connection:
        found = select(log.change_id).where(*over).order_by(log.seq).limit(_TEXTS)
        old = connection.execute(found).scalars().all()
    if not old:
        return 0
    with db.write() as connection:
        emptied = connection.execute(
            update(CHANGE_LOG)
            .where(*over, log.change_id.in_(old))
            .values(body=EMPTIED, emptied_at=to_wire(now))
        )
    return emptied.rowcount


def _forget_words(db: Database, org_id: str, now: datetime) -> int:
    """Words of surveys know their month alone, and go with the whole of it."""
    words = SURVEY_WORDS.c
    with db.read() as connection:
        days = policy_of(connection, org_id, now).survey_words_days
        today = now.astimezone(zone_of(connection, org_id)).date()
        over = (words.org_id == org_id, words.month < month_of(today - timedelta(days=days)))
        old = connection.execute(select(words.id).where(*over).limit(_TEXTS)).scalars().all()
    if not old:
        return 0
    with db.write() as connection:
        return connection.execute(delete(SURVEY_WORDS).where(*over, words.id.in_(old))).rowcount


__all__ = ["sweep_retention"]
