"""How likely a customer is to come back, and the signs that they may not (S1 #47, #48, S4 #164).

Recency, frequency and money of each customer are weighed by a logistic regression, which is fitted
on the organisation's own past: how customers stood some time ago, and who of them has come back
since. Recency counts in the customer's own pace, so that three silent months mean more of someone
who buys weekly. Without a past that is long enough nothing is said of anybody.

    model = fit(past, horizon_days=90)
    chance(model, habit)  # 0.18: buys every 21 days, silent for 80

Pure and cheap: scoring is a dozen operations; fitting takes some passes over the customers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.entities.tiering import Reason
from shared.policy import PolicySettings

SIGNS = ("noted", "silence", "falling", "unlikely", "unhappy")
"""What may speak for a customer leaving, in the order in which it is told."""

_LEAST_OF_EACH = 20
"""Customers who came back, and who did not, without whom nothing can be learned."""
_WEIGHTS = 5
_RIDGE = 1e-3
_ROUNDS = 50
_SETTLED = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How a customer buys, as known at `at`: orders ever and in the last half-year, the first and
    the last of them, and the amount of the tiers' period in cents (credits taken off)."""

    at: datetime
    orders: int
    half_orders: int
    first_at: datetime
    last_at: datetime
    spend_cents: int

    @property
    def silent_days(self) -> int:
        return (self.at - self.last_at).days

    @property
    def span_days(self) -> int:
        """From the first order to the last."""
        return (self.last_at - self.first_at).days

    @property
    def usual_days(self) -> int | None:
        """Usual days between two orders, rounded up; None where there were no two days."""
        if self.orders < 2 or not self.span_days:
            return None
        return -(-self.span_days // (self.orders - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What was learned: the weight of each of `features`, what is usual among all customers (days
    between two orders, amount), within how many days one counts as come back, and from how many
    customers it was learned, of whom so many came back."""

    weights: tuple[float, ...]
    usual_days: float
    usual_cents: float
    horizon_days: int
    customers: int
    returned: int


def features(habit: Habit, usual_days: float, usual_cents: float) -> tuple[float, ...]:
    """What is weighed: a constant; how often the customer bought; how long they are silent, in
    their own gaps (who bought once counts as having the usual gap); how often lately; how much.
    Logarithms, as the tenth order tells less than the second."""
    pace = (habit.span_days + usual_days) / habit.orders
    return (
        1.0,
        math.log(habit.orders),
        math.log1p(max(habit.silent_days, 0) / pace),
        math.log1p(habit.half_orders),
        math.log1p(max(habit.spend_cents, 0) / usual_cents),
    )


def chance(model: Model, habit: Habit) -> float:
    """The probability, within (0, 1), that the customer orders again within the model's days."""
    seen = features(habit, model.usual_days, model.usual_cents)
    return _likely(sum(w * f for w, f in zip(model.weights, seen, strict=True)))


def fit(past: Sequence[tuple[Habit, bool]], horizon_days: int) -> Model | None:
    """Learns from customers as they were (`Habit.at` is one moment for all), each with whether
    they ordered within `horizon_days` after it. None where too few did or did not.

    Maximum likelihood by Newton's method, with a ridge so small that it only keeps the equations
    soluble.
    """
    returned = sum(came for _, came in past)
    if min(returned, len(past) - returned) < _LEAST_OF_EACH:
        return None
    gaps = sum(habit.orders - 1 for habit, _ in past)
    usual_days = max(sum(habit.span_days for habit, _ in past) / max(gaps, 1), 1.0)
    usual_cents = max(sum(max(habit.spend_cents, 0) for habit, _ in past) / len(past), 1.0)
    seen = [(features(habit, usual_days, usual_cents), float(came)) for habit, came in past]
    weights = [0.0] * _WEIGHTS
    for _ in range(_ROUNDS):
        step = _newton(seen, weights)
        weights = [w + s for w, s in zip(weights, step, strict=True)]
        if max(map(abs, step)) < _SETTLED:
            break
    return Model(
        weights=tuple(weights),
        usual_days=usual_days,
        usual_cents=usual_cents,
        horizon_days=horizon_days,
        customers=len(past),
        returned=returned,
    )


