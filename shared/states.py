"""States and the moves between them, for cases, visits and callbacks: pure tables that both sides
read.

A move that isn't listed is refused (`Code.MOVE_NOT_ALLOWED`) where it is authored; where it arrives
late, after someone else's move, it becomes a conflict for a person to decide and is never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping

TIERS = ("high", "mid", "low")
CASE_STATES = (
    "new",
    "assigned",
    "accepted",
    "en_route",
    "on_site",
    "in_progress",
    "waiting",
    "resolved",
    "closed",
    "cancelled",
)
WAITING_FOR = ("customer", "parts", "vendor", "problem", "evidence")
VISIT_STATES = ("planned", "started", "finished", "cancelled")
PROPOSAL_STATES = ("proposed", "confirmed", "disputed", "withdrawn")
PLAN_STATES = ("proposed", "open", "done", "withdrawn")
CALLBACK_STATES = ("scheduled", "in_progress", "done", "unreachable", "cancelled")

Moves = Mapping[str, frozenset[str]]


def _moves(**table: str) -> Moves:
    return {state: frozenset(after.split()) for state, after in table.items()}


CASE_MOVES = _moves(
    new="assigned accepted in_progress waiting resolved cancelled",
    assigned="accepted new in_progress waiting resolved cancelled",
    accepted="en_route on_site assigned in_progress waiting resolved cancelled",
    en_route="on_site accepted waiting cancelled",
    on_site="in_progress waiting resolved cancelled",
    in_progress="assigned waiting on_site resolved cancelled",
    waiting="assigned accepted en_route on_site in_progress resolved cancelled",
    # Reopened when the customer says that it is not solved (S2 #115: "until the customer is
    # satisfied").
    resolved="closed assigned in_progress waiting",
    closed="assigned in_progress",
    cancelled="",
)

VISIT_MOVES = _moves(
    planned="started cancelled finished",
    started="finished cancelled",
    finished="",
    cancelled="planned",
)

CALLBACK_MOVES = _moves(
    scheduled="in_progress done unreachable cancelled",
    in_progress="scheduled done unreachable cancelled",
    done="",
    unreachable="scheduled",
    cancelled="",
)

# A disputed proposal gets a second look (S1 #52); the rules alone withdraw one that is open.
PROPOSAL_MOVES = _moves(
    proposed="confirmed disputed",
    disputed="confirmed withdrawn",
    confirmed="",
    withdrawn="",
)

# A plan to keep a customer (S1 #65): a manager accepts it, or withdraws it as do the rules that
# proposed it.
PLAN_MOVES = _moves(
    proposed="open withdrawn",
    open="done withdrawn",
    done="",
    withdrawn="",
)

MOVES: Mapping[str, Moves] = {
    "case": CASE_MOVES,
    "visit": VISIT_MOVES,
    "callback": CALLBACK_MOVES,
    "tier_proposal": PROPOSAL_MOVES,
    "retention_plan": PLAN_MOVES,
}
"""Allowed moves by entity, for every entity whose field `state` merges by `Merge.STATE`."""

OPEN_CASE_STATES = frozenset(CASE_STATES) - {"resolved", "closed", "cancelled"}
OPEN_PROPOSAL_STATES = frozenset({"proposed", "disputed"})
OPEN_PLAN_STATES = frozenset({"proposed", "open"})
OPEN_VISIT_STATES = frozenset({"planned", "started"})
OPEN_CALLBACK_STATES = frozenset({"scheduled", "in_progress"})


def may_move(entity: str, before: str | None, after: str) -> bool:
    """Whether `after` may follow `before`; staying put always may, and a new record may begin
    anywhere open."""
    table = MOVES[entity]
    if before is None or before == after:
        return after in table
    return after in table.get(before, frozenset())


def next_states(entity: str, state: str) -> frozenset[str]:
    """The states that may follow `state`; empty for a state from which nothing leads on."""
    return MOVES[entity].get(state, frozenset())
