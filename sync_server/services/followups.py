"""What follows on the server from a change that was applied: holders, grants, agents, completeness.

Called in the change's own savepoint: a follow-up that is refused refuses the change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from shared.clock import from_wire, to_wire
from shared.consents import UNASKED_CALLS
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.policy import PolicySettings
from shared.states import OPEN_CALLBACK_STATES, OPEN_CASE_STATES
from sync_server.db.records import RECORDS
from sync_server.services import approvals, churn_plans, steering, tier_panel
from sync_server.services.audit import Actor
from sync_server.services.completeness import file_recorded, refresh_report
from sync_server.services.grants import holders, is_live, issue, revoke_all
from sync_server.services.judging import Manner, Right
from sync_server.services.notices import tell
from sync_server.services.refusals import refusing
from sync_server.services.scopes import (
    assign_callback,
    assign_customer,
    dispatch_case,
    end_callback,
    give_to_store,
    settle_case_grants,
)
from sync_server.services.writing import Author, Held, Unit


def after_creation(
    unit: Unit, held: Held, policy: PolicySettings, author: Author, right: Right
) -> None:
    """What a new record brings with it. What it names may be gone meanwhile: then the record stands
    all the same, gives nothing to anybody, and whoever can act is told (L1)."""
    if held.entity == "customer":
        _new_customer(unit, held, policy, author)
    elif held.entity == "case":
        _new_case(unit, held, policy, author, right)
    elif held.entity == "callback":
        place_callback(unit, held, policy)
    elif held.entity == "transfer":
        _ask_expert(unit, held, policy, author, right)
    elif held.entity == "report":
        refresh_report(unit, held.id)
    elif held.entity == "file":
        file_recorded(unit, held)
    elif held.entity == "access_request":
        approvals.check_request(unit, held, policy, on_device(unit, author))
    elif held.entity == "retention_plan":
        entitled = right.manner is not Manner.AFTER_END
        churn_plans.settle(unit, held, {}, author.staff_id, right.role, entitled=entitled)


def after_edit(
    unit: Unit,
    held: Held,
    before: Mapping[str, Any],
    policy: PolicySettings,
    author: Author,
    right: Right,
) -> None:
    """What an edit brings with it; `before` is the row as it was."""
    changed = {n for n in {*held.row, *before} if held.row.get(n) != before.get(n)}
    if held.entity == "case":
        if "assignee_id" in changed and held.row.get("assignee_id"):
            _dispatch(unit, held, policy, author, right)
        if "state" in changed:
            settle_case_grants(unit, held.id, policy)
    elif held.entity == "callback":
        if held.row["state"] not in OPEN_CALLBACK_STATES:
            return
        if changed & {"next_attempt_at", "due_at"} and held.row.get("assignee_id"):
            _move_window(unit, held, policy)
    elif held.entity == "customer" and changed & {"tier", "vip"}:
        who = on_device(unit, author)
        tier_panel.by_hand(unit, held, before, who, right.role, policy, author)
    elif held.entity == "tier_proposal" and "state" in changed:
        who = on_device(unit, author)
        tier_panel.carry_out(unit, held, before, who, right.role, policy, author)
    elif held.entity == "transfer" and changed & {"expert_id", "answered_at"}:
        _ask_expert(unit, held, policy, author, right)
    elif held.entity == "retention_plan":
        churn_plans.settle(unit, held, before, author.staff_id, right.role, entitled=True)
    elif held.entity == "report":
        refresh_report(unit, held.id)
    elif held.entity == "access_request":
        decider = on_device(unit, author)
        if "decision" in changed:
            held = approvals.carry_out(unit, held, decider, right.role, late=True)
        if "ended_at" in changed:
            approvals.end_given(unit, held, decider)
    elif held.entity == "grant" and "returned_at" in changed:
        steering.take_back(unit, held, on_device(unit, author))


def on_device(unit: Unit, author: Author) -> Actor:
    """A change's author, as the audit log names them."""
    return Actor(
        org_id=unit.org_id, via="device", staff_id=author.staff_id, device_id=author.device_id
    )


def _new_customer(unit: Unit, held: Held, policy: PolicySettings, author: Author) -> None:
    """A customer made in the field is its author's at once; one taken down by a callback agent
    goes to the store, and stays with the agent for the length of a callback's window. What came
    late from someone who has left goes to the store as well, and is nobody's until it is given."""
    staff = unit.get("staff", author.staff_id)
    if staff is None:
        return
    role, store_id = staff.row["role"], staff.row.get("store_id")
    active = staff.row.get("active") is not False
    if active and role in {Role.ACCOUNT_MANAGER, Role.STORE_MANAGER}:
        assign_customer(unit, held.id, staff.id, reason="created in the field")
        return
    unit.update("customer", held.id, {"store_id": store_id})
    give_to_store(unit, [held.id], store_id)
    if not active:
        return
    issue(
        unit,
        staff.id,
        f"customer:{held.id}",
        "callback",
        role,
        expires_at=unit.now + timedelta(hours=policy.callback_window_hours_after),
    )


