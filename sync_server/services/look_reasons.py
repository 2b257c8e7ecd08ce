"""Why somebody may have wanted to read about a customer (S4 #156): what the records know of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select

from shared.clock import from_wire
from shared.unusual import Reason
from sync_server.db.among import among
from sync_server.db.records import RECORDS


def reasons(
    connection: Connection, org_id: str, staff_id: str, customer_ids: Sequence[str]
) -> Iterator[Reason]:
    """Visits, cases, callbacks at these customers, the time from which they were the reader's, and
    details that were approved for them."""

    def rows(entity: str, *names: str, **equal: Any) -> Iterator[Any]:
        column = RECORDS[entity].c
        query = select(column.customer_id, *(column[name] for name in names)).where(
            column.org_id == org_id, among(connection, column.customer_id, customer_ids)
        )
        for name, value in equal.items():
            query = query.where(column[name] == value)
        return iter(connection.execute(query))

    for row in rows("visit", "planned_at", "started_at", "finished_at"):
        for moment in (row.planned_at, row.started_at, row.finished_at):
            if moment:
                yield _around(row.customer_id, moment)
    for row in rows("case", "opened_at", "closed_at"):
        yield _between(row.customer_id, row.opened_at, row.closed_at)
    for row in rows("callback", "created_at", "due_at", "finished_at"):
        yield _between(row.customer_id, row.created_at, row.finished_at or row.due_at)
    for row in rows("assignment", "from_at", staff_id=staff_id):
        yield _around(row.customer_id, row.from_at)
    grant = RECORDS["grant"].c
    buckets = [f"customer:{customer_id}" for customer_id in customer_ids]
    approved = connection.execute(
        select(grant.bucket, grant.not_before, grant.expires_at).where(
            grant.org_id == org_id,
            grant.staff_id == staff_id,
            grant.purpose == "approved_detail",
            among(connection, grant.bucket, buckets),
        )
    )
    for row in approved:
        yield _between(row.bucket.partition(":")[2], row.not_before, row.expires_at)


def _around(customer_id: str, moment: str) -> Reason:
    return Reason(customer_id, from_wire(moment), from_wire(moment))


def _between(customer_id: str, since: str, until: str | None) -> Reason:
    return Reason(customer_id, from_wire(since), from_wire(until) if until else None)
