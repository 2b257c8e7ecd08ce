"""What figures need to know of a case: worked out from its events by the same clocks that screens
show, so that late and out-of-order work gives what timely work would have given (L8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.policy import Policies
from shared.service_clock import INFORMED, Dial, Step, resolution_clock, response_clock

_SOLVED = frozenset({"resolved", "closed"})


@dataclass(frozen=True, slots=True)
class Event:
    """What is read of a `case_event`."""

    id: str
    at: datetime
    kind: str
    to_state: str | None = None
    waiting_for: str | None = None
    staff_id: str | None = None


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """`resolved_at` is the resolution that stands, None where there is none; `staff_id` who had the
    case then, or last; `provisional`: its deadline lies where the calendar is a guess; `policy` the
    version under which it is judged."""

    answered_at: datetime | None
    answered_in_time: bool | None
    resolved_at: datetime | None
    resolved_in_time: bool | None
    provisional: bool
    policy: int
    staff_id: str | None
    reassigned: int
    reopened: int


def case_facts(
    kind: str,
    opened_at: datetime,
    events: Iterable[Event],
    policies: Policies,
    dial: Dial,
    *,
    assignee: str | None = None,
) -> CaseFacts:
    """The facts of one case; `assignee` is who has it where no event says. Events may come in any
    order; those after `dial.now` do not count yet. A case that was called off is not resolved."""
    known = sorted((e for e in events if e.at <= dial.now), key=lambda e: (e.at, e.id))
    steps = [
        Step(e.at, e.to_state or INFORMED, e.waiting_for, e.id)
        for e in known
        if e.to_state or e.kind == INFORMED
    ]
    states = [step.state for step in steps if step.state != INFORMED]
    response = response_clock(kind, opened_at, steps, policies, dial)
    resolution = resolution_clock(kind, opened_at, steps, policies, dial)
    solved = states[-1:] != ["cancelled"]
    answered, resolved = response.stopped_at, resolution.stopped_at if solved else None
    return CaseFacts(
        answered_at=answered,
        answered_in_time=None if answered is None else not response.breached,
        resolved_at=resolved,
        resolved_in_time=None if resolved is None else not resolution.breached,
        provisional=resolution.provisional,
        policy=resolution.policy,
        staff_id=_held_by(known, resolved) or assignee,
        reassigned=_handed_on(known),
        reopened=_reopened(states),
    )


def _held_by(events: Sequence[Event], at: datetime | None) -> str | None:
    """Who had the case at a moment (None: now): the last it was assigned to by then."""
    given = [e for e in events if e.kind == "assigned" and (at is None or e.at <= at)]
    return given[-1].staff_id if given else None


def _handed_on(events: Sequence[Event]) -> int:
    """How often it went from one person to another."""
    people = [e.staff_id for e in events if e.kind == "assigned" and e.staff_id]
    return sum(one != other for one, other in zip(people, people[1:], strict=False))


def _reopened(states: Sequence[str]) -> int:
    return sum(
        one in _SOLVED and other not in _SOLVED
        for one, other in zip(states, states[1:], strict=False)
    )
