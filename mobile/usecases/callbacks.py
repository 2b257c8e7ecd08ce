"""Calling back (S0 #18, #27, S2 #96, #97, #115; S3 #136, #151): queue, script, outcome, next
attempt, reopening."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mobile.store.store import Store
from mobile.store.unit import Unit
from mobile.usecases.repairs import Repairs
from shared.declare import Role
from shared.entities import Answer, Attempt, Callback, Case, Contact, Customer, Report
from shared.errors import Code, Refusal
from shared.followups import after_attempt, after_call
from shared.queueing import Place, place_in_queue
from shared.states import may_move

_EVENT_NOTE = 2000  # characters that an entry on a case's record holds


@dataclass(frozen=True, slots=True)
class Call:
    """One callback with what its agent may know, for as long as the window is open."""

    callback: Callback
    customer: Customer | None
    contact: Contact | None
    case: Case | None
    report: Report | None  # the signed one that is asked about
    pending: bool  # changes of the call wait on this device

    @property
    def due_at(self) -> datetime:
        """When to call: the next attempt if one was made, else when it fell due."""
        due: datetime = self.callback.next_attempt_at or self.callback.due_at
        return due

    @property
    def may_reopen(self) -> bool:
        """Whether its case is solved, so that an unhappy customer can send it back to work."""
        return self.case is not None and self.case.state in {"resolved", "closed"}

    @property
    def phone(self) -> tuple[str, str, str] | None:
        """(number, entity, id) of whom to call: the case's contact, else the customer."""
        if self.contact is not None and self.contact.phone:
            return self.contact.phone, "contact", self.contact.id
        if self.customer is not None and self.customer.phone:
            return self.customer.phone, "customer", self.customer.id
        return None


