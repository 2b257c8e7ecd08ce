"""Customers that are perhaps the same: two of a store who share a telephone number, met by two
people and typed in twice. Somebody has to look: nothing is joined by itself, and a number may well
be that of a building's reception.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select, union_all

from sync_server.db.among import among
from sync_server.db.records import RECORDS
from sync_server.services.caller import Caller
from sync_server.services.tier_queue import in_store

MOST = 100
"""Numbers told of at once."""
_CUSTOMER, _CONTACT = RECORDS["customer"].c, RECORDS["contact"].c
_TOLD = ("id", "origin_ref", "owner_id", "created_by", "created_at")

Alike = list[Mapping[str, Any]]
"""Customers who share a number, the oldest first; of each what `_TOLD` names."""


def alike(connection: Connection, caller: Caller) -> list[Alike]:
    """The groups of a store manager's own store, those with the youngest customer first; each group
    once, whatever it shares. A customer's number and their contacts' count alike, compared by
    their keyed hashes."""
    store = (_CUSTOMER.org_id == caller.org_id, in_store(caller), _CUSTOMER.erased_at.is_(None))
    numbers = union_all(
        select(_CUSTOMER.id.label("customer_id"), _CUSTOMER.phone_hash.label("number")).where(
            *store, _CUSTOMER.phone_hash.is_not(None)
        ),
        select(_CONTACT.customer_id, _CONTACT.phone_hash).where(
            _CONTACT.org_id == caller.org_id,
            _CONTACT.phone_hash.is_not(None),
            _CONTACT.customer_id.in_(select(_CUSTOMER.id).where(*store)),
        ),
    ).subquery()
    shared = (
        select(numbers.c.number)
        .group_by(numbers.c.number)
        .having(func.count(numbers.c.customer_id.distinct()) > 1)
        .order_by(func.max(numbers.c.customer_id).desc())  # ids are in the order of time
        .limit(MOST)
    )
    by_number: dict[str, set[str]] = {}
    for row in connection.execute(select(numbers).where(numbers.c.number.in_(shared))):
        by_number.setdefault(row.number, set()).add(row.customer_id)
    groups = {tuple(sorted(ids)) for ids in by_number.values()}
    known = _customers(connection, caller.org_id, sorted({one for ids in groups for one in ids}))
    found = [sorted((known[i] for i in ids), key=_age) for ids in groups]
    return sorted(found, key=lambda group: _age(group[-1]), reverse=True)


def _customers(connection: Connection, org_id: str, ids: list[str]) -> dict[str, Mapping[str, Any]]:
    query = select(*(_CUSTOMER[name] for name in _TOLD)).where(
        _CUSTOMER.org_id == org_id, among(connection, _CUSTOMER.id, ids)
    )
    return {row.id: row._asdict() for row in connection.execute(query)}


def _age(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["created_at"], row["id"]


__all__ = ["MOST", "Alike", "alike"]
