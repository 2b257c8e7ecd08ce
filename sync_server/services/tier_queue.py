"""The panel's queue (S1 #51, #52): which proposals wait for whom, and what a decision about many of
them would be, before it is made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from shared.declare import Role
from shared.errors import Code, Refusal
from shared.states import PROPOSAL_STATES
from sync_server.db.among import among
from sync_server.db.records import RECORDS, to_row
from sync_server.services.caller import Caller
from sync_server.services.tier_panel import MOST

_PROPOSAL, _CUSTOMER = RECORDS["tier_proposal"].c, RECORDS["customer"].c
JOINED = RECORDS["tier_proposal"].join(
    RECORDS["customer"],
    and_(_CUSTOMER.org_id == _PROPOSAL.org_id, _CUSTOMER.id == _PROPOSAL.customer_id),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which proposals: those named, or else all of a state (and axis, and level proposed)."""

    state: str = "proposed"
    axis: str = ""
    level: str = ""
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a decision would be about: how many by (axis, before, after), and `plan`, which stands
    for exactly these proposals in exactly this state."""

    ids: Sequence[str]
    moves: Mapping[tuple[str, str | None, str], int]
    plan: str


def in_store(caller: Caller) -> ColumnElement[bool]:
    """A store manager sees their own store's; nobody else sees any."""
    if caller.role is not Role.STORE_MANAGER or caller.store_id is None:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    return _CUSTOMER.store_id == caller.store_id


def look(connection: Connection, caller: Caller, asked: Asked) -> Look:
    """What a decision would be about. Refuses BATCH_TOO_LARGE beyond what one decision takes, and
    FIELD_REQUIRED where there is nothing."""
    narrowed = [
        column == word
        for column, word in ((_PROPOSAL.axis, asked.axis), (_PROPOSAL.after, asked.level))
        if word
    ]
    if asked.ids:
        narrowed = [among(connection, _PROPOSAL.id, asked.ids)]
    query = (
        select(_PROPOSAL.id, _PROPOSAL.axis, _PROPOSAL.before, _PROPOSAL.after, _PROPOSAL.seq)
        .select_from(JOINED)
        .where(
            _PROPOSAL.org_id == caller.org_id,
            _PROPOSAL.state == asked.state,
            in_store(caller),
            *narrowed,
        )
        .order_by(_PROPOSAL.proposed_at, _PROPOSAL.id)
        .limit(MOST + 1)
    )
    rows = connection.execute(query).all()
    if not rows:
        raise Refusal(Code.FIELD_REQUIRED, field="proposal")
    if len(rows) > MOST:
        raise Refusal(Code.BATCH_TOO_LARGE, limit=MOST)
    moves: dict[tuple[str, str | None, str], int] = {}
    for row in rows:
        move = (row.axis, row.before, row.after)
        moves[move] = moves.get(move, 0) + 1
    told = "\n".join(f"{row.id} {row.seq}" for row in rows)
    return Look(
        ids=[row.id for row in rows],
        moves=dict(sorted(moves.items(), key=lambda one: (-one[1], str(one[0])))),
        plan=hashlib.sha256(told.encode()).hexdigest(),
    )


def counts(connection: Connection, caller: Caller) -> Mapping[str, int]:
    """How many there are in each state."""
    query = (
        select(_PROPOSAL.state, func.count())
        .select_from(JOINED)
        .where(_PROPOSAL.org_id == caller.org_id, in_store(caller))
        .group_by(_PROPOSAL.state)
    )
    found = {state: count for state, count in connection.execute(query)}
    return {state: found.get(state, 0) for state in PROPOSAL_STATES}


def one(connection: Connection, caller: Caller, proposal_id: str) -> dict[str, Any]:
    """A proposal of the caller's store. Refuses RECORD_MISSING."""
    query = (
        select(RECORDS["tier_proposal"])
        .select_from(JOINED)
        .where(_PROPOSAL.org_id == caller.org_id, _PROPOSAL.id == proposal_id, in_store(caller))
    )
    found = connection.execute(query).first()
    if found is None:
        raise Refusal(Code.RECORD_MISSING, entity="tier_proposal")
    return to_row("tier_proposal", found)


__all__ = ["JOINED", "Asked", "Look", "counts", "in_store", "look", "one"]
