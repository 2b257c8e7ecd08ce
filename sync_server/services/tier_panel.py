"""The panel's part in the tiers (S1 #51-#53, S2 #78): sales, marketing and service confirm or
dispute what the rules proposed; a dispute says why and gets a second look; what is confirmed takes
effect, and the staff concerned are told.

Phones write decisions as they write anything (`carry_out`, in the change's own savepoint); the
console hands in many at once (`decide`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from shared.clock import from_wire, to_wire
from shared.declare import Role
from shared.entities.tiering import SEATS
from shared.errors import Code, Refusal
from shared.ids import derived_id, new_id
from shared.policy import DEFAULTS, PolicySettings, settings_from
from shared.states import OPEN_PROPOSAL_STATES, may_move
from shared.tiers import FIELD_OF, YES, seats_of, seats_wanted, second_look_at
from sync_server.db.base import Database
from sync_server.services import audit, cadence_plans
from sync_server.services.accounts import policy_of, policy_versions
from sync_server.services.audit import Action, Actor
from sync_server.services.caller import Caller
from sync_server.services.moves import PART, check_holds
from sync_server.services.notices import tell
from sync_server.services.votes import Vote
from sync_server.services.writing import Author, Held, Unit, write

VERDICTS = ("confirmed", "disputed", "withdrawn")
MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """`effective`: proposals whose last seat this was; `waiting`: confirmed by this one, while
    other seats have not yet; `passed_over`: decided by somebody else meanwhile."""

    effective: int = 0
    waiting: int = 0
    disputed: int = 0
    turned_down: int = 0
    passed_over: int = 0

    def __add__(self, other: Decided) -> Decided:
        return Decided(**{n: v + getattr(other, n) for n, v in asdict(self).items()})


def decide(
    db: Database,
    caller: Caller,
    proposal_ids: Sequence[str],
    verdict: str,
    note: str | None,
    now: datetime,
) -> Decided:
    """Says the same of all these proposals; those that somebody else decided meanwhile are passed
    over. Refuses who sits in no seat (ROLE_NOT_ALLOWED), customers that the caller does not hold
    (OUT_OF_SCOPE), and a dispute without a reason (FIELD_REQUIRED), before anything is written.
    In parts, each a transaction of its own."""
    wanted = list(dict.fromkeys(proposal_ids))
    if len(wanted) > MOST:
        raise Refusal(Code.BATCH_TOO_LARGE, limit=MOST)
    if verdict not in VERDICTS:
        raise Refusal(Code.FIELD_INVALID, field="verdict", wanted=", ".join(VERDICTS))
    occasion, done = new_id(), Decided()
    for start in range(0, len(wanted), PART):

        def work(unit: Unit, part: list[str] = wanted[start : start + PART]) -> Decided:
            return _decide(unit, caller, part, verdict, note, occasion)

        done += write(db, caller.org_id, now, work)
    return done


def _decide(
    unit: Unit,
    caller: Caller,
    proposal_ids: Sequence[str],
    verdict: str,
    note: str | None,
    occasion: str,
) -> Decided:
    policy = policy_of(unit.connection, unit.org_id, unit.now)
    unit.load("tier_proposal", proposal_ids)
    found = [unit.get("tier_proposal", one) for one in proposal_ids]
    there = [held for held in found if held is not None]
    if len(there) < len(found):
        raise Refusal(Code.RECORD_MISSING, entity="tier_proposal")
    check_holds(unit, caller, {held.row["customer_id"] for held in there})
    unit.load("customer", {held.row["customer_id"] for held in there})
    author = Author(staff_id=caller.staff_id, device_id=caller.device_id, at=unit.now)
    before = {held.id: dict(held.row) for held in there}
    open_ = [held for held in there if may_move("tier_proposal", held.row["state"], verdict)]
    open_ = [held for held in open_ if held.row["state"] in OPEN_PROPOSAL_STATES]
    said: dict[str, Any] = {"state": verdict} | ({"note": note.strip()} if note else {})
    for held in open_:
        unit.update("tier_proposal", held.id, said, author)
    done = Decided(passed_over=len(there) - len(open_))
    return done + _follow(unit, open_, before, caller, caller.role, policy, occasion, author)


def still_counts(unit: Unit, held: Held, vote: Vote, policy: PolicySettings) -> bool:
    """Whether a vote from a phone may still have an effect. It came too late where the panel was
    faster, where its author had lost the customer, knew of no dispute that there was (it is no
    second look then), or sits no more in the seat that they had by an earlier policy."""
    state = held.row["state"]
    if not vote.entitled or state not in OPEN_PROPOSAL_STATES:
        return False
    if not may_move("tier_proposal", state, vote.said):
        return False  # a restored server may have lost the dispute that this looks at again
    if held.row["state"] == "disputed":
        disputed = held.version("disputed_at")
        if not disputed.seen_by(vote.author, vote.base):
            return False
    who, at = vote.author.staff_id, vote.author.at or unit.now
    axis, dispute = held.row["axis"], held.row

    def allowed(by: PolicySettings) -> bool:
        early = dispute["state"] == "disputed" and _ready(dispute, who, at, by) is not None
        return _sits(by, who, vote.role, axis) and not early

    return allowed(policy) or not any(allowed(one) for one in _policies_so_far(unit))


def _sits(policy: PolicySettings, staff_id: str | None, role: Role, axis: str) -> bool:
    return bool(seats_of(policy, staff_id or "", role) & seats_wanted(axis))


def _policies_so_far(unit: Unit) -> list[PolicySettings]:
    """Each of which some phone may still go by."""
    known = policy_versions(unit.connection, unit.org_id)
    return [DEFAULTS, *(settings_from(settings) for _, settings in known)]


def carry_out(
    unit: Unit,
    held: Held,
    before: Mapping[str, Any],
    who: Actor,
    role: Role,
    policy: PolicySettings,
    author: Author,
) -> None:
    """What a decision from a phone brings; see `decide` for what is refused."""
    _follow(unit, [held], {held.id: before}, who, role, policy, held.id, author)


def _follow(
    unit: Unit,
    decided: Sequence[Held],
    before: Mapping[str, Mapping[str, Any]],
    who: Caller | Actor,
    role: Role,
    policy: PolicySettings,
    occasion: str,
    author: Author,
) -> Decided:
    """Checks each decision, and does what follows from it."""
    seats = seats_of(policy, who.staff_id or "", role)
    counts = {"effective": 0, "waiting": 0, "disputed": 0, "turned_down": 0}
    moved: list[Held] = []
    for held in decided:
        mine = seats & seats_wanted(held.row["axis"])
        if not mine:
            raise Refusal(Code.ROLE_NOT_ALLOWED)
        became = _settle(unit, held, before[held.id], mine, author, policy)
        counts[became] += 1
        if became == "effective":
            moved.append(held)
        audit.note(
            unit, who, Action.TIER_DECIDED, subject=("tier_proposal", held.id),
            customer=held.row["customer_id"], axis=held.row["axis"],
            before=held.row.get("before"), after=held.row["after"], became=became,
        )  # fmt: skip
    _take_effect(unit, moved, who.staff_id, policy, occasion)
    return Decided(**counts)


def _settle(
    unit: Unit,
    held: Held,
    before: Mapping[str, Any],
    mine: frozenset[str],
    author: Author,
    policy: PolicySettings,
) -> str:
    """What became of one proposal, and its marks. A dispute counts from when it was said (L8)."""
    state, was, said_at = held.row["state"], before["state"], author.at or unit.now
    if was not in OPEN_PROPOSAL_STATES or not may_move("tier_proposal", was, state):
        raise Refusal(Code.MOVE_NOT_ALLOWED, before=was, after=state)
    if state == "disputed":
        if not (held.row.get("note") or "").strip():
            raise Refusal(Code.FIELD_REQUIRED, field="tier_proposal.note")
        marks = {"disputed_at": to_wire(said_at), "disputed_by": author.staff_id, "seats": None}
        unit.update("tier_proposal", held.id, marks, author)
        return "disputed"
    if was == "disputed" and (ready := _ready(before, author.staff_id, said_at, policy)):
        raise Refusal(Code.SECOND_LOOK_EARLY, until=to_wire(ready))
    decided = {"decided_at": unit.now_text, "decided_by": author.staff_id}
    if state == "withdrawn":
        unit.update("tier_proposal", held.id, decided)
        return "turned_down"
    sat = {*held.row.get("seats", ()), *mine}
    named = {"seats": [seat for seat in SEATS if seat in sat]}
    if seats_wanted(held.row["axis"]) <= sat:
        unit.update("tier_proposal", held.id, named | decided)
        return "effective"
    unit.update("tier_proposal", held.id, named | {"state": was})
    return "waiting"


def _ready(
    row: Mapping[str, Any], staff_id: str | None, at: datetime, policy: PolicySettings
) -> datetime | None:
    """From when this person may take the second look, where `at` is too early: a dispute's is
    somebody else's, or the same person's another day (S1 #52)."""
    ready = second_look_at(from_wire(row["disputed_at"]), policy)
    return ready if row.get("disputed_by") == staff_id and at < ready else None


def _take_effect(
    unit: Unit,
    confirmed: Iterable[Held],
    by: str | None,
    policy: PolicySettings,
    occasion: str,
) -> None:
    """Writes the levels, tells whoever looks after the customers, and plans their visits anew."""
    told: dict[str, set[str]] = {}
    planned: set[str] = set()
    for held in confirmed:
        axis, customer_id = held.row["axis"], held.row["customer_id"]
        after = held.row["after"]
        fields = {FIELD_OF[axis]: after == YES if axis == "vip" else after}
        customer = unit.update("customer", customer_id, fields)
        for staff_id in (customer.row.get("owner_id"), customer.row.get("agent_id")):
            if staff_id and staff_id != by:
                told.setdefault(staff_id, set()).add(customer_id)
        if axis == "value":
            planned.add(customer_id)
    for staff_id, customers in sorted(told.items()):
        tell(
            unit, occasion, staff_id, "tier_changed",
            subject="customer", count=len(customers), by=by,
        )  # fmt: skip
    cadence_plans.plan(unit, planned, policy)


def by_hand(
    unit: Unit,
    customer: Held,
    before: Mapping[str, Any],
    who: Actor,
    role: Role,
    policy: PolicySettings,
    author: Author,
) -> None:
    """A level that somebody set in the customer's own form is a proposal that they made and
    confirmed: on record like any other and, where more seats are asked for, without effect until
    they have confirmed it, too. Who lost their seat meanwhile has proposed it, and no more."""
    for axis in ("value", "vip"):
        name = FIELD_OF[axis]
        old, new = before.get(name), customer.row.get(name)
        if old == new or new is None:
            continue
        words = {True: YES, False: "no", None: None}
        level, was = (words[new], words[old]) if axis == "vip" else (new, old)
        known = unit.find("tier_proposal", customer_id=customer.id)
        for held in known:
            if held.row["axis"] == axis and held.row["state"] in OPEN_PROPOSAL_STATES:
                marks = {"decided_at": unit.now_text, "decided_by": who.staff_id}
                unit.update("tier_proposal", held.id, {"state": "withdrawn"} | marks)
        number = sum(held.row["axis"] == axis for held in known)
        row = {
            "id": derived_id("tier proposal", customer.id, axis, str(number)),
            "customer_id": customer.id,
            "axis": axis,
            "before": was,
            "after": level,
            "by_hand": True,
            "proposed_at": unit.now_text,
        }
        sits = _sits(policy, who.staff_id, role, axis)
        sat = any(_sits(one, who.staff_id, role, axis) for one in _policies_so_far(unit))
        row["state"] = "confirmed" if sits or not sat else "proposed"
        made = unit.create("tier_proposal", row, Author(staff_id=who.staff_id))
        if made.row["state"] == "confirmed":
            start = {made.id: {"state": "proposed"}}
            _follow(unit, [made], start, who, role, policy, made.id, author)
        if made.row["state"] == "proposed":  # the other seats have not spoken yet
            unit.update("customer", customer.id, {name: old})


__all__ = [
    "MOST",
    "VERDICTS",
    "Decided",
    "by_hand",
    "carry_out",
    "decide",
    "still_counts",
]
