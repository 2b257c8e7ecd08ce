"""Keeps the facts that figures are made of up to date: for each customer of whom anything was
written since the last time, all of theirs are worked out anew, and daily sums move by the
difference.

What was written is found by the heads of customers' buckets (an index by number), so that late
work, moved records and erased customers need no rules of their own: whatever order work arrives in,
the facts are those of the records as they stand (L8). Part by part, each a transaction.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select

from shared.case_facts import Event, case_facts
from shared.clock import from_wire, to_wire
from shared.periods import month_of
from shared.policy import Policies
from shared.service_clock import Dial
from sync_server.db.among import among
from sync_server.db.base import Database
from sync_server.db.figures import (
    FIGURE_ANSWER,
    FIGURE_CASE,
    FIGURE_CUSTOMER,
    FIGURE_MONTH,
    FIGURE_STATE,
)
from sync_server.db.log import BUCKET_HEAD
from sync_server.db.putting import insert_rows, upsert_rows
from sync_server.db.records import RECORDS
from sync_server.services.accounts import policies_of
from sync_server.services.calendars import calendar_of, zone_of
from sync_server.services.figure_days import Place, added_by, move_sums
from sync_server.services.vitals import organisations

AT_ONCE = 400
"""Customers of one part: their cases and orders are at hand together, and others may write after
a moment."""

_BUCKET = "customer:"
_HEAD = BUCKET_HEAD.c
_OF_CUSTOMERS = (FIGURE_CUSTOMER, FIGURE_MONTH, FIGURE_CASE, FIGURE_ANSWER)

_KEYS = {
    FIGURE_CUSTOMER: "customer_id",
    FIGURE_MONTH: "customer_id",
    FIGURE_CASE: "case_id",
    FIGURE_ANSWER: "id",
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Rules:
    """What facts are worked out by, beside the records."""

    dial: Dial
    policies: Policies
    digest: str

    def day(self, moment: str | datetime | None) -> str | None:
        """The local day of a moment."""
        if moment is None:
            return None
        read = from_wire(moment) if isinstance(moment, str) else moment
        return read.astimezone(self.dial.zone).date().isoformat()


def keep_figures(db: Database, now: datetime) -> None:
    """Brings every organisation's facts up to date. Harmless at any time, and from several
    processes."""
    with db.read() as connection:
        orgs = organisations(connection)
    for org_id in orgs:
        catch_up(db, org_id, now)


def catch_up(db: Database, org_id: str, now: datetime, parts: int | None = None) -> bool:
    """Works through what was written, at most so many parts of it; True once nothing is left."""
    done = False
    while not done and parts != 0:
        with db.read() as connection:
            if not _waiting(connection, org_id, now):
                return True
        done = db.again(lambda: _part(db, org_id, now))
        parts = None if parts is None else parts - 1
    return done


def _waiting(connection: Connection, org_id: str, now: datetime) -> bool:
    """Whether anything was written, or the rules changed: asked without writing."""
    state = connection.execute(select(FIGURE_STATE).where(FIGURE_STATE.c.org_id == org_id)).first()
    if state is None or state.rules != _rules(connection, org_id, now).digest:
        return True
    return bool(_moved(connection, org_id, state.seq, 1))


def _part(db: Database, org_id: str, now: datetime) -> bool:
    with db.write() as connection:
        state = connection.execute(
            select(FIGURE_STATE).where(FIGURE_STATE.c.org_id == org_id).with_for_update()
        ).first()
        rules = _rules(connection, org_id, now)
        since = state.seq if state is not None and state.rules == rules.digest else 0
        moved = _moved(connection, org_id, since, AT_ONCE)
        customers = [row.bucket.removeprefix(_BUCKET) for row in moved]
        if customers:
            _work_out(connection, org_id, customers, rules)
        reached = moved[-1].max_seq if moved else since
        kept = {"seq": reached, "rules": rules.digest, "counted_at": to_wire(now)}
        changes = {name: f"excluded.{name}" for name in kept}
        upsert_rows(connection, FIGURE_STATE, [{"org_id": org_id, **kept}], changes)
    return len(moved) < AT_ONCE


def _moved(connection: Connection, org_id: str, since: int, most: int) -> Sequence[Any]:
    """Customers' buckets that moved since, in the order of their last write; all of one number come
    together, as a move writes two."""
    ours = (_HEAD.org_id == org_id, _HEAD.bucket.startswith(_BUCKET))
    found = connection.execute(
        select(_HEAD.bucket, _HEAD.max_seq)
        .where(*ours, _HEAD.max_seq > since)
        .order_by(_HEAD.max_seq)
        .limit(most)
    ).all()
    if len(found) < most or most == 1:
        return found
    last = found[-1].max_seq
    ties = connection.execute(
        select(_HEAD.bucket, _HEAD.max_seq).where(*ours, _HEAD.max_seq == last)
    ).all()
    return [row for row in found if row.max_seq != last] + list(ties)


def _rules(connection: Connection, org_id: str, now: datetime) -> _Rules:
    zone = zone_of(connection, org_id)
    calendar = calendar_of(connection, org_id)
    versions = policies_of(connection, org_id)
    days = {str(day): worked for day, worked in calendar.exceptions.items()}
    told = [(number, str(since), dict(settings)) for number, since, settings in versions]
    said = json.dumps([zone.key, str(calendar.known_until), days, told], sort_keys=True)
    digest = hashlib.sha256(said.encode()).hexdigest()
    return _Rules(Dial(calendar, zone, now), Policies(versions), digest)


def _work_out(connection: Connection, org_id: str, customers: Sequence[str], rules: _Rules) -> None:
    """The facts of these customers in place of those that were there, and daily sums with them."""
    read = _Reader(connection, org_id, customers)
    homes = {
        row.id: row
        for row in read("customer", "id", "store_id", "stage", "referred", "created_at", of="id")
    }
    stores = {customer: row.store_id or "" for customer, row in homes.items()}
    cases = _cases(read, stores, rules)
    rows = {
        FIGURE_CUSTOMER: _customers(homes.values(), cases, rules),
        FIGURE_MONTH: _months(read, stores, rules),
        FIGURE_CASE: cases,
        FIGURE_ANSWER: _answers(read, stores, cases, rules),
    }
    moved: Counter[Place] = Counter()
    for table in _OF_CUSTOMERS:
        key = _KEYS[table]
        named = {"customer_id": customers, key: [row[key] for row in rows[table]]}
        # By its own id as well: a moved record may still stand under another customer.
        for name, ids in named.items():
            here = (table.c.org_id == org_id, among(connection, table.c[name], ids))
            before = connection.execute(select(table).where(*here)).mappings().all()
            if before:
                connection.execute(delete(table).where(*here))
                moved.subtract(added_by(table, [dict(row) for row in before]))
        moved.update(added_by(table, rows[table]))
        insert_rows(connection, table, [{"org_id": org_id, **row} for row in rows[table]])
    move_sums(connection, org_id, moved)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Rows of these customers, as the typed tables have them."""

    connection: Connection
    org_id: str
    customers: Sequence[str]

    def __call__(self, entity: str, *names: str, of: str = "customer_id") -> Sequence[Any]:
        table = RECORDS[entity]
        return self.connection.execute(
            select(*(table.c[name] for name in names)).where(
                table.c.org_id == self.org_id,
                among(self.connection, table.c[of], self.customers),
            )
        ).all()


