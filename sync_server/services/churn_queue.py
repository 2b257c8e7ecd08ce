"""Plans to keep customers, as a store manager reads them at the console: which there are, how many
in each state, and how many customers show a sign of leaving (S1 #47, #65)."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, and_, func, select

from shared.states import PLAN_STATES
from sync_server.db.records import RECORDS
from sync_server.services.caller import Caller
from sync_server.services.tier_queue import in_store

_PLAN, _SCORE, _CUSTOMER = (
    RECORDS[name].c for name in ("retention_plan", "churn_score", "customer")
)
JOINED = (
    RECORDS["retention_plan"]
    .join(
        RECORDS["customer"],
        and_(_CUSTOMER.org_id == _PLAN.org_id, _CUSTOMER.id == _PLAN.customer_id),
    )
    .outerjoin(
        RECORDS["churn_score"],
        and_(_SCORE.org_id == _PLAN.org_id, _SCORE.customer_id == _PLAN.customer_id),
    )
)
"""Plans with their customer, and the chance that they come back."""


def counts(connection: Connection, caller: Caller) -> Mapping[str, int]:
    """Plans of the caller's store by state."""
    query = (
        select(_PLAN.state, func.count())
        .select_from(JOINED)
        .where(_PLAN.org_id == caller.org_id, in_store(caller))
        .group_by(_PLAN.state)
    )
    found = {state: count for state, count in connection.execute(query)}
    return {state: found.get(state, 0) for state in PLAN_STATES}


def warned(connection: Connection, caller: Caller) -> int:
    """Customers of the caller's store who show a sign."""
    query = (
        select(func.count())
        .select_from(RECORDS["churn_score"])
        .join(
            RECORDS["customer"],
            and_(_CUSTOMER.org_id == _SCORE.org_id, _CUSTOMER.id == _SCORE.customer_id),
        )
        .where(_SCORE.org_id == caller.org_id, in_store(caller), _SCORE.signs.is_not(None))
    )
    return int(connection.scalar(query) or 0)


__all__ = ["JOINED", "counts", "warned"]
