"""Clocks of many cases at one moment: policy and calendar are read once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from mobile.store.store import Store
from shared.entities import Case, CaseEvent
from shared.service_clock import CaseClocks, Dial, case_clocks, steps_of


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
            return self._clocks(case, events)
        if case.id not in self._read:
            events = self._store.find(CaseEvent, case_id=case.id)
            self._read[case.id] = self._clocks(case, events)
        return self._read[case.id]

    def due_at(self, case: Case) -> datetime | None:
        """By when somebody has to be at it: its appointment; without one what its present node
        allows, as the console's queue counts (S4 #167). None where nothing limits it."""
        if case.appointment_at is not None:
            appointed: datetime = case.appointment_at
            return appointed
        current = self.of(case).current
        return current.clock.due_at if current else None

    def _clocks(self, case: Case, events: Sequence[CaseEvent]) -> CaseClocks:
        return case_clocks(case.kind, case.opened_at, steps_of(events), self._policies, self._dial)
