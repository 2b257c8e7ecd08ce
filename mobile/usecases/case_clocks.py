"""Clocks of many cases at one moment: policy, calendar and what moved the cases are read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from mobile.store.store import Store
from shared.clock import from_wire
from shared.entities import Case, CaseEvent
from shared.service_clock import (
    CaseClocks,
    ClockReading,
    Dial,
    Step,
    case_clocks,
    step_of,
    steps_of,
    update_clock,
)
from shared.states import OPEN_CASE_STATES

_OF_STEPS = ("case_id", "happened_at", "kind", "to_state", "waiting_for", "id")


class Clocks:
    """As they stand now. Each keeps the policy under which it began: no later one moves it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._policies = store.policies()
        self._dial = Dial(store.calendar(), ZoneInfo(store.staff().timezone), store.now())
        self._read: dict[str, CaseClocks] = {}

    def of(self, case: Case, events: Sequence[CaseEvent] | None = None) -> CaseClocks:
        """Every clock of a case (S0 #10, #16, #17; S4 #167); its events are looked up where they
        are not at hand."""
        if events is not None:
            return self._clocks(case, steps_of(events))
        if case.id not in self._read:
            self._read[case.id] = self._clocks(case, self._steps_of(case))
        return self._read[case.id]

    def update(self, case: Case) -> ClockReading | None:
        """Until when its customer is to be told how it stands (S2 #90): this clock alone."""
        return update_clock(case.opened_at, self._steps_of(case), self._policies, self._dial)

    def due_at(self, case: Case) -> datetime | None:
        """By when somebody has to be at it: its appointment; without one what its present node
        allows, as the console's queue counts (S4 #167). None where nothing limits it."""
        if case.appointment_at is not None:
            appointed: datetime = case.appointment_at
            return appointed
        current = self.of(case).current
        return current.clock.due_at if current else None

    def _clocks(self, case: Case, steps: Sequence[Step]) -> CaseClocks:
        return case_clocks(case.kind, case.opened_at, steps, self._policies, self._dial)

    def _steps_of(self, case: Case) -> Sequence[Step]:
        open_ = self._open
        return open_[case.id] if case.id in open_ else self._read_steps([case.id])[case.id]

    @cached_property
    def _open(self) -> Mapping[str, Sequence[Step]]:
        """Of all open cases at once: one by one, hundreds of them would take a tenth of a second.
        Not of those that are over, of which there are thousands."""
        states = sorted(OPEN_CASE_STATES)
        return self._read_steps([i for (i,) in self._store.columns(Case, ("id",), state=states)])

    def _read_steps(self, ids: list[str]) -> Mapping[str, Sequence[Step]]:
        found: dict[str, list[Step]] = {case_id: [] for case_id in ids}
        events = self._store.columns(CaseEvent, _OF_STEPS, case_id=ids)
        for case_id, at, kind, state, waiting, key in events:
            if step := step_of(from_wire(at), kind, state, waiting, key):
                found[case_id].append(step)
        return found