def _newton(seen: Iterable[tuple[tuple[float, ...], float]], weights: list[float]) -> list[float]:
    """One step: the gradient of the likelihood over its curvature."""
    size = range(_WEIGHTS)
    slope = [-_RIDGE * w for w in weights]
    curve = [[_RIDGE if j == k else 0.0 for k in size] for j in size]
    for row, came in seen:
        likely = _likely(sum(w * f for w, f in zip(weights, row, strict=True)))
        off, spread = came - likely, likely * (1 - likely)
        for j in size:
            slope[j] += off * row[j]
            part, line = spread * row[j], curve[j]
            for k in range(j + 1):
                line[k] += part * row[k]
    for j in size:
        for k in range(j):
            curve[k][j] = curve[j][k]
    return _solved(curve, slope)


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """x of matrix · x = right, for a positive definite matrix (Gauss and Jordan)."""
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for j, pivot in enumerate(rows):
        for other in rows:
            if other is not pivot:
                times = other[j] / pivot[j]
                other[j:] = [a - times * b for a, b in zip(other[j:], pivot[j:], strict=True)]
    return [line[-1] / line[j] for j, line in enumerate(rows)]


def _likely(sum_: float) -> float:
    """The logistic function, without overflow."""
    if sum_ >= 0:
        return 1 / (1 + math.exp(-sum_))
    grown = math.exp(sum_)
    return grown / (1 + grown)


# ── what speaks for a customer leaving ────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction:
    """Mean points (0 to 100) of a customer's or a group's answers: lately, and before that; None
    where there were none."""

    lately: float | None = None
    before: float | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """Which of `SIGNS` hold, and the numbers of those and of others that were looked at."""

    signs: tuple[str, ...]
    reasons: tuple[Reason, ...]


def churn_signal(
    habit: Habit | None,
    return_percent: int | None,
    fallen: int | None,
    policy: PolicySettings,
    *,
    noted: bool = False,
    satisfaction: Satisfaction = Satisfaction(),
) -> Warned:
    """The signs that a customer may leave (S1 #48): somebody noted one (a competitor, say); a
    silence of several usual gaps; much fewer orders than before; a low chance of coming back; a
    drop of satisfaction (S4 #164). Silence and chance tell of who has a habit to give up: from
    `silence_orders` orders on. `return_percent` and `fallen` (see `fallen_percent`) are as they
    were last scored: they move with every day, and what is decided by them should not."""
    signs: set[str] = set()
    reasons = []
    if noted:
        signs.add("noted")
        reasons.append(Reason(key="signals", value=1))
    if habit is not None and habit.orders >= policy.silence_orders:
        if habit.usual_days is not None:
            wanted = habit.usual_days * policy.silence_gaps
            reasons.append(Reason(key="silence", value=habit.silent_days, wanted=wanted))
            signs |= {"silence"} if habit.silent_days > wanted else set()
        if fallen is not None:
            wanted = policy.churn_fall_percent
            reasons.append(Reason(key="fall", value=fallen, wanted=wanted))
            signs |= {"falling"} if fallen >= wanted else set()
        if return_percent is not None:
            wanted = policy.churn_below_percent
            reasons.append(Reason(key="return", value=return_percent, wanted=wanted))
            signs |= {"unlikely"} if return_percent < wanted else set()
    if (lost := lost_points(satisfaction)) is not None:
        reasons.append(Reason(key="points", value=lost, wanted=policy.satisfaction_drop_points))
        signs |= {"unhappy"} if dropped(satisfaction, policy) else set()
    return Warned(tuple(sign for sign in SIGNS if sign in signs), tuple(reasons))


def fallen_percent(habit: Habit, policy: PolicySettings) -> int | None:
    """By how much the last half-year's orders fall short of what the time before it lets expect,
    in percent of that (negative: there were more); None where that time is too short or had too
    few orders."""
    half = policy.vip_half_year_days
    before_days = (habit.at - habit.first_at).days - half
    before = habit.orders - habit.half_orders
    if before_days < half // 2 or before < policy.silence_orders:
        return None
    expected = before * half / before_days
    return round(100 * (expected - habit.half_orders) / expected)


def lost_points(satisfaction: Satisfaction) -> int | None:
    """How many points satisfaction lost; None where one of the two is unknown."""
    if satisfaction.lately is None or satisfaction.before is None:
        return None
    return round(satisfaction.before - satisfaction.lately)


def dropped(satisfaction: Satisfaction, policy: PolicySettings) -> bool:
    """Whether a customer's or a group's satisfaction dropped so far that it is told (S4 #164)."""
    lost = lost_points(satisfaction)
    return lost is not None and lost >= policy.satisfaction_drop_points


def asks_for_a_plan(signs: Iterable[str], tier: str | None, policy: PolicySettings) -> bool:
    """Whether a plan is proposed (S1 #65): where somebody noted a sign, for every customer; where
    only figures speak, for those of a tier that the policy names."""
    found = set(signs)
    return "noted" in found or bool(found and (tier or "") in policy.plan_tiers.split())


__all__ = [
    "SIGNS",
    "Habit",
    "Model",
    "Satisfaction",
    "Warned",
    "asks_for_a_plan",
    "chance",
    "churn_signal",
    "dropped",
    "fallen_percent",
    "features",
    "fit",
    "lost_points",
]
