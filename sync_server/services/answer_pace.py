"""How often one address may answer surveys by link, or write to a store: counted in memory and
stored nowhere, so that no address stands beside an answer (S4 #162, #177)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from shared.clock import Clock
from shared.policy import PolicySettings
from sync_server.db.base import Database
from sync_server.services.accounts import policy_of
from sync_server.services.pace import Pace, place_of


@dataclass(slots=True)
class AnswerPace:
    """A pace for each number that an organisation's policy says."""

    clock: Clock
    most: Callable[[PolicySettings], int]
    _paces: dict[int, Pace] = field(default_factory=dict)

    def spend(self, db: Database, org_id: str, address: str, now: datetime) -> None:
        """Counts one. Refuses TOO_MANY_REQUESTS."""
        if (place := place_of(address)) is None:
            return
        with db.read() as connection:
            most = self.most(policy_of(connection, org_id, now))
        self._paces.setdefault(most, Pace(most, self.clock)).spend(place)


def of_surveys(clock: Clock) -> AnswerPace:
    """Answers to surveys by link."""
    return AnswerPace(clock, lambda policy: policy.survey_link_answers)


def of_entrances(clock: Clock) -> AnswerPace:
    """Messages through a store's entrance."""
    return AnswerPace(clock, lambda policy: policy.entrance_messages)
