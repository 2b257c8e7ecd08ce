"""What each department still owes: feedback that was routed to it, by its deadline, and what came
of the rest (S0 #29)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, func, select, true

from shared.clock import to_wire
from shared.declare import Role
from sync_server.db.records import RECORDS
from sync_server.services.caller import Caller
from sync_server.services.feedback_figures import Topic
from sync_server.services.tier_queue import in_store

_FEEDBACK, _CUSTOMER = RECORDS["feedback"].c, RECORDS["customer"].c
STATES = ("owed", "overdue", "finished")
JOINED = RECORDS["feedback"].join(
    RECORDS["customer"],
    and_(_CUSTOMER.org_id == _FEEDBACK.org_id, _CUSTOMER.id == _FEEDBACK.customer_id),
)
"""Feedback with its customer, whose store has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One department's account. `key` is its name in the first language that it has one in;
    `names` are all that feedback may carry: it keeps the one of whoever noted it."""

    key: str
    names: Sequence[str]
    owed: int
    overdue: int
    finished: int


def scope(caller: Caller) -> ColumnElement[bool]:
    """A store manager sees their own store's; administrators all, without a customer."""
    everything = caller.role is Role.ADMINISTRATOR
    return _FEEDBACK.due_at.is_not(None) & (true() if everything else in_store(caller))


def standing(state: str, now: datetime) -> ColumnElement[bool]:
    """Feedback that is in one of `STATES`; what is overdue is owed as well."""
    if state == "finished":
        return _FEEDBACK.finished_at.is_not(None)
    still = _FEEDBACK.finished_at.is_(None)
    return still & (_FEEDBACK.due_at < to_wire(now)) if state == "overdue" else still


def names_of(topics: Iterable[Topic]) -> Mapping[str, frozenset[str]]:
    """What each department of the taxonomy is called, by its first name."""
    found: dict[str, set[str]] = {}
    for topic in topics:
        names = [name for name in topic.department.values() if name]
        if names:
            found.setdefault(names[0], set()).update(names)
    return {key: frozenset(names) for key, names in found.items()}


def accounts(
    connection: Connection, caller: Caller, topics: Iterable[Topic], now: datetime
) -> Sequence[Owed]:
    """Every department that owes or has answered something, those with most overdue first."""
    numbers = [func.sum(case((standing(state, now), 1), else_=0)).label(state) for state in STATES]
    query = (
        select(_FEEDBACK.department, *numbers)
        .select_from(JOINED)
        .where(_FEEDBACK.org_id == caller.org_id, scope(caller), _FEEDBACK.department.is_not(None))
        .group_by(_FEEDBACK.department)
    )
    known = names_of(topics)
    sums: dict[str, list[int]] = {}
    for name, *counts in connection.execute(query):
        key = next((key for key, names in known.items() if name in names), name)
        before = sums.setdefault(key, [0, 0, 0])
        sums[key] = [old + int(new or 0) for old, new in zip(before, counts, strict=True)]
    found = [
        Owed(key=key, names=sorted(known.get(key, {key})), owed=owed, overdue=late, finished=done)
        for key, (owed, late, done) in sums.items()
    ]
    return sorted(found, key=lambda one: (-one.overdue, -one.owed, one.key))


__all__ = ["JOINED", "STATES", "Owed", "accounts", "names_of", "scope", "standing"]
