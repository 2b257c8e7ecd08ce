"""What a new policy would move, counted before it is stored. Reads only; figures, no customer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from shared.clock import to_wire
from shared.policy import FLOWS, SETTINGS, PolicySettings
from shared.states import OPEN_CASE_STATES
from shared.tiers import findings
from sync_server.db.accounts import DEVICE
from sync_server.db.records import RECORDS
from sync_server.services import tier_facts

_CUSTOMER, _GRANT, _CASE, _CALLBACK = (
    RECORDS[name].c for name in ("customer", "grant", "case", "callback")
)
_WINDOWS = ("callback_window_hours_before", "callback_window_hours_after")
_CLOCKS = (
    "response_minutes",
    "complaint_contact_hours",
    "resolution_workdays",
    "repair_resolution_workdays",
    "update_workdays",
    "general_answer_minutes",
    *FLOWS,
)


_AXES = ("value", "vip", "loyalty", "lifecycle")
_GROUPS = frozenset({"tiers", "loyalty", "vip"})
_PERIODS = ("tier_period_days", "vip_half_year_days")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """So many customers for whom the rules would propose another level on an axis."""

    axis: str
    before: str | None
    after: str | None
    customers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """All 0 where nothing moves.

    `customers_changing_tier`: those whose proposed value changes (S1 #50); a panel still confirms
    it. `tier_moves`: these, and what changes on the other axes.
    `visits_earlier`, `visits_later`: customers whose next visit falls due at another time.
    `leases`: devices that get a lease of another length with their next sync.
    `case_grants`: technicians' grants on open cases, which will end otherwise once those close.
    `callbacks`: open callbacks whose window will be counted otherwise at their next attempt or
    handing on; the present window stays as it was given.
    `clocks_kept`: open cases that go on under the clocks they began with, unlike new ones.
    """

    customers_changing_tier: int
    tier_moves: Sequence[Move]
    visits_earlier: int
    visits_later: int
    leases: int
    case_grants: int
    callbacks: int
    clocks_kept: int


def effects_of(
    connection: Connection,
    org_id: str,
    before: PolicySettings,
    after: PolicySettings,
    now: datetime,
) -> Effects:
    """What moves if `after` takes the place of `before`."""

    def differ(*names: str) -> bool:
        return any(getattr(before, name) != getattr(after, name) for name in names)

    ruled = [name for name, setting in SETTINGS.items() if setting.group in _GROUPS]
    moves = _moves(connection, org_id, before, after, now) if differ(*ruled) else []
    earlier, later = _visits(connection, org_id, before, after)
    return Effects(
        customers_changing_tier=sum(move.customers for move in moves if move.axis == "value"),
        tier_moves=moves,
        visits_earlier=earlier,
        visits_later=later,
        leases=_leases(connection, org_id) if differ("lease_hours") else 0,
        case_grants=_case_grants(connection, org_id, now)
        if differ("case_grant_days_after_close")
        else 0,
        callbacks=_callbacks(connection, org_id) if differ(*_WINDOWS) else 0,
        clocks_kept=_open_cases(connection, org_id) if differ(*_CLOCKS) else 0,
    )


def _moves(
    connection: Connection,
    org_id: str,
    before: PolicySettings,
    after: PolicySettings,
    now: datetime,
) -> list[Move]:
    """By the rules themselves (`shared.tiers`), from the facts of every customer: the facts are
    asked for twice where the periods differ."""
    again = any(getattr(before, name) != getattr(after, name) for name in _PERIODS)
    counts: Counter[tuple[str, str | None, str | None]] = Counter()
    old_pages = tier_facts.everyone(connection, org_id, before, now)
    new_pages = tier_facts.everyone(connection, org_id, after, now) if again else None
    for page in old_pages:
        others = next(new_pages) if new_pages else page
        for one, other in zip(page, others, strict=True):
            was, will = findings(one.facts, before), findings(other.facts, after)
            for axis in _AXES:
                if was[axis].level != will[axis].level:
                    counts[axis, was[axis].level, will[axis].level] += 1
    return [
        Move(axis=axis, before=old, after=new, customers=count)
        for (axis, old, new), count in sorted(
            counts.items(), key=lambda one: (_AXES.index(one[0][0]), -one[1], str(one[0]))
        )
    ]


def _visits(
    connection: Connection, org_id: str, before: PolicySettings, after: PolicySettings
) -> tuple[int, int]:
    """(earlier, later), by the tiers that customers have now."""
    query = (
        select(_CUSTOMER.tier, func.count())
        .where(_CUSTOMER.org_id == org_id)
        .group_by(_CUSTOMER.tier)
    )
    earlier = later = 0
    for tier, count in connection.execute(query):
        step = after.visit_every(tier) - before.visit_every(tier)
        earlier += count if step.days < 0 else 0
        later += count if step.days > 0 else 0
    return earlier, later


def _leases(connection: Connection, org_id: str) -> int:
    return _count(connection, DEVICE.c.org_id == org_id, DEVICE.c.state == "approved")


def _case_grants(connection: Connection, org_id: str, now: datetime) -> int:
    return _count(
        connection,
        _GRANT.org_id == org_id,
        _GRANT.purpose == "dispatch",
        _GRANT.revoked_at.is_(None),
        _GRANT.expires_at.is_(None),
        _GRANT.not_before <= to_wire(now),
    )


def _callbacks(connection: Connection, org_id: str) -> int:
    return _count(connection, _CALLBACK.org_id == org_id, _CALLBACK.state == "scheduled")


def _open_cases(connection: Connection, org_id: str) -> int:
    return _count(connection, _CASE.org_id == org_id, _CASE.state.in_(sorted(OPEN_CASE_STATES)))


def _count(connection: Connection, *conditions: Any) -> int:
    return int(connection.execute(select(func.count()).where(*conditions)).scalar_one())
