"""What the desk does with a case: gives it to a technician, approves a return, asks an expert, sets
milestones, solves it by phone, inspects it (S0 #15; S2 #88, #114; S4 #165, #166, #169).

Each method is one durable transaction, or a refusal; all of them work without a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mobile.store.store import Store
from mobile.usecases.repairs import Repairs, turn_draft
from shared.declare import Role
from shared.entities import Callback, Case, CheckItem, Inspection, Milestone, Staff, Transfer
from shared.errors import Code, Refusal
from shared.flows import APPROVED_KINDS
from shared.followups import callback_after_solution
from shared.ids import new_id
from shared.service_clock import ClockReading, promised_clock
from shared.states import OPEN_CALLBACK_STATES, next_states


def answer_draft(transfer_id: str) -> str:
    """Key of the draft of an expert's answer."""
    return f"transfer/{transfer_id}"


class Desk:
    """The acts on one case that are no step of a repair."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # ── who does it ───────────────────────────────────────────────────────────────────────

    def technicians(self, case: Case) -> list[Staff]:
        """To whom this case can be given, by name: those of its store, or all where it has none."""
        found = self._colleagues(Role.TECHNICIAN)
        own = [s for s in found if s.store_id == case.store_id]
        return sorted(own or found, key=lambda s: s.name)

    def assign(self, case: Case, staff_id: str) -> Case:
        """Gives the case to a technician; the server hands it over. For store managers."""
        with self._store.unit() as unit:
            given = unit.update(case, assignee_id=staff_id)
            unit.commit()
        return given

    def reviews(self, case: Case) -> bool:
        """Whether whoever asks may approve or decline this return or exchange now: the owner of its
        review by policy, or a store manager (S4 #165, #167)."""
        if case.kind not in APPROVED_KINDS or case.state not in {"new", "assigned"}:
            return False
        flow = self._store.policy(case.opened_at).flow(case.kind)
        owner = next(node.owner for node in flow if node.name == "review")
        return self._store.staff().role in {owner, Role.STORE_MANAGER}

    def approve(self, case: Case) -> Case:
        """The return is taken: it goes on to be processed."""
        self._check_reviews(case)
        return Repairs(self._store).move(case, "accepted")

    def decline(self, case: Case, reason: str) -> Case:
        """The return is not taken, and why stands on its record. Refuses `field_required` without
        a reason."""
        self._check_reviews(case)
        if not reason.strip():
            raise Refusal(Code.FIELD_REQUIRED, field="reason")
        return Repairs(self._store).move(case, "cancelled", note=reason.strip(), turn="decline")

    # ── solved without a report ───────────────────────────────────────────────────────────

    def solves(self, case: Case) -> bool:
        """Whether this case can be solved from here: all but a repair, which a signed report
        solves."""
        return case.kind != "repair" and "resolved" in next_states("case", case.state)

    def solve(self, case: Case, how: str) -> Case:
        """The case is solved, with how on its record; the call that asks the customer is planned
        (S0 #18). Refuses `field_required`, `move_not_allowed`."""
        if not how.strip():
            raise Refusal(Code.FIELD_REQUIRED, field="note")
        if not self.solves(case):
            raise Refusal(Code.MOVE_NOT_ALLOWED, before=case.state, after="resolved")
        store = self._store
        calls = store.find(Callback, case_id=case.id)
        with store.unit() as unit:
            solved = Repairs(store).step(unit, case, "resolved", note=how.strip())
            if not any(call.state in OPEN_CALLBACK_STATES for call in calls):
                had = {call.id for call in calls}
                unit.create(callback_after_solution(solved, store.now(), store.policy(), had))
            unit.discard_draft(turn_draft(case.id, "solve"))
            unit.commit()
        return solved

    # ── an expert ─────────────────────────────────────────────────────────────────────────

    def experts(self) -> list[Staff]:
        """Whom one can ask: everyone in the field of one's own store but oneself, technicians
        first."""
        me = self._store.staff()
        roles = (Role.TECHNICIAN, Role.ACCOUNT_MANAGER, Role.CALLBACK_AGENT, Role.STORE_MANAGER)
        found = [
            s
            for role in roles
            for s in self._colleagues(role)
            if s.id != me.id and s.store_id == me.store_id
        ]
        return sorted(found, key=lambda s: (roles.index(Role(s.role)), s.name))

    def longest_promise(self) -> timedelta:
        """By when an expert answers at the latest (S0 #15: 24 h)."""
        return timedelta(hours=self._store.policy().expert_answer_hours)

    def transfer(
        self, case: Case, expert_id: str, question: str, promised_at: datetime
    ) -> Transfer:
        """Hands a question to an expert; `promised_at` is what the customer was told (S2 #88).
        Refuses `field_required` without a question, `field_invalid` for a promise that is past or
        longer than the policy allows."""
        now = self._store.now()
        if not question.strip():
            raise Refusal(Code.FIELD_REQUIRED, field="question")
        if not now < promised_at <= now + self.longest_promise():
            raise Refusal(Code.FIELD_INVALID, field="promised_at", wanted="within the limit")
        with self._store.unit() as unit:
            made = unit.create(
                Transfer(
                    id=new_id(),
                    case_id=case.id,
                    customer_id=case.customer_id,
                    asked_by=self._store.staff().id,
                    expert_id=expert_id,
                    question=question.strip(),
                    asked_at=now,
                    promised_at=promised_at,
                )
            )
            unit.discard_draft(turn_draft(case.id, "ask"))
            unit.commit()
        return made

    def answer(self, transfer: Transfer, text: str) -> Transfer:
        """The expert's answer. Refuses `field_required` for an empty one."""
        if not text.strip():
            raise Refusal(Code.FIELD_REQUIRED, field="answer")
        with self._store.unit() as unit:
            done = unit.update(transfer, answer=text.strip(), answered_at=self._store.now())
            unit.discard_draft(answer_draft(transfer.id))
            unit.commit()
        return done

    def clock(self, transfer: Transfer) -> ClockReading:
        """How much of the promise is left."""
        return promised_clock(
            transfer.asked_at, transfer.promised_at, transfer.answered_at, self._store.now()
        )

    # ── milestones ────────────────────────────────────────────────────────────────────────

    def set_milestone(self, case: Case, title: str, due_at: datetime, owner_id: str) -> Milestone:
        """One thing of the plan: what, by when, who (S2 #114). Refuses `field_required`."""
        if not title.strip():
            raise Refusal(Code.FIELD_REQUIRED, field="title")
        with self._store.unit() as unit:
            made = unit.create(
                Milestone(
                    id=new_id(),
                    case_id=case.id,
                    customer_id=case.customer_id,
                    title=title.strip(),
                    owner_id=owner_id,
                    due_at=due_at,
                )
            )
            unit.discard_draft(turn_draft(case.id, "milestone"))
            unit.commit()
        return made

    def reach(self, milestone: Milestone, done: bool = True) -> Milestone:
        """It is done; or, taken back, it is not."""
        with self._store.unit() as unit:
            changed = unit.update(milestone, finished_at=self._store.now() if done else None)
            unit.commit()
        return changed

    # ── inspection ────────────────────────────────────────────────────────────────────────

    def inspect(
        self, case: Case, checklist: Sequence[CheckItem], judgement: str, notes: str
    ) -> Inspection:
        """What a manager found on site (S4 #169)."""
        with self._store.unit() as unit:
            made = unit.create(
                Inspection(
                    id=new_id(),
                    case_id=case.id,
                    customer_id=case.customer_id,
                    author_id=self._store.staff().id,
                    happened_at=self._store.now(),
                    checklist=tuple(checklist),
                    judgement=judgement,
                    notes=notes.strip() or None,
                )
            )
            unit.discard_draft(turn_draft(case.id, "inspect"))
            unit.commit()
        return made

    def _check_reviews(self, case: Case) -> None:
        if not self.reviews(case):
            raise Refusal(Code.ROLE_NOT_ALLOWED, role=self._store.staff().role)

    def _colleagues(self, role: Role) -> list[Staff]:
        return [s for s in self._store.find(Staff) if s.role == role and s.active is not False]
