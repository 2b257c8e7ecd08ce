"""Calling back (S0 #18, #27, S2 #96, #97, #115; S3 #136, #151): queue, script, outcome, next
attempt, reopening."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mobile.store.store import Store
from mobile.usecases.repairs import Repairs
from shared.entities import Answer, Attempt, Callback, Case, Customer, Report
from shared.errors import Code, Refusal
from shared.followups import after_attempt
from shared.states import OPEN_CALLBACK_STATES


@dataclass(frozen=True, slots=True)
class Call:
    """One callback with what its agent may know, for as long as the window is open."""

    callback: Callback
    customer: Customer | None
    case: Case | None
    report: Report | None

    @property
    def due_at(self) -> datetime:
        """When to call: the next attempt if one was made, else when it fell due."""
        due: datetime = self.callback.next_attempt_at or self.callback.due_at
        return due


class Callbacks:
    """What an agent does; each method is one durable transaction, or a refusal."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def queue(self) -> list[Call]:
        """Every open call that this agent may read now, the most urgent first."""
        me = self._store.staff().id
        mine = [
            self._call(c)
            for c in self._store.agenda(Callback)
            if c.assignee_id in (None, me) and c.state in OPEN_CALLBACK_STATES
        ]
        return sorted(mine, key=lambda call: call.due_at)

    def open(self, callback_id: str) -> Call:
        """One call; puts on record that it was looked at (L7). Refuses `record_missing` outside
        its window."""
        callback = self._store.get(Callback, callback_id)
        if callback is None:
            raise Refusal(Code.RECORD_MISSING)
        with self._store.unit() as unit:
            unit.look(callback.customer_id, "callback", callback_id)
            unit.commit()
        return self._call(callback)

    def script(self, kind: str) -> Mapping[str, Any] | None:
        """The organisation's script for a kind of call: title, opening, questions, in all
        languages."""
        found = (r.data for r in self._store.references("callback_script") if r.key == kind)
        return next(found, None)

    def begin(self, callback: Callback) -> Callback:
        """The agent is calling."""
        with self._store.unit() as unit:
            begun = unit.update(callback, state="in_progress")
            unit.commit()
        return begun

    def not_reached(self, callback: Callback, result: str, note: str | None = None) -> Callback:
        """An attempt that reached nobody: called again in some hours, or given up after so many
        (policy)."""
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
            unit.discard_draft(draft_key(callback.id))
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
            unit.discard_draft(draft_key(callback.id))
            unit.commit()
        return saved

    def finish(
        self,
        callback: Callback,
        *,
        outcome: str,
        satisfaction: int | None,
        answers: tuple[Answer, ...],
        notes: str | None,
        reopen: bool = False,
    ) -> Callback:
        """The call is done. `reopen` sends its case back to work: until the customer is satisfied
        (S2 #115).

        Refuses `field_required` without an outcome, or without points when the customer was
        reached.
        """
        if outcome != "unreachable" and satisfaction is None:
            raise Refusal(Code.FIELD_REQUIRED, field="satisfaction")
        now = self._store.now()
        case = self._store.get(Case, callback.case_id) if callback.case_id else None
        if reopen and (case is None or case.state not in {"resolved", "closed"}):
            raise Refusal(Code.MOVE_NOT_ALLOWED)
        with self._store.unit() as unit:
            done = unit.update(
                callback,
                state="done",
                outcome=outcome,
                satisfaction=satisfaction,
                answers=answers,
                notes=notes or None,
                attempts=(*callback.attempts, Attempt(at=now, result="reached")),
                next_attempt_at=None,
                finished_at=now,
                reopened_case=reopen or None,
            )
            if reopen and case is not None:
                Repairs(self._store).reopen(unit, case, notes)
            unit.discard_draft(draft_key(callback.id))
            unit.commit()
        return done

    def _call(self, callback: Callback) -> Call:
        reports = self._store.find(Report, case_id=callback.case_id) if callback.case_id else []
        return Call(
            callback,
            self._store.get(Customer, callback.customer_id),
            self._store.get(Case, callback.case_id) if callback.case_id else None,
            reports[-1] if reports else None,
        )


def draft_key(callback_id: str) -> str:
    """Under which a call's unsaved answers are kept."""
    return f"callback:{callback_id}"
