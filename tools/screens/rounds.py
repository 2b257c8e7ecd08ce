"""Which rounds there are, each with what its browser is like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.browser.harness import DESKTOP, PHONE
from tools.screens import access, days, edges, trade
from tools.screens.walk import Walk


@dataclass(frozen=True, slots=True)
class Round:
    """`alone` rounds get a server of their own: they change what others would see there."""

    go: Callable[[Walk], None]
    options: dict[str, Any] = field(default_factory=lambda: {"size": PHONE})
    alone: bool = False


_NIGHT = {"size": DESKTOP, "dark": True, "suffix": "-desktop-dark"}

ROUNDS = {
    "account_manager": Round(days.account_manager),
    "editing": Round(days.editing),
    "technician": Round(days.technician),
    "agent": Round(days.agent),
    "at_night": Round(days.at_night, _NIGHT),
    "at_desk": Round(days.at_desk, {"size": DESKTOP, "suffix": "-desktop"}),
    "first_visit": Round(edges.first_visit),
    "wrong_pin": Round(edges.wrong_pin),
    "approval": Round(edges.approval, alone=True),
    "nothing_yet": Round(edges.nothing_yet, alone=True),
    "conflict": Round(edges.conflict, alone=True),
    "refused": Round(edges.refused, alone=True),
    "late": Round(edges.late, alone=True),
    "ending": Round(access.ending, alone=True),
    "deciding": Round(access.deciding, alone=True),
    "deciding_at_night": Round(access.deciding, _NIGHT, alone=True),
    "desk": Round(trade.desk, alone=True),
    "second_factor": Round(access.second_factor, alone=True),
}
