"""A repair from dispatch to resolution (S2 #91–#96): accept, travel, arrive, wait, hand back.

What is written on site is `report_writing`'s, the signature `sign_off`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mobile.store.store import Store
from mobile.store.unit import Unit
from mobile.usecases.case_clocks import Clocks
from shared.declare import Role
from shared.entities import (
    Asset,
    Callback,
    Case,
    CaseEvent,
    Contact,
    Customer,
    CustomerTraining,
    Feedback,
    Inspection,
    Milestone,
    Report,
    Transfer,
)
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.service_clock import ANSWERED_STATES, CaseClocks
from shared.states import OPEN_CALLBACK_STATES, may_move, next_states

HANDED_BACK = ("new", "assigned")
"""Where a case goes that its technician can't do: to be dispatched anew, whichever may follow."""


def turn_draft(case_id: str, turn: str = "") -> str:
    """Key of the draft of something beside a case's straight way: a note, a question, a milestone;
    without a `turn`, what the keys of them all begin with."""
    return f"turn/{case_id}/{turn}"


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that the work on one case needs at hand."""

    case: Case
    customer: Customer | None
    contact: Contact | None
    asset: Asset | None
    report: Report | None  # the one being written, or the latest signed
    signed: tuple[Report, ...]  # the oldest first
    events: tuple[CaseEvent, ...]  # the oldest first
    callback: Callback | None  # the next one that is due
    pending: bool  # changes of the case wait on this device
    transfers: tuple[Transfer, ...] = ()  # the oldest first
    milestones: tuple[Milestone, ...] = ()  # by when they are due
    inspections: tuple[Inspection, ...] = ()
    feedback: tuple[Feedback, ...] = ()  # noted in its course
    trainings: tuple[CustomerTraining, ...] = ()

    @property
    def steps(self) -> frozenset[str]:
        """States that the case may move to from here."""
        return next_states("case", self.case.state)

    @property
    def open_report(self) -> Report | None:
        """The report being written, if one is."""
        return self.report if self.report and self.report.signature is None else None

    @property
    def phone(self) -> tuple[str, str, str] | None:
        """(number, entity, id) of whom to call about it: the contact, else the customer."""
        if self.contact is not None and self.contact.phone:
            return self.contact.phone, "contact", self.contact.id
        if self.customer is not None and self.customer.phone:
            return self.customer.phone, "customer", self.customer.id
        return None

    @property
    def place(self) -> str:
        """Where the work is: the case's own place, else the customer's address."""
        return self.case.place or (self.customer.address if self.customer else None) or ""


class Repairs:
    """What a technician does with their cases; each method is one durable transaction, or a
    refusal."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def mine(self) -> list[Case]:
        """Open cases of whoever asks, by appointment; for a store manager, everyone's."""
        staff = self._store.staff()
        everyone = staff.role == Role.STORE_MANAGER
        cases = self._store.agenda(Case)
        return [c for c in cases if everyone or c.assignee_id in (None, staff.id)]

    def done(self, limit: int = 20) -> list[Case]:
        """Cases that were resolved or closed, the latest first."""
        found = [
            case
            for state in ("resolved", "closed")
            for case in self._store.find(Case, state=state, newest_first=True, limit=limit)
        ]
        return sorted(found, key=lambda c: c.resolved_at or c.opened_at, reverse=True)[:limit]

    def job(self, case_id: str) -> Job:
        """The case with all that belongs to it. Refuses `record_missing` where it may not be
        read."""
        store = self._store
        case = store.get(Case, case_id)
        if case is None:
            raise Refusal(Code.RECORD_MISSING)
        reports = store.find(Report, case_id=case_id)
        signed = [r for r in reports if r.signature is not None]
        unsigned = [r for r in reports if r.signature is None]
        callbacks = store.find(Callback, case_id=case_id)
        return Job(
            case,
            store.get(Customer, case.customer_id),
            store.get(Contact, case.contact_id) if case.contact_id else None,
            store.get(Asset, case.asset_id) if case.asset_id else None,
            next(iter([*unsigned[::-1], *signed[::-1]]), None),
            tuple(signed),
            tuple(store.find(CaseEvent, case_id=case_id)),
            next((c for c in callbacks if c.state in OPEN_CALLBACK_STATES), None),
            (shown := store.row("case", case_id)) is not None and shown.pending,
            tuple(store.find(Transfer, case_id=case_id)),
            tuple(store.find(Milestone, case_id=case_id)),
            tuple(store.find(Inspection, case_id=case_id)),
            tuple(store.find(Feedback, case_id=case_id)),
            tuple(store.find(CustomerTraining, case_id=case_id)),
        )

    def open_job(self, case_id: str) -> Job:
        """As `job`, and puts on record that it was looked at (L7)."""
        job = self.job(case_id)
        with self._store.unit() as unit:
            unit.look(job.case.customer_id, "case", case_id)
            unit.commit()
        return job

    def move(
        self,
        case: Case,
        state: str,
        *,
        waiting_for: str | None = None,
        note: str | None = None,
        turn: str = "",
    ) -> Case:
        """Brings the case to `state`; the step goes on its record with the time at which it was
        taken (L8). It completes the draft of `turn`, if one is named.

        Arriving is also noted in the report that is being written. Refuses `move_not_allowed` for
        a step that does not follow the present one, `field_required` for waiting for nobody.
        """
        if state == "waiting" and waiting_for is None:
            raise Refusal(Code.FIELD_REQUIRED, field="waiting_for")
        with self._store.unit() as unit:
            moved = self.step(unit, case, state, waiting_for=waiting_for, note=note)
            unit.discard_draft(turn_draft(case.id, turn))
            unit.commit()
        return moved

    def hand_back_to(self, case: Case) -> str | None:
        """The state in which the case would be dispatched anew; None where it can't be given
        back."""
        steps = next_states("case", case.state)
        return next((state for state in HANDED_BACK if state in steps), None)

    def hand_back(self, case: Case, reason: str) -> Case:
        """Gives the case back to whoever dispatches, with the reason on its record. Refuses
        `field_required` without one, `move_not_allowed` on the way or on site."""
        if not reason.strip():
            raise Refusal(Code.FIELD_REQUIRED, field="reason")
        state = self.hand_back_to(case)
        if state is None:
            raise Refusal(Code.MOVE_NOT_ALLOWED, before=case.state, after=HANDED_BACK[0])
        return self.move(case, state, note=reason.strip(), turn="back")

    def note(self, case: Case, text: str, kind: str = "noted") -> None:
        """Writes something on the case's record: `noted`, or `informed` for what the customer was
        told (S2 #90)."""
        if not text.strip():
            raise Refusal(Code.FIELD_REQUIRED, field="note")
        with self._store.unit() as unit:
            unit.create(self.event(case, kind, note=text.strip()))
            unit.discard_draft(turn_draft(case.id, kind))
            unit.commit()

    def clocks(self, case: Case, events: Sequence[CaseEvent]) -> CaseClocks:
        """Every clock of a case, as they stand now (S0 #10, #16, #17; S4 #167)."""
        return Clocks(self._store).of(case, events)

    # Parts of someone else's unit of work

    def step(
        self,
        unit: Unit,
        case: Case,
        state: str,
        *,
        waiting_for: str | None = None,
        note: str | None = None,
    ) -> Case:
        """One move of the case with its event, inside `unit`. Refuses `move_not_allowed`."""
        if not may_move("case", case.state, state) or case.state == state:
            raise Refusal(Code.MOVE_NOT_ALLOWED, before=case.state, after=state)
        now = self._store.now()
        changes: dict[str, Any] = {"state": state, "waiting_for": waiting_for}
        if case.responded_at is None and state in ANSWERED_STATES:
            changes["responded_at"] = now
        if state == "resolved":
            changes["resolved_at"] = now
        elif state == "closed":
            changes["closed_at"] = now
        elif case.state in {"resolved", "closed"} and state != "closed":
            changes |= {
                "resolved_at": None,
                "closed_at": None,
                "reopened": (case.reopened or 0) + 1,
            }
        moved = unit.update(case, **changes)
        if state == "on_site":
            for report in self._store.find(Report, case_id=case.id, signature=None):
                unit.update(report, arrived_at=now)
        unit.create(
            self.event(
                case,
                "moved",
                from_state=case.state,
                to_state=state,
                waiting_for=waiting_for,
                note=note,
            )
        )
        return moved

    def resolve(self, unit: Unit, case: Case) -> Case:
        """Moves the case to `resolved` inside the sign-off's unit."""
        return self.step(unit, case, "resolved")

    def reopen(self, unit: Unit, case: Case, note: str | None) -> Case:
        """Sends a resolved case back to work inside a callback's unit (S2 #115)."""
        state = "assigned" if case.assignee_id else "in_progress"
        return self.step(unit, case, state, note=note)

    def close(self, unit: Unit, case: Case) -> Case:
        """Closes a resolved case inside a callback's unit: the customer is content."""
        return self.step(unit, case, "closed")

    def event(self, case: Case, kind: str, **facts: Any) -> CaseEvent:
        """An entry for the case's record, of now and by whoever is working."""
        return CaseEvent(
            id=new_id(),
            case_id=case.id,
            customer_id=case.customer_id,
            kind=kind,
            happened_at=self._store.now(),
            staff_id=self._store.staff().id,
            **facts,
        )