def _customers(homes: Iterable[Any], cases: Iterable[Row], rules: _Rules) -> list[Row]:
    """Actual ones, and whoever had a case; since then at the latest, as some are entered after
    it."""
    served: dict[str, str] = {}
    for row in cases:
        day = row["opened_day"]
        served[row["customer_id"]] = min(day, served.get(row["customer_id"], day))
    found = []
    for row in homes:
        if row.stage != "potential" or row.id in served:
            made = rules.day(row.created_at) or ""
            since = min(made, served.get(row.id, made))
            facts = {"customer_id": row.id, "store_id": row.store_id or "", "since_day": since}
            found.append(facts | {"referred": bool(row.referred)})
    return found


def _months(read: _Reader, stores: Mapping[str, str], rules: _Rules) -> list[Row]:
    found: dict[tuple[str, int], list[int]] = {}
    for row in read("order", "customer_id", "ordered_at", "state", "total_cents"):
        month = month_of(from_wire(row.ordered_at).astimezone(rules.dial.zone).date())
        sums = found.setdefault((row.customer_id, month), [0, 0])
        sums[0] += row.state != "cancelled"
        sums[1] += row.total_cents or 0
    return [
        {
            "customer_id": customer, "month": month, "store_id": stores.get(customer, ""),
            "orders": orders, "cents": cents,
        }
        for (customer, month), (orders, cents) in found.items()
    ]  # fmt: skip