def _new_case(unit: Unit, held: Held, policy: PolicySettings, author: Author, right: Right) -> None:
    customer = unit.get("customer", held.row["customer_id"])
    if customer is not None and not held.row.get("store_id"):
        unit.update("case", held.id, {"store_id": customer.row.get("store_id")})
    if held.row.get("assignee_id"):
        _dispatch(unit, held, policy, author, right)
        return
    on_time = right.manner is Manner.ON_TIME
    if author.staff_id and on_time and _was_sent_there(unit, held, author.staff_id):
        dispatch_case(unit, held.id, author.staff_id, policy, by=author.staff_id, author=author)


def _was_sent_there(unit: Unit, held: Held, staff_id: str) -> bool:
    """Whether a technician opened this case while at work on another one of the same customer that
    somebody else gave them: then it is theirs until a manager gives it to someone else. Not from
    one case of their own to the next, and not from one that is closed: nobody extends their own
    sight of a customer for good."""
    staff = unit.get("staff", staff_id)
    if staff is None or staff.row["role"] != Role.TECHNICIAN:
        return False
    others = unit.find("case", customer_id=held.row["customer_id"])
    at_work = [
        f"case:{case.id}"
        for case in others
        if case.row["state"] in OPEN_CASE_STATES and case.row.get("created_by") != staff_id
    ]
    grants = unit.find("grant", bucket=at_work, staff_id=staff_id) if at_work else []
    return any(is_live(grant.row, unit.now) for grant in grants)


def _dispatch(unit: Unit, held: Held, policy: PolicySettings, author: Author, right: Right) -> None:
    """Hands the case to whom a manager gave it. Who has left meanwhile, or is a technician no more,
    is named in it until somebody else is."""
    given = unit.get("staff", held.row["assignee_id"])
    gone = given is not None and (
        given.row.get("active") is False
        or (given.row["role"] != Role.TECHNICIAN and _was_technician(unit, given.id))
    )
    if given is not None and (gone or right.manner is Manner.AFTER_END):
        revoke_all(unit, "reassigned", bucket=f"case:{held.id}", purpose="dispatch")
        _end_assignments(unit, held.id)
        _nobody_took(unit, held, held.id, given.id, author)
        return
    dispatch_case(unit, held.id, held.row["assignee_id"], policy, by=author.staff_id, author=author)


def _was_technician(unit: Unit, staff_id: str) -> bool:
    """By their grants, each of which keeps the role that it was given for."""
    return bool(unit.find("grant", staff_id=staff_id, role=Role.TECHNICIAN.value))


def _nobody_took(unit: Unit, held: Held, occasion: str, chosen: str, author: Author) -> None:
    """Work on a case was given to somebody who can't take it: tells whoever looks after the
    customer, or the managers of the store."""
    customer_id = held.row["customer_id"]
    told = holders(unit, customer_id, "assignment") or holders(unit, customer_id, "store")
    for staff_id in sorted(told):
        tell(
            unit, occasion, staff_id, "not_taken",
            subject="case", count=1, by=author.staff_id, other=chosen,
        )  # fmt: skip


def _ask_expert(
    unit: Unit, held: Held, policy: PolicySettings, author: Author, right: Right
) -> None:
    """An expert who was asked holds the case until some days after the promise, or after the answer
    (S0 #15). A store manager holds it anyway. Nobody gets to hold it who has left, nor by somebody
    who holds it no more: whoever looks after the customer may ask again."""
    expert = unit.get("staff", held.row["expert_id"])
    if expert is None:
        raise Refusal(Code.RECORD_MISSING, field="transfer.expert_id")
    if expert.row.get("active") is False or right.manner is not Manner.ON_TIME:
        if not held.row.get("answered_at"):
            _nobody_took(unit, held, held.id, expert.id, author)
        return
    role = expert.row["role"]
    if role not in {Role.TECHNICIAN, Role.CALLBACK_AGENT, Role.ACCOUNT_MANAGER}:
        return
    until = from_wire(held.row.get("answered_at") or held.row["promised_at"])
    issue(
        unit,
        expert.id,
        f"case:{held.row['case_id']}",
        "transfer",
        role,
        expires_at=max(until, unit.now) + timedelta(days=policy.case_grant_days_after_close),
        granted_by=author.staff_id,
        reason=held.id,
    )
    if not held.row.get("answered_at"):
        tell(unit, held.id, expert.id, "received", subject="case", count=1, by=author.staff_id)


