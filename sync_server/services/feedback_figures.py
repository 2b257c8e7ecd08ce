"""What customers say of us: how often, which share, and what came of it (S0 #28, #29; S2 #97).

Each topic's figures count feedback and complaints that were put under it. Head office and
administrators, who see no customer, see them as `shared.suppression` allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, union_all

from shared.clock import to_wire
from shared.errors import Code, Refusal
from shared.ids import derived_id
from shared.suppression import ALL, LEAST, published
from sync_server.db.base import Database
from sync_server.db.records import RECORDS
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.writing import Author, Unit, write

_FEEDBACK, _CASE, _CUSTOMER, _ENTRY = (
    RECORDS[name].c for name in ("feedback", "case", "customer", "reference")
)
CATALOGUE = "feedback_topic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One entry of the taxonomy. `workdays` is how long its department has (S0 #29)."""

    key: str
    title: Mapping[str, str]
    department: Mapping[str, str]
    workdays: int
    retired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One topic's figures of a time. None: hidden, lest a single customer be worked out."""

    topic: str
    count: int | None
    percent: int | None
    overdue: int | None
    solved: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """The most frequent first; `total` None where it is hidden."""

    rows: list[Share]
    total: int | None


def topics(connection: Connection, org_id: str) -> list[Topic]:
    """The taxonomy in its order, the retired ones among them."""
    query = (
        select(_ENTRY.key, _ENTRY.data)
        .where(_ENTRY.org_id == org_id, _ENTRY.catalogue == CATALOGUE)
        .order_by(_ENTRY.order, _ENTRY.key)
    )
    return [_topic(row.key, row.data) for row in connection.execute(query)]


def shares(
    connection: Connection,
    org_id: str,
    since: datetime,
    now: datetime,
    *,
    store_id: str | None,
) -> Shares:
    """Figures since a moment: of one store, exact, for those who hold its customers; of all stores
    (None) with small groups hidden."""
    counts = _counts(connection, org_id, since, store_id)
    overdue = _counted(
        connection, org_id, since, store_id,
        _FEEDBACK.finished_at.is_(None), _FEEDBACK.due_at < to_wire(now),
    )  # fmt: skip
    solved = _counted(connection, org_id, since, store_id, _FEEDBACK.effect == "solved")
    everything = store_id is not None
    people: dict[tuple[str, ...], int] = {(topic,): number for topic, (_, number) in counts.items()}
    shown = people.keys() if everything else published(people).keys() if people else ()
    whole = sum(count for count, _ in counts.values())
    total = whole if everything or not people or (ALL,) in shown else None

    def row(topic: str) -> Share:
        if (topic,) not in shown:
            return Share(topic=topic, count=None, percent=None, overdue=None, solved=None)
        count, _ = counts[topic]
        few = range(0 if everything else LEAST)[1:]  # numbers that would tell of somebody
        parts = [found.get(topic, 0) for found in (overdue, solved)]
        late, done = (None if number in few else number for number in parts)
        percent = round(100 * count / total) if total else None
        return Share(topic=topic, count=count, percent=percent, overdue=late, solved=done)

    rows = [row(topic) for topic in sorted(counts)]
    return Shares(rows=sorted(rows, key=lambda one: -(one.count or 0)), total=total)


def keep_topic(
    db: Database, who: Caller | audit.Actor, topic: Topic, now: datetime, *, new: bool = False
) -> None:
    """A new topic, or another wording, department or deadline for one; a retired one is offered no
    more and goes on counting. Twice is as once. Refuses FIELD_REQUIRED for one without a title, and
    RECORD_EXISTS for a `new` one whose key another topic has."""
    if not any(text.strip() for text in topic.title.values()):
        raise Refusal(Code.FIELD_REQUIRED, field="topic.title")

    def work(unit: Unit) -> None:
        record_id = derived_id(who.org_id, "reference", CATALOGUE, topic.key)
        data = {
            "key": topic.key,
            "title": dict(topic.title),
            "department": dict(topic.department),
            "workdays": topic.workdays,
            **({"retired": True} if topic.retired else {}),
        }
        author = Author(staff_id=who.staff_id)
        held = unit.get("reference", record_id)
        if held is not None:
            if new and _topic(topic.key, held.row["data"]) != topic:
                raise Refusal(Code.RECORD_EXISTS, field="topic.key")
            kept = {k: v for k, v in held.row["data"].items() if k not in {*data, "retired"}}
            unit.update("reference", record_id, {"data": {**kept, **data}}, author)
        else:
            order = len(topics(unit.connection, who.org_id))
            row = {"id": record_id, "catalogue": CATALOGUE, "key": topic.key, "order": order}
            unit.create("reference", {**row, "data": data}, author)
        audit.note(unit, who, Action.TOPIC_CHANGED, subject=("reference", record_id))

    write(db, who.org_id, now, work)


def _topic(key: str, data: Mapping[str, Any]) -> Topic:
    return Topic(
        key=key,
        title=data.get("title") or {},
        department=data.get("department") or {},
        workdays=int(data.get("workdays") or 0),
        retired=bool(data.get("retired")),
    )


def _counts(
    connection: Connection, org_id: str, since: datetime, store_id: str | None
) -> dict[str, tuple[int, int]]:
    """(how often, of how many customers) by topic: feedback and complaints together; a complaint
    that was also noted as feedback counts once, by its case."""
    said = select(
        _FEEDBACK.topic.label("topic"), _FEEDBACK.case_id.label("case_id"),
        _FEEDBACK.id.label("id"), _FEEDBACK.customer_id.label("customer_id"),
    ).where(
        _FEEDBACK.org_id == org_id, _FEEDBACK.happened_at >= to_wire(since)
    )  # fmt: skip
    told = select(_CASE.category, _CASE.id, _CASE.id, _CASE.customer_id).where(
        _CASE.org_id == org_id,
        _CASE.kind == "complaint",
        _CASE.category.is_not(None),
        _CASE.opened_at >= to_wire(since),
    )
    if store_id is not None:
        said = said.join(
            RECORDS["customer"],
            (_CUSTOMER.org_id == _FEEDBACK.org_id) & (_CUSTOMER.id == _FEEDBACK.customer_id),
        ).where(_CUSTOMER.store_id == store_id)
        told = told.where(_CASE.store_id == store_id)
    both = union_all(said, told).subquery()
    once = func.count(func.coalesce(both.c.case_id, both.c.id).distinct())
    people = func.count(both.c.customer_id.distinct())
    query = select(both.c.topic, once, people).group_by(both.c.topic)
    return {topic: (count, number) for topic, count, number in connection.execute(query)}


def _counted(
    connection: Connection, org_id: str, since: datetime, store_id: str | None, *conditions: Any
) -> dict[str, int]:
    query = (
        select(_FEEDBACK.topic, func.count())
        .where(_FEEDBACK.org_id == org_id, _FEEDBACK.happened_at >= to_wire(since), *conditions)
        .group_by(_FEEDBACK.topic)
    )
    if store_id is not None:
        query = query.join(
            RECORDS["customer"],
            (_CUSTOMER.org_id == _FEEDBACK.org_id) & (_CUSTOMER.id == _FEEDBACK.customer_id),
        ).where(_CUSTOMER.store_id == store_id)
    return {topic: count for topic, count in connection.execute(query)}
