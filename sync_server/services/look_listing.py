"""Who looked at whom, for those who may ask (S4 #157): administrators for everyone, customers by id
alone; store managers for the people of their store; holders of a customer for that customer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, true

from shared.clock import to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.wire_looks import PAGE, LookSeen
from sync_server.db.among import among
from sync_server.db.looks import LOOK_LINK
from sync_server.db.records import RECORDS
from sync_server.services.caller import Caller
from sync_server.services.grants import live_grants

MOST = 200
HOLDERS = frozenset({Role.ACCOUNT_MANAGER, Role.STORE_MANAGER})

_LOOK, _STAFF, _LINK = RECORDS["look"].c, RECORDS["staff"].c, LOOK_LINK.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for; what is None is not asked. `after` is the id of the last look of the page
    before."""

    staff_id: str | None = None
    customer_id: str | None = None
    device_id: str | None = None
    what: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: str | None = None
    limit: int = PAGE


def reach(caller: Caller) -> ColumnElement[bool]:
    """Whose looks somebody may list: an administrator everyone's, a store manager those of their
    store's people. Refuses everyone else."""
    if caller.role is Role.ADMINISTRATOR:
        return true()
    if caller.role is not Role.STORE_MANAGER or caller.store_id is None:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    return _STAFF.store_id == caller.store_id


def looks(connection: Connection, caller: Caller, asked: Asked) -> list[LookSeen]:
    """Looks within reach, the newest first. Refuses `ROLE_NOT_ALLOWED`."""
    return _read(connection, _narrowed(_query(caller.org_id).where(reach(caller)), asked))


def looks_at(
    connection: Connection, caller: Caller, customer_id: str, asked: Asked, now: datetime
) -> list[LookSeen]:
    """Who looked at one customer, for the account manager or store manager who holds that customer
    at this moment. Refuses `ROLE_NOT_ALLOWED` and `OUT_OF_SCOPE`."""
    if caller.role not in HOLDERS:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    if not held_of(connection, caller, [customer_id], now):
        raise Refusal(Code.OUT_OF_SCOPE)
    query = _query(caller.org_id).where(_LOOK.customer_id == customer_id)
    return _read(connection, _narrowed(query, asked))


def own_looks(connection: Connection, caller: Caller, asked: Asked) -> list[LookSeen]:
    """What the caller looked at, as it is on record."""
    query = _query(caller.org_id).where(_LOOK.created_by == caller.staff_id)
    return _read(connection, _narrowed(query, asked))


def held_of(
    connection: Connection, caller: Caller, customer_ids: Collection[str], now: datetime
) -> set[str]:
    """Those of these customers that the caller holds at this moment."""
    buckets = {f"customer:{customer_id}": customer_id for customer_id in customer_ids}
    live = live_grants(connection, caller.org_id, caller.staff_id, now, buckets)
    return {buckets[grant.bucket] for grant in live}


def names_held(
    connection: Connection, caller: Caller, customer_ids: Collection[str], now: datetime
) -> dict[str, str]:
    """Names of those of these customers that the caller holds at this moment; of nobody else's."""
    mine = sorted(held_of(connection, caller, customer_ids, now))
    customer = RECORDS["customer"].c
    rows = connection.execute(
        select(customer.id, customer.name).where(
            customer.org_id == caller.org_id, among(connection, customer.id, mine)
        )
    )
    return {row.id: row.name for row in rows}


def _query(org_id: str) -> Select[Any]:
    device = (
        select(_LINK.device_id)
        .where(_LINK.org_id == _LOOK.org_id, _LINK.look_id == _LOOK.id)
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            _LOOK.id,
            _LOOK.looked_at,
            _LOOK.created_by.label("staff_id"),
            _STAFF.name.label("staff"),
            _LOOK.what,
            _LOOK.entity,
            _LOOK.record_id,
            _LOOK.customer_id,
            _LOOK.hits,
            device.label("device_id"),
        )
        .join(RECORDS["staff"], (_STAFF.org_id == _LOOK.org_id) & (_STAFF.id == _LOOK.created_by))
        .where(_LOOK.org_id == org_id)
        .order_by(_LOOK.id.desc())
    )


def _narrowed(query: Select[Any], asked: Asked) -> Select[Any]:
    equal = {
        _LOOK.created_by: asked.staff_id,
        _LOOK.customer_id: asked.customer_id,
        _LOOK.what: asked.what,
    }
    for column, value in equal.items():
        if value is not None:
            query = query.where(column == value)
    if asked.device_id is not None:
        of_device = select(_LINK.look_id).where(
            _LINK.org_id == _LOOK.org_id, _LINK.device_id == asked.device_id
        )
        query = query.where(_LOOK.id.in_(of_device))
    if asked.since is not None:
        query = query.where(_LOOK.looked_at >= to_wire(asked.since))
    if asked.until is not None:
        query = query.where(_LOOK.looked_at < to_wire(asked.until))
    if asked.after is not None:
        query = query.where(_LOOK.id < asked.after)
    return query.limit(max(1, min(asked.limit, MOST)))


def _read(connection: Connection, query: Select[Any]) -> list[LookSeen]:
    rows: Sequence[Any] = connection.execute(query).all()
    return [LookSeen(**row._mapping) for row in rows]