class Callbacks:
    """What an agent does; each method is one durable transaction, or a refusal."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def queue(self) -> list[Call]:
        """Every open call of this agent that may be read now, the most urgent first; for a store
        manager, everyone's."""
        me = self._store.staff()
        everyone = me.role == Role.STORE_MANAGER
        mine = [
            self._call(c)
            for c in self._store.agenda(Callback)
            if everyone or c.assignee_id in (None, me.id)
        ]
        policy, now = self._store.policy(), self._store.now()

        def urgent(call: Call) -> tuple[bool, Place, str]:
            # Who is to be called later stands after everyone who waits now, VIP or not.
            due, vip = call.due_at, call.customer is not None and call.customer.vip
            place = place_in_queue(
                policy, due, vip=vip, priority=call.case.priority if call.case else None
            )
            waits = due <= now
            return not waits, place if waits else (False, 0, due), call.callback.id

        return sorted(mine, key=urgent)

    def get(self, callback_id: str) -> Call:
        """One call with what belongs to it. Refuses `record_missing` outside its window."""
        callback = self._store.get(Callback, callback_id)
        if callback is None:
            raise Refusal(Code.RECORD_MISSING)
        return self._call(callback)

    def open(self, callback_id: str) -> Call:
        """As `get`, and puts on record that it was looked at (L7)."""
        call = self.get(callback_id)
        with self._store.unit() as unit:
            unit.look(call.callback.customer_id, "callback", callback_id)
            unit.commit()
        return call

    def script(self, kind: str) -> Mapping[str, Any] | None:
        """The organisation's script for a kind of call: title, opening, questions, in all
        languages."""
        found = (r.data for r in self._store.references("callback_script") if r.key == kind)
        return next(found, None)

    def begin(self, callback: Callback) -> Callback:
        """The agent is calling. Harmless when they are already."""
        with self._store.unit() as unit:
            begun = unit.update(callback, state="in_progress")
            unit.commit()
        return begun

    def not_reached(self, callback: Callback, result: str, note: str | None = None) -> Callback:
        """An attempt that reached nobody: called again in some hours, or given up after so many
        (policy). What was answered so far stays in its draft for the next attempt, unless there
        is none."""
        attempt = Attempt(at=self._store.now(), result=result, note=note or None)
        state, again = after_attempt(callback, attempt, self._store.policy())
        over = state == "unreachable"
        with self._store.unit() as unit:
            saved = unit.update(
                callback,
                attempts=(*callback.attempts, attempt),
                state=state,
                next_attempt_at=again,
                outcome="unreachable" if over else None,
                finished_at=attempt.at if over else None,
            )
            unit.commit()
        return saved

    def call_again_at(
        self, callback: Callback, moment: datetime, note: str | None = None
    ) -> Callback:
        """Reached, but the customer asked to be called at another time."""
        attempt = Attempt(at=self._store.now(), result="reached", note=note or None)
        with self._store.unit() as unit:
            saved = unit.update(
                callback,
                attempts=(*callback.attempts, attempt),
                state="scheduled",
                next_attempt_at=moment,
            )
            unit.commit()
        return saved

    def take_back(self, made: Callback, before: Callback) -> Callback:
        """Undoes `not_reached` or `call_again_at`: the call stands again as it stood `before`; one
        that was given up is scheduled again, as nothing else may follow."""
        state = before.state if may_move("callback", made.state, before.state) else "scheduled"
        with self._store.unit() as unit:
            saved = unit.update(
                made,
                attempts=before.attempts,
                state=state,
                next_attempt_at=before.next_attempt_at,
                outcome=before.outcome,
                finished_at=before.finished_at,
            )
            unit.commit()
        return saved

    def schedule_again(self, callback: Callback) -> Callback:
        """A call that was given up is due once more, now."""
        with self._store.unit() as unit:
            saved = unit.update(
                callback,
                state="scheduled",
                outcome=None,
                finished_at=None,
                next_attempt_at=self._store.now(),
            )
            unit.commit()
        return saved

    def finish(
        self,
        callback: Callback,
        *,
        outcome: str | None,
        satisfaction: int | None,
        answers: tuple[Answer, ...],
        notes: str | None,
        reopen: bool = False,
    ) -> Callback:
        """The call is done. `reopen` sends its case back to work; a complaint goes back, or is
        closed, by what the customer says alone: until they are satisfied (S2 #115).

        Refuses `field_required` without an outcome, or without points when the customer was
        reached; `move_not_allowed` to reopen a case that is not solved.
        """
        if outcome is None:
            raise Refusal(Code.FIELD_REQUIRED, field="outcome")
        reached = outcome != "unreachable"
        if reached and satisfaction is None:
            raise Refusal(Code.FIELD_REQUIRED, field="satisfaction")
        call = self._call(callback)
        if reopen and not call.may_reopen:
            raise Refusal(Code.MOVE_NOT_ALLOWED)
        follows = after_call(call.case.kind, outcome) if call.case and call.may_reopen else None
        if follows is not None:
            reopen = follows == "reopen"
        now = self._store.now()
        made = (Attempt(at=now, result="reached"),) if reached else ()
        with self._store.unit() as unit:
            done = unit.update(
                callback,
                state="done",
                outcome=outcome,
                satisfaction=satisfaction if reached else None,
                answers=answers,
                notes=notes or None,
                attempts=(*callback.attempts, *made),
                next_attempt_at=None,
                finished_at=now,
                reopened_case=reopen or None,
            )
            if reopen and call.case is not None:
                self._reopen(unit, call.case, notes)
            elif follows == "close" and call.case and call.case.state == "resolved":
                Repairs(self._store).close(unit, call.case)
            unit.discard_draft(draft_key(callback.id))
            unit.commit()
        return done

    def _reopen(self, unit: Unit, case: Case, notes: str | None) -> None:
        # The call keeps the whole note; the case's record has room for its beginning.
        Repairs(self._store).reopen(unit, case, (notes or "")[:_EVENT_NOTE] or None)

    def _call(self, callback: Callback) -> Call:
        store = self._store
        case = store.get(Case, callback.case_id) if callback.case_id else None
        reports = store.find(Report, case_id=callback.case_id) if callback.case_id else []
        signed = [r for r in reports if r.signature is not None]
        about = [r for r in signed if r.id == callback.report_id]
        return Call(
            callback,
            store.get(Customer, callback.customer_id),
            store.get(Contact, case.contact_id) if case and case.contact_id else None,
            case,
            next(iter([*about, *signed[::-1]]), None),
            (shown := store.row("callback", callback.id)) is not None and shown.pending,
        )


def draft_key(callback_id: str) -> str:
    """Under which a call's unsaved answers are kept."""
    return f"callback:{callback_id}"
