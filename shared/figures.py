"""Every figure once: what it counts, in which unit, which way is better, and the policy's target.

A figure is a numerator over a denominator (`Part`): parts of days and people add up, quotients do
not. Their words and formulas are in the console's catalogues: ``figure.<name>`` and
``figure.<name>.formula``. From figures come attainment, scores, ranks and grades (S0 #41, #42, S1
#68), as pure rules that both sides apply.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from shared.policy import PolicySettings

K = TypeVar("K", bound=Hashable)

GRADES = ("excellent", "good", "pass", "fail")
"""The four of S1 #68, best first."""


class Part(NamedTuple):
    """A numerator and a denominator, in the figure's own integers (`Figure.parts`)."""

    above: int = 0
    below: int = 0

    def __add__(self, other: object) -> Part:
        if not isinstance(other, Part):
            return NotImplemented
        return Part(self.above + other.above, self.below + other.below)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. Its value is ``scale`` × numerator ÷ denominator, in `unit` (``points`` of 100,
    ``percent``, ``minutes``); `higher`: more is better; `target` names a policy setting in the same
    unit; `parts` are the keys of what is divided by what; `yearly`: it looks at the twelve months
    to the period's end, and at the twelve before them; `steady`: it should not fall (S2 #123)."""

    name: str
    unit: str
    higher: bool
    target: str
    parts: tuple[str, str]
    scale: float
    source: str
    yearly: bool = False
    steady: bool = False

    def value(self, part: Part) -> float | None:
        """None where nothing was counted."""
        return self.scale * part.above / part.below if part.below else None

    def goal(self, policy: PolicySettings) -> int:
        return int(getattr(policy, self.target))

    def attainment(self, value: float, policy: PolicySettings) -> float:
        """How far the target is reached: value ÷ target, or 2 − value ÷ target where less is
        better, within 0 … 1.2 (decision on S0 #41)."""
        share = value / self.goal(policy)
        reached = share if self.higher else 2 - share
        return min(max(reached, 0.0), policy.attainment_cap_percent / 100)

    def fell(self, value: float | None, before: float | None) -> bool | None:
        """Whether a figure that should hold or rise (S2 #123) is below what it was the period
        before; None where that is not asked of it, or one of the two is not known."""
        if not self.steady or value is None or before is None:
            return None
        return value < before

    def met(self, value: float, policy: PolicySettings) -> bool:
        goal = self.goal(policy)
        return value >= goal if self.higher else value <= goal


_PERCENT, _MINUTES = 100.0, 1 / 60

FIGURES: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure(
            "satisfaction", "points", True, "target_satisfaction_points",
            ("points", "answers"), 1.0, "S0 #12, #37",
        ),
        Figure(
            "satisfied", "percent", True, "target_satisfied_percent",
            ("satisfied_answers", "answers"), _PERCENT, "S2 #121",
        ),
        Figure(
            "complaint_rate", "percent", False, "target_complaint_percent",
            ("complainants", "customers"), _PERCENT, "S0 #38",
        ),
        Figure(
            "response", "minutes", False, "target_response_minutes",
            ("response_seconds", "answered"), _MINUTES, "S0 #10, S2 #124",
        ),
        Figure(
            "resolution", "percent", True, "target_resolution_percent",
            ("opened_resolved", "opened"), _PERCENT, "S0 #11",
        ),
        Figure(
            "timeliness", "percent", True, "target_timeliness_percent",
            ("resolved_in_time", "resolved"), _PERCENT, "S2 #122, S4 #168",
        ),
        Figure(
            "retention", "percent", True, "target_retention_percent",
            ("kept_buyers", "buyers_before"), _PERCENT, "S0 #39", yearly=True,
        ),
        Figure(
            "uplift", "percent", True, "target_uplift_percent",
            ("spend_more", "spend_before"), _PERCENT, "S0 #40", yearly=True,
        ),
        Figure(
            "repeat", "percent", True, "target_repeat_percent",
            ("repeat_buyers", "buyers"), _PERCENT, "S0 #31, S2 #123", yearly=True, steady=True,
        ),
        Figure(
            "referral", "percent", True, "target_referral_percent",
            ("referred_customers", "new_customers"), _PERCENT, "S0 #32, S2 #123",
            yearly=True, steady=True,
        ),
        Figure(
            "churn", "percent", False, "target_churn_percent",
            ("lost_buyers", "buyers_before"), _PERCENT, "S1 #66", yearly=True,
        ),
    )
}  # fmt: skip

DEPARTMENT_WEIGHTS: Mapping[str, str] = {
    "satisfaction": "weight_department_satisfaction",
    "complaint_rate": "weight_department_complaints",
    "retention": "weight_department_retention",
    "uplift": "weight_department_uplift",
}
"""What a department is ranked by (S0 #41), with the setting of each weight."""

STAFF_WEIGHTS: Mapping[str, str] = {
    "response": "weight_staff_response",
    "resolution": "weight_staff_resolution",
    "satisfaction": "weight_staff_satisfaction",
}
"""What a member of staff is ranked by (S0 #42)."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A score with what it was made of: `terms` maps each measure to (attainment, weight); measures
    of which nothing is known are in `missing` and weigh nothing."""

    score: float
    terms: Mapping[str, tuple[float, int]]
    missing: Sequence[str] = ()


def score(
    values: Mapping[str, float | None], weights: Mapping[str, str], policy: PolicySettings
) -> Scored | None:
    """100 × the weighted mean of attainments (decision on S0 #41), to two decimals; None where
    nothing is known, or what is known weighs nothing."""
    terms: dict[str, tuple[float, int]] = {}
    missing = []
    for name, setting in weights.items():
        value = values.get(name)
        if value is None:
            missing.append(name)
        else:
            weight = int(getattr(policy, setting))
            terms[name] = (FIGURES[name].attainment(value, policy), weight)
    total = sum(weight for _, weight in terms.values())
    if not total:
        return None
    mean = sum(reached * weight for reached, weight in terms.values()) / total
    return Scored(round(100 * mean, 2), terms, missing)


def ranked(scores: Mapping[K, float]) -> dict[K, int]:
    """Each one's rank, the highest score first. Ties share a rank, and the next is as far down as
    if they had not (1, 1, 3)."""
    ordered = sorted(scores.values(), reverse=True)
    return {key: ordered.index(value) + 1 for key, value in scores.items()}


def grade(points: float, policy: PolicySettings) -> str:
    """One of `GRADES`, from a score (S1 #68). It is a proposal: a panel assesses."""
    if points >= policy.grade_excellent_from:
        return "excellent"
    if points >= policy.grade_good_from:
        return "good"
    return "pass" if points >= policy.grade_pass_from else "fail"


def after_grades(grades: Sequence[str], policy: PolicySettings) -> str | None:
    """What the last grades in a row call for (S1 #69): ``training`` after a fail, ``review`` of the
    position after `fails_until_review` of them. `grades` oldest first; None: nothing."""
    fails = 0
    for one in reversed(grades):
        if one != "fail":
            break
        fails += 1
    if not fails:
        return None
    return "review" if fails >= policy.fails_until_review else "training"
