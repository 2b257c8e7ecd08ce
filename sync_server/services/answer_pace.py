"""How often one address may answer surveys by link: counted in memory and stored nowhere, so that
no address stands beside an answer (S4 #162)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from shared.clock import Clock
from sync_server.db.base import Database
from sync_server.services.accounts import policy_of
from sync_server.services.pace import Pace, place_of


@dataclass(slots=True)
class AnswerPace:
    """A pace for each number that an organisation's policy says."""

    clock: Clock
    _paces: dict[int, Pace] = field(default_factory=dict)

    def spend(self, db: Database, org_id: str, address: str, now: datetime) -> None:
        """Counts one answer. Refuses TOO_MANY_REQUESTS."""
        if (place := place_of(address)) is None:
            return
        with db.read() as connection:
            most = policy_of(connection, org_id, now).survey_link_answers
        self._paces.setdefault(most, Pace(most, self.clock)).spend(place)