def place_callback(
    unit: Unit, held: Held, policy: PolicySettings, without: str | None = None
) -> None:
    """Gives a new callback to the customer's own agent (S2 #85); else to the agent of their store
    who has the fewest open ones (`without` one who is leaving); where the store has none, to any
    other. Where there is no agent at all it stays without, for the store manager to see."""
    if held.row["state"] not in OPEN_CALLBACK_STATES or held.row.get("assignee_id"):
        return
    if held.row["kind"] in UNASKED_CALLS and refusing(unit, [held.row["customer_id"]]):
        return  # nobody calls who is not wanted (S1 #71)
    customer = unit.get("customer", held.row["customer_id"])
    store_id = customer.row.get("store_id") if customer else None
    agents = [
        agent.id
        for agent in unit.find("staff", role=Role.CALLBACK_AGENT.value)
        if agent.row.get("active") is not False and agent.id != without
    ]
    of_store = [
        a
        for a in agents
        if (staff := unit.get("staff", a)) and staff.row.get("store_id") == store_id
    ]
    named = customer.row.get("agent_id") if customer else None
    chosen = [named] if named in agents else of_store or agents
    if chosen:
        load = _open_callbacks(unit, chosen)
        assign_callback(unit, held.id, min(chosen, key=lambda a: (load.get(a, 0), a)), policy)


def _move_window(unit: Unit, callback: Held, policy: PolicySettings) -> None:
    """The agent's window goes where the call went; to another agent where this one has left."""
    agent = unit.get("staff", callback.row["assignee_id"])
    if agent is None or agent.row.get("active") is False:
        _to_another(unit, callback, policy, callback.row["assignee_id"])
    else:
        assign_callback(unit, callback.id, agent.id, policy)


def _to_another(unit: Unit, callback: Held, policy: PolicySettings, staff_id: str) -> None:
    end_callback(unit, callback.id, "reassigned")
    unit.update("callback", callback.id, {"assignee_id": None, "window_ends_at": None})
    place_callback(unit, callback, policy, without=staff_id)


def _open_callbacks(unit: Unit, agents: list[str]) -> dict[str, int]:
    """Open callbacks by agent, with what this very unit gave out or took away."""
    callback = RECORDS["callback"].c
    rows = unit.connection.execute(
        select(callback.assignee_id, func.count())
        .where(
            callback.org_id == unit.org_id,
            callback.assignee_id.in_(agents),
            callback.state.in_(sorted(OPEN_CALLBACK_STATES)),
        )
        .group_by(callback.assignee_id)
    )
    counts: Counter[str | None] = Counter({row[0]: row[1] for row in rows})
    for held in unit.held.values():
        if held.entity == "callback" and held.dirty:
            counts[_open_with(held.stored or {})] -= 1
            counts[_open_with(held.row)] += 1
    return {agent: counts[agent] for agent in agents}


def _open_with(callback: Mapping[str, Any]) -> str | None:
    return callback.get("assignee_id") if callback.get("state") in OPEN_CALLBACK_STATES else None


@dataclass(frozen=True, slots=True)
class Reassigned:
    """Ids of callbacks that went to other agents, and of those for which there is none."""

    given: list[str]
    unassigned: list[str]


def reassign_callbacks(
    unit: Unit, staff_id: str, policy: PolicySettings, by: str | None = None
) -> Reassigned:
    """Gives the open callbacks of an agent who left to others of their store, and tells them."""
    staff = unit.get("staff", staff_id)
    given: dict[str, list[str]] = {}
    unassigned: list[str] = []
    for callback in unit.find("callback", assignee_id=staff_id):
        if callback.row["state"] not in OPEN_CALLBACK_STATES:
            continue
        _to_another(unit, callback, policy, staff_id)
        agent = callback.row.get("assignee_id")
        if agent:
            given.setdefault(agent, []).append(callback.id)
        else:
            _end_assignments(unit, callback.id)
            unassigned.append(callback.id)
    occasion = new_id()
    for agent, ids in given.items():
        tell(
            unit, occasion, agent, "received",
            subject="callback", count=len(ids), by=by, other=staff.id if staff else None,
        )  # fmt: skip
    return Reassigned([i for ids in given.values() for i in ids], unassigned)


def _end_assignments(unit: Unit, subject_id: str) -> None:
    for held in unit.find("assignment", subject_id=subject_id):
        if not held.row.get("until_at") or held.row["until_at"] > to_wire(unit.now):
            unit.update("assignment", held.id, {"until_at": to_wire(unit.now)})
