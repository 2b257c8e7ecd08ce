"""What a new policy would move, counted before it is stored. Reads only; figures, no customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from shared.clock import to_wire
from shared.policy import PolicySettings
from shared.states import OPEN_CASE_STATES
from sync_server.db.accounts import DEVICE
from sync_server.db.records import RECORDS

_CUSTOMER, _GRANT, _CASE, _CALLBACK = (
    RECORDS[name].c for name in ("customer", "grant", "case", "callback")
)
_WINDOWS = ("callback_window_hours_before", "callback_window_hours_after")
_CLOCKS = (
    "response_minutes",
    "complaint_contact_hours",
    "resolution_workdays",
    "repair_resolution_workdays",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierMove:
    """So many customers for whom the year's figures would propose another tier."""

    before: str
    after: str
    customers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """All 0 where nothing moves.

    `tier_moves`: customers whose proposed tier changes (S1 #50); a panel still confirms it.
    `visits_earlier`, `visits_later`: customers whose next visit falls due at another time.
    `leases`: devices that get a lease of another length with their next sync.
    `case_grants`: technicians' grants on open cases, which will end otherwise once those close.
    `callbacks`: open callbacks whose window will be counted otherwise at their next attempt or
    handing on; the present window stays as it was given.
    `clocks_kept`: open cases that go on under the clocks they began with, unlike new ones.
    """

    customers_changing_tier: int
    tier_moves: Sequence[TierMove]
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

    moves = _tier_moves(connection, org_id, before, after)
    earlier, later = _visits(connection, org_id, before, after)
    return Effects(
        customers_changing_tier=sum(move.customers for move in moves),
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


def _tier_moves(
    connection: Connection, org_id: str, before: PolicySettings, after: PolicySettings
) -> list[TierMove]:
    """By the rule of `PolicySettings.tier_of`, for the customers that have figures of a year."""
    old, new = _tier(before), _tier(after)
    query = (
        select(old, new, func.count())
        .where(
            _CUSTOMER.org_id == org_id,
            or_(_CUSTOMER.spend_12m_cents.is_not(None), _CUSTOMER.orders_12m.is_not(None)),
        )
        .group_by(old, new)
    )
    found = [
        TierMove(before=a, after=b, customers=count)
        for a, b, count in connection.execute(query)
        if a != b
    ]
    return sorted(found, key=lambda move: (-move.customers, move.before, move.after))


def _tier(policy: PolicySettings) -> ColumnElement[str]:
    spend, orders = func.coalesce(_CUSTOMER.spend_12m_cents, 0), _orders()
    high = and_(spend >= policy.tier_high_cents, orders >= policy.tier_high_orders)
    mid = and_(spend >= policy.tier_mid_cents, orders >= policy.tier_mid_orders)
    return case((high, "high"), (mid, "mid"), else_="low")


def _orders() -> ColumnElement[int]:
    return func.coalesce(_CUSTOMER.orders_12m, 0)


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