def _cases(read: _Reader, stores: Mapping[str, str], rules: _Rules) -> list[Row]:
    events: dict[str, list[Event]] = {}
    for e in read("case_event", "id", "case_id", "happened_at", "kind", "to_state", "waiting_for",
                  "staff_id"):  # fmt: skip
        one = Event(e.id, from_wire(e.happened_at), e.kind, e.to_state, e.waiting_for, e.staff_id)
        events.setdefault(e.case_id, []).append(one)
    made = []
    for row in read("case", "id", "customer_id", "kind", "priority", "state", "opened_at",
                    "assignee_id", "reassigned", "reopened", "origin_ref"):  # fmt: skip
        opened = from_wire(row.opened_at)
        facts = case_facts(
            row.kind, opened, events.get(row.id, ()), rules.policies, rules.dial,
            assignee=row.assignee_id,
        )  # fmt: skip
        local = opened.astimezone(rules.dial.zone)
        made.append({
            "case_id": row.id,
            "customer_id": row.customer_id,
            "store_id": stores.get(row.customer_id, ""),
            "staff_id": facts.staff_id or "",
            "kind": row.kind,
            "priority": row.priority or "",
            "state": row.state,
            "opened_day": local.date().isoformat(),
            "opened_hour": local.weekday() * 24 + local.hour,
            "answered_day": rules.day(facts.answered_at),
            "answer_seconds": _seconds(opened, facts.answered_at),
            "answered_in_time": facts.answered_in_time,
            "resolved_day": rules.day(facts.resolved_at),
            "resolve_seconds": _seconds(opened, facts.resolved_at),
            "resolved_in_time": facts.resolved_in_time,
            "provisional": facts.provisional,
            "policy_version": facts.policy,
            "reassigned": facts.reassigned if row.reassigned is None else row.reassigned,
            "reopened": (row.reopened or 0) if row.origin_ref else facts.reopened,
        })  # fmt: skip
    return made


def _answers(
    read: _Reader, stores: Mapping[str, str], cases: Iterable[Row], rules: _Rules
) -> list[Row]:
    """Points of callbacks and visits; a case's count for whoever had the case."""
    had = {row["case_id"]: row["staff_id"] for row in cases}
    asked = [
        (row, row.finished_at or row.due_at, had.get(row.case_id or "") or row.assignee_id)
        for row in read("callback", "id", "customer_id", "case_id", "finished_at", "due_at",
                        "assignee_id", "satisfaction", "state")
        if row.satisfaction is not None and row.state == "done"
    ]  # fmt: skip
    asked += [
        (row, row.finished_at or row.planned_at, row.owner_id)
        for row in read("visit", "id", "customer_id", "finished_at", "planned_at", "owner_id",
                        "satisfaction", "state")
        if row.satisfaction is not None and row.state == "finished"
    ]  # fmt: skip
    return [
        {
            "id": row.id,
            "customer_id": row.customer_id,
            "store_id": stores.get(row.customer_id, ""),
            "staff_id": staff or "",
            "case_id": getattr(row, "case_id", None),
            "day": rules.day(at),
            "points": row.satisfaction,
            "satisfied": row.satisfaction
            >= rules.policies.at(from_wire(at)).settings.satisfied_from_points,
        }
        for row, at, staff in asked
    ]


def _seconds(since: datetime, until: datetime | None) -> int | None:
    return None if until is None else max(0, round((until - since).total_seconds()))


def counted(connection: Connection, org_id: str) -> tuple[str | None, int]:
    """When facts were last worked out (wire time), and of how many customers something written
    since is not in them yet."""
    state = connection.execute(select(FIGURE_STATE).where(FIGURE_STATE.c.org_id == org_id)).first()
    waiting = connection.scalar(
        select(func.count()).where(
            _HEAD.org_id == org_id,
            _HEAD.max_seq > (state.seq if state is not None else 0),
            _HEAD.bucket.startswith(_BUCKET),
        )
    )
    return (state.counted_at if state is not None else None), waiting or 0


__all__ = ["AT_ONCE", "catch_up", "counted", "keep_figures"]
