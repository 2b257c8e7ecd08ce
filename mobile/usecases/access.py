"""Access that ends: asked for with a reason, decided by a store manager, given back before its time
(S3 #149, #151). All of it works offline; the wish, the decision and the return go up as records.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mobile.store.store import Store
from mobile.usecases import panel
from mobile.usecases.outbox import staff_name
from shared.declare import ENTITIES, Record, Role
from shared.entities import (
    AccessRequest,
    Assignment,
    Callback,
    Case,
    Customer,
    Grant,
    RetentionPlan,
)
from shared.errors import Code, Refusal
from shared.ids import new_id

SUBJECTS = ("customer", "case", "callback")
DECIDED = ("conflict", "access_request", "retention_plan", "tier_proposal", "policy")
"""What `decisions_waiting` depends on."""
DECIDED_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A request with what its reader may know of what it is about. `called` and `customer` are
    empty where that may not be read."""

    request: AccessRequest
    asker: str
    role: str
    customer: str
    called: str
    pending: bool


def draft_key(subject: str, subject_id: str) -> str:
    """Under which a reason that is being written is kept."""
    return f"ask/{subject}/{subject_id}"


def about(store: Store, subject: str, subject_id: str) -> str:
    """Id of the customer that a subject belongs to: by the record while it may be read, else by
    the assignment that says that it was one's own. Refuses `record_missing`."""
    if subject not in SUBJECTS:
        raise Refusal(Code.RECORD_MISSING)
    if subject == "customer":
        return subject_id
    cls: type[Callback] | type[Case] = Callback if subject == "callback" else Case
    record = store.get(cls, subject_id)
    if record is not None:
        return record.customer_id
    for given in store.find(Assignment, subject_id=subject_id):
        return given.customer_id
    raise Refusal(Code.RECORD_MISSING, entity=subject)


def was_held(store: Store, subject: str, subject_id: str) -> bool:
    """Whether a subject was given to this person once, or may be asked for by their role: then one
    may ask for it where it can't be read."""
    if subject == "customer":
        if store.staff().role == Role.HEAD_OFFICE:
            return True
        return store.count(Assignment, customer_id=subject_id) > 0
    return store.count(Assignment, subject_id=subject_id, subject=subject) > 0


def last_wish(store: Store, subject: str, subject_id: str) -> AccessRequest | None:
    """What this person asked for last about a subject; None where they never did."""
    me = store.staff().id
    asked = store.find(AccessRequest, subject_id=subject_id, staff_id=me, newest_first=True)
    return next((one for one in asked if one.subject == subject), None)


def ask(store: Store, subject: str, subject_id: str, hours: int, reason: str) -> AccessRequest:
    """Asks for some hours of access. Offline it waits and goes with the next sync. Refuses
    `field_required` without a reason, `record_missing` for what was never one's own."""
    if not reason.strip():
        raise Refusal(Code.FIELD_REQUIRED, field="reason")
    with store.unit() as unit:
        made = unit.create(
            AccessRequest(
                id=new_id(),
                staff_id=store.staff().id,
                customer_id=about(store, subject, subject_id),
                subject=subject,
                subject_id=subject_id,
                hours=hours,
                reason=reason.strip(),
                asked_at=store.now(),
            )
        )
        unit.discard_draft(draft_key(subject, subject_id))
        unit.commit()
    return made


def hours_to_choose(store: Store) -> tuple[int, ...]:
    """For how long one may ask, the policy's own number among them."""
    policy = store.policy()
    most = policy.longest_access_hours
    return tuple(sorted({h for h in (1, 4, policy.access_hours, most) if 1 <= h <= most}))


def open_requests(store: Store) -> list[AccessRequest]:
    """Requests of others that this store manager may decide, the oldest first; nothing for other
    roles."""
    me = store.staff()
    if me.role != Role.STORE_MANAGER:
        return []
    return [one for one in store.find(AccessRequest, decision=None) if one.staff_id != me.id]


