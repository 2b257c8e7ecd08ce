"""The eight steps of a complaint (S4 #179; S0 #16–#19; S2 #89, #112–#115).

Nobody sets a step: it is done when what belongs to it is there, on whichever phone that was
written. A complaint that was sent back to work is again as far as its facts reach.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.entities import Callback, Case, CaseEvent, Milestone
from shared.service_clock import INFORMED, solved_at, steps_of

STEPS = (
    "receive", "classify", "liability", "verify", "plan", "execute", "feedback", "review",
)  # fmt: skip
NOBODY_TO_NAME = frozenset({"customer", "nobody"})
"""Liabilities that leave no person or company of ours to be named."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """Everything that the steps are computed from. `evidence` counts photos, files and signed
    reports (S2 #113)."""

    case: Case
    events: Sequence[CaseEvent] = ()
    milestones: Sequence[Milestone] = ()
    callbacks: Sequence[Callback] = ()
    evidence: int = 0

    @property
    def solved_at(self) -> datetime | None:
        """When it was solved, if that solution stands."""
        return solved_at(steps_of(self.events))


@dataclass(frozen=True, slots=True)
class StepReading:
    """One step and what is missing for it: names of fields, or one of ``evidence``, ``milestone``,
    ``milestones_open``, ``solution``, ``informed``, ``satisfied``."""

    name: str
    missing: tuple[str, ...]

    @property
    def done(self) -> bool:
        return not self.missing


def steps_of_complaint(complaint: Complaint) -> tuple[StepReading, ...]:
    """All eight, in their order."""
    return tuple(StepReading(name, tuple(_MISSING[name](complaint))) for name in STEPS)


def present_step(steps: Sequence[StepReading]) -> StepReading | None:
    """The first that is not done; None when all are."""
    return next((step for step in steps if not step.done), None)


def _fields(*names: str) -> Callable[[Complaint], list[str]]:
    return lambda complaint: [name for name in names if not getattr(complaint.case, name)]


def _liability(complaint: Complaint) -> list[str]:
    lacking = _fields("liability")(complaint)
    if not lacking and complaint.case.liability not in NOBODY_TO_NAME:
        lacking = _fields("liable_party")(complaint)
    return lacking


def _verify(complaint: Complaint) -> list[str]:
    return [*_fields("findings")(complaint), *([] if complaint.evidence else ["evidence"])]


def _plan(complaint: Complaint) -> list[str]:
    lacking = _fields("plan", "assignee_id")(complaint)
    return [*lacking, *([] if complaint.milestones else ["milestone"])]


def _execute(complaint: Complaint) -> list[str]:
    lacking = []
    if any(one.finished_at is None for one in complaint.milestones):
        lacking.append("milestones_open")
    return [*lacking, *([] if complaint.solved_at else ["solution"])]


def _told(complaint: Complaint) -> list[str]:
    """Told since it was solved: in so many words, or by the call that reached them (S2 #90)."""
    since = complaint.solved_at
    if since is None:
        return [INFORMED]
    told = any(e.kind == INFORMED and e.happened_at >= since for e in complaint.events)
    called = any(c.satisfaction is not None for c in _calls(complaint, since))
    return [] if told or called else [INFORMED]


def _review(complaint: Complaint) -> list[str]:
    since = complaint.solved_at
    content = since is not None and any(
        call.outcome == "satisfied" for call in _calls(complaint, since)
    )
    return [*([] if content else ["satisfied"]), *_fields("lesson")(complaint)]


def _calls(complaint: Complaint, since: datetime) -> list[Callback]:
    return [c for c in complaint.callbacks if c.finished_at and c.finished_at >= since]


_MISSING: dict[str, Callable[[Complaint], list[str]]] = {
    "receive": _fields("occurred_at", "place", "description", "impact"),
    "classify": _fields("category"),
    "liability": _liability,
    "verify": _verify,
    "plan": _plan,
    "execute": _execute,
    "feedback": _told,
    "review": _review,
}
