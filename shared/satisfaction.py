"""Satisfaction and loyalty as survey answers tell them, in one place (S4 #162, #164): CSAT, NPS,
and what counts as a drop. Only ever of a group that `suppression.published` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.policy import PolicySettings
from shared.suppression import ALL, published

Counts = Mapping[int, int]
"""How often each point of a scale was given."""

CONTENT_FROM = 4
"""Of 1 to 5."""
PROMOTERS_FROM, DETRACTORS_TO = 9, 6
"""Of 0 to 10 (Reichheld, 2003)."""


def csat(counts: Counts) -> float | None:
    """Percent of those who answered 1 to 5 that said 4 or 5; None where nobody did."""
    total = sum(counts.values())
    content = sum(count for points, count in counts.items() if points >= CONTENT_FROM)
    return 100 * content / total if total else None


def nps(counts: Counts) -> float | None:
    """Percent of promoters (9, 10) less percent of detractors (0 to 6), −100 to 100; None where
    nobody answered."""
    total = sum(counts.values())
    promoters = sum(count for points, count in counts.items() if points >= PROMOTERS_FROM)
    detractors = sum(count for points, count in counts.items() if points <= DETRACTORS_TO)
    return 100 * (promoters - detractors) / total if total else None


SCORES = {"csat": csat, "nps": nps}
"""By the kind of question that they are of."""


class Drop(NamedTuple):
    """A figure that fell by more than the policy lets pass; `before` and `after` in its own unit
    (percent, or points of NPS)."""

    kind: str
    before: float
    after: float

    @property
    def by(self) -> float:
        return self.before - self.after


def drop(kind: str, told: Sequence[float | None], policy: PolicySettings) -> Drop | None:
    """Whether the last of some figures, the oldest first, is a drop from the last one known before
    it (S4 #164). `kind` is one of `SCORES`."""
    known = [value for value in told[:-1] if value is not None]
    after = told[-1] if told else None
    if not known or after is None:
        return None
    limit = policy.csat_drop_percent if kind == "csat" else policy.nps_drop_points
    return Drop(kind, known[-1], after) if known[-1] - after >= limit else None


Answers = Mapping[str, Mapping[tuple[str, int], int]]
"""By question: how often each point was given, by (store, points)."""


def told(answers: Answers, least: int) -> dict[str, dict[str, dict[int, int]]]:
    """What may be told of one month's answers: by question, then by store and under
    `suppression.ALL` for all together, how often each point was given. A group of fewer than
    `least` answers is missing, and so is whatever it would follow from (S4 #162)."""
    shown: dict[str, dict[str, dict[int, int]]] = {}
    for question, given in answers.items():
        people: dict[tuple[str, ...], int] = {}
        for (store, _points), amount in given.items():
            people[(store,)] = people.get((store,), 0) + amount
        groups = {group for (group,) in published(people, least)} if people else set()
        counts: dict[str, dict[int, int]] = {group: {} for group in sorted(groups)}
        for (store, points), amount in given.items():
            for group in {store, ALL} & groups:
                counts[group][points] = counts[group].get(points, 0) + amount
        shown[question] = counts
    return shown