def waiting_wishes(store: Store) -> list[Wish]:
    """The open requests, with whom and what they are about."""
    return [_wish(store, one) for one in open_requests(store)]


def decisions_waiting(store: Store) -> int:
    """How many conflicts, requests and changes of levels wait for this person, and plans for a
    store manager."""
    decides = store.staff().role == Role.STORE_MANAGER
    plans = store.count(RetentionPlan, state="proposed") if decides else 0
    levels = len(panel.waiting(store))
    return len(store.conflicts()) + len(open_requests(store)) + plans + levels


def decided_wishes(store: Store, now: datetime) -> list[Wish]:
    """What this person decided lately, the latest first."""
    me = store.staff().id
    decided = [
        one
        for word in ("approved", "refused")
        for one in store.find(AccessRequest, decision=word)
        if one.staff_id != me
        and one.decided_by in (None, me)
        and decided_at(one) >= now - DECIDED_FOR
    ]
    return [_wish(store, one) for one in sorted(decided, key=decided_at, reverse=True)]


def decided_at(one: AccessRequest) -> datetime:
    """When a request was decided, as far as this device knows."""
    at: datetime = one.decided_at or one.updated_at or one.asked_at
    return at


def decide(store: Store, request: AccessRequest, *, approve: bool, answer: str = "") -> None:
    """Approves or refuses. The hours run from when the server hears of it."""
    said = "approved" if approve else "refused"
    with store.unit() as unit:
        unit.update(request, decision=said, answer=answer.strip() or None)
        unit.commit()


def runs(request: AccessRequest, now: datetime) -> bool:
    """Whether what was approved may still be read, as far as this phone knows: more of it may have
    been given since, or it was given back."""
    if request.decision != "approved" or request.ended_at is not None:
        return False
    return decided_at(request) + timedelta(hours=request.hours) > now


def end(store: Store, request: AccessRequest) -> None:
    """Ends what was approved before its time. Offline it waits; the other's phone drops it at its
    own next contact."""
    with store.unit() as unit:
        unit.update(request, ended_at=store.now())
        unit.commit()


def may_give_back(store: Store, entity: str, record_id: str) -> bool:
    """Whether a record is shown by grants that end by time and may be given back."""
    return bool(_returnable(store, entity, record_id))


def give_back(store: Store, entity: str, record_id: str) -> None:
    """For who needs it no more: what these grants showed is deleted here and now, and they end at
    the server when it hears of it. What was written stays on its way. Harmless twice."""
    ids = _returnable(store, entity, record_id)
    with store.unit() as unit:
        for grant in (store.get(Grant, grant_id) for grant_id in ids):
            if grant is not None:
                unit.update(grant, returned_at=store.now())
        unit.commit()
    if ids:
        store.inbound.give_back(ids)


def _returnable(store: Store, entity: str, record_id: str) -> list[str]:
    return store.inbound.holdings.returnable(entity, record_id, store.parts.gate.settle())


def _wish(store: Store, one: AccessRequest) -> Wish:
    customer = store.get(Customer, one.customer_id)
    shown = store.row("access_request", one.id)
    return Wish(
        request=one,
        asker=staff_name(store, one.staff_id),
        role=_role(store, one.staff_id),
        customer=customer.name if customer else "",
        called=_called(store, one.subject, one.subject_id),
        pending=shown is not None and shown.pending,
    )


def _role(store: Store, staff_id: str) -> str:
    shown = store.row("staff", staff_id)
    return str(shown.row.get("role", "")) if shown else ""


def _called(store: Store, subject: str, subject_id: str) -> str:
    """A case by its number; of a callback, its case's."""
    cls: type[Record] = ENTITIES[subject].cls
    record = store.get(cls, subject_id)
    if isinstance(record, Callback):
        record = store.get(Case, record.case_id) if record.case_id else None
    return f"{record.number} · {record.title}" if isinstance(record, Case) else ""
