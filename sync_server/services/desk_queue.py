"""The desk's queue: every open case with its clocks, in the order in which they are to be seen to
(S2 #86, #120; S4 #167, #168). Timers, states and codes; of the customer no more than
whether they are a VIP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, select

from shared.clock import from_wire
from shared.flows import NODES
from shared.policy import Policies
from shared.queueing import Place, place_in_queue
from shared.service_clock import INFORMED, CaseClocks, Dial, NodeReading, Step, case_clocks
from shared.states import OPEN_CASE_STATES
from sync_server.db.among import among
from sync_server.db.records import RECORDS
from sync_server.services.accounts import policies_of
from sync_server.services.calendars import calendar_of

_CASE, _EVENT, _CUSTOMER = (RECORDS[name].c for name in ("case", "case_event", "customer"))
MOST = 2000
"""Open cases that are looked at, the oldest first: what lies beyond is in no better order."""
_WITH_DESK = OPEN_CASE_STATES | {"resolved"}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One open case. `node` is where it is in its flow now."""

    id: str
    number: str
    kind: str
    state: str
    priority: str | None
    assignee_id: str | None
    vip: bool
    clocks: CaseClocks
    place: Place

    @property
    def node(self) -> NodeReading:
        current = self.clocks.current
        assert current is not None  # what is open is in a node
        return current

    @property
    def late(self) -> bool:
        return self.node.clock.breached or (
            self.clocks.resolution.stopped_at is None and self.clocks.resolution.breached
        )


@dataclass(frozen=True, slots=True)
class Queue:
    """All of them in order, and how many are in each node, late, and escalated."""

    waiting: Sequence[Waiting]
    by_node: Mapping[str, int]
    late: int
    escalated: int


def queue(
    connection: Connection, org_id: str, store_id: str | None, now: datetime, zone: ZoneInfo
) -> Queue:
    """The open cases of a store, or of all stores (None). VIPs first where the policy has it so,
    then by what is due; a case without a limit stands last."""
    policies = Policies(policies_of(connection, org_id))
    dial = Dial(calendar_of(connection, org_id), zone, now)
    rows = _open_cases(connection, org_id, store_id)
    steps = _steps(connection, org_id, [row.id for row in rows])
    policy = policies.at(now).settings
    found = []
    for row in rows:
        clocks = case_clocks(
            row.kind, from_wire(row.opened_at), steps.get(row.id, ()), policies, dial
        )
        if clocks.current is None:  # its events say that it is over: the row has still to follow
            continue
        due = clocks.current.clock.due_at or datetime.max.replace(tzinfo=now.tzinfo)
        place = place_in_queue(policy, due, vip=row.vip, priority=row.priority)
        found.append(
            Waiting(
                row.id, row.number, row.kind, row.state, row.priority, row.assignee_id,
                bool(row.vip), clocks, place,
            )
        )  # fmt: skip
    found.sort(key=lambda one: (one.place, one.id))
    counts = {name: sum(one.node.node.name == name for one in found) for name in NODES}
    escalated = sum(one.clocks.escalated_to is not None for one in found)
    return Queue(found, counts, sum(one.late for one in found), escalated)


def _open_cases(connection: Connection, org_id: str, store_id: str | None) -> Sequence[Any]:
    query = (
        select(
            _CASE.id, _CASE.number, _CASE.kind, _CASE.state, _CASE.priority, _CASE.assignee_id,
            _CASE.opened_at, _CUSTOMER.vip,
        )
        .select_from(RECORDS["case"])
        .join(
            RECORDS["customer"],
            and_(_CUSTOMER.org_id == _CASE.org_id, _CUSTOMER.id == _CASE.customer_id),
        )
        .where(_CASE.org_id == org_id, _CASE.state.in_(sorted(_WITH_DESK)))
        .order_by(_CASE.opened_at, _CASE.id)
        .limit(MOST)
    )  # fmt: skip
    if store_id is not None:
        query = query.where(_CASE.store_id == store_id)
    return connection.execute(query).all()


def _steps(connection: Connection, org_id: str, case_ids: Sequence[str]) -> dict[str, list[Step]]:
    """What the events of these cases say to their clocks, by case."""
    found: dict[str, list[Step]] = {}
    query = select(
        _EVENT.case_id, _EVENT.happened_at, _EVENT.to_state, _EVENT.waiting_for, _EVENT.id
    ).where(
        _EVENT.org_id == org_id,
        among(connection, _EVENT.case_id, case_ids),
        _EVENT.to_state.is_not(None) | (_EVENT.kind == INFORMED),
    )
    for row in connection.execute(query):
        at, state = from_wire(row.happened_at), row.to_state or INFORMED
        found.setdefault(row.case_id, []).append(Step(at, state, row.waiting_for, row.id))
    return found
