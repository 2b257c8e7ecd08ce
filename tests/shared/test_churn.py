"""Who may come back, and the signs that they may not."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.churn import (
    Habit,
    Model,
    Satisfaction,
    asks_for_a_plan,
    chance,
    churn_signal,
    dropped,
    fallen_percent,
    features,
    fit,
)
from shared.policy import DEFAULTS

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MODEL = Model(
    weights=(-1.3, 0.4, -0.25, 0.8, 0.9), usual_days=30, usual_cents=100_000,
    horizon_days=90, customers=1000, returned=500,
)  # fmt: skip


def habit(*days_ago: int, cents: int = 100_000) -> Habit:
    """Orders so many days ago each."""
    ago = sorted(days_ago)
    return Habit(
        at=NOW,
        orders=len(ago),
        half_orders=sum(one < 182 for one in ago),
        first_at=NOW - timedelta(days=ago[-1]),
        last_at=NOW - timedelta(days=ago[0]),
        spend_cents=cents * len(ago),
    )


habits = st.builds(
    habit, st.integers(0, 400), st.integers(0, 400), st.integers(0, 400),
    cents=st.integers(-(10**9), 10**9),
)  # fmt: skip


@given(habits)
def test_a_chance_is_between_never_and_always_and_falls_with_silence(known: Habit) -> None:
    likely = chance(MODEL, known)
    assert 0 < likely < 1
    later = replace(known, at=known.at + timedelta(days=30))
    assert chance(MODEL, later) < likely


def test_three_silent_months_mean_more_of_who_buys_weekly() -> None:
    weekly = features(habit(90, 97, 104), 30, 100_000)
    yearly = features(habit(90, 450, 810), 30, 100_000)
    assert weekly[2] > yearly[2]


def test_a_fit_finds_the_likeliest_weights() -> None:
    past = [
        (habit(last, last + gap, last + 2 * gap, cents=cents), (last * 7 + gap + cents) % 11 < lim)
        for last, lim in ((5, 9), (40, 7), (80, 5), (170, 3))
        for gap in range(3, 60, 7)
        for cents in (2_000, 30_000, 150_000)
    ]
    model = fit(past, 90)
    assert model is not None and model.customers == len(past)

    def likelihood(weights: tuple[float, ...]) -> float:
        tried = replace(model, weights=weights)
        return sum(math.log(chance(tried, h) if came else 1 - chance(tried, h)) for h, came in past)

    best = likelihood(model.weights)
    for place in range(5):
        for off in (-0.05, 0.05):
            moved = list(model.weights)
            moved[place] += off
            assert likelihood(tuple(moved)) < best


def test_nothing_is_learned_from_too_few_and_fitting_all_alike_ends() -> None:
    assert fit([], 90) is None
    assert fit([(habit(3, 30), True)] * 500, 90) is None
    alike = fit([(habit(30), True)] * 60 + [(habit(30), False)] * 20, 90)
    assert alike is not None and chance(alike, habit(30)) == pytest.approx(0.75, abs=0.001)


@pytest.mark.parametrize(
    ("known", "percent", "signs"),
    [
        (habit(10, 30, 50), 80, ()),
        (habit(61, 81, 101), 80, ("silence",)),  # three gaps of 20 days, and one day more
        (habit(60, 80, 100), 80, ()),
        (habit(10, 30, 50), 39, ("unlikely",)),
        (habit(10, 30, 50), 40, ()),
        (habit(10, 30), 5, ()),  # no habit yet
        (habit(60, 190, 220, 250, 280, 310), None, ("falling",)),
        (None, None, ()),
    ],
)
def test_signs_are_told_at_the_numbers_of_the_policy(
    known: Habit | None, percent: int | None, signs: tuple[str, ...]
) -> None:
    fallen = known and fallen_percent(known, DEFAULTS)
    told = churn_signal(known, percent, fallen, DEFAULTS)
    assert told.signs == signs
    assert known is None or all(reason.wanted is not None for reason in told.reasons)


def test_what_somebody_noted_is_a_sign_of_whoever_never_bought_too() -> None:
    assert churn_signal(None, None, None, DEFAULTS, noted=True).signs == ("noted",)


def test_a_drop_of_satisfaction_is_told_from_the_points_of_the_policy_on() -> None:
    assert dropped(Satisfaction(lately=70, before=85), DEFAULTS)
    assert not dropped(Satisfaction(lately=71, before=85), DEFAULTS)
    assert not dropped(Satisfaction(lately=70), DEFAULTS)
    points = Satisfaction(lately=50, before=90)
    unhappy = churn_signal(None, None, None, DEFAULTS, satisfaction=points)
    assert unhappy.signs == ("unhappy",) and unhappy.reasons[0].value == 40


def test_a_plan_is_for_tiers_of_the_policy_and_for_whatever_somebody_noted() -> None:
    assert asks_for_a_plan(["silence"], "high", DEFAULTS)
    assert not asks_for_a_plan(["silence"], "low", DEFAULTS)
    assert asks_for_a_plan(["noted"], None, DEFAULTS)
    assert not asks_for_a_plan([], "high", DEFAULTS)
