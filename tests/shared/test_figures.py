"""Figures as rules: attainment, scores, ranks and grades as decided on S0 #41, and periods."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.figures import (
    DEPARTMENT_WEIGHTS,
    FIGURES,
    GRADES,
    STAFF_WEIGHTS,
    Part,
    after_grades,
    grade,
    ranked,
    score,
)
from shared.periods import KINDS, period_of, read_period
from shared.policy import DEFAULTS, SETTINGS

ON_TARGET = {"satisfaction": 90.0, "complaint_rate": 3.0, "retention": 80.0, "uplift": 10.0}


def test_a_department_that_meets_every_target_scores_a_hundred() -> None:
    found = score(ON_TARGET, DEPARTMENT_WEIGHTS, DEFAULTS)
    assert found is not None and found.score == 100 and found.missing == []
    assert [weight for _, weight in found.terms.values()] == [40, 20, 20, 20]


@pytest.mark.parametrize(
    ("name", "value", "reached"),
    [
        ("satisfaction", 81.0, 0.9),
        ("satisfaction", 0.0, 0.0),
        ("uplift", 25.0, 1.2),
        ("uplift", -5.0, 0.0),
        ("complaint_rate", 3.0, 1.0),
        ("complaint_rate", 0.0, 1.2),
        ("complaint_rate", 4.5, 0.5),
        ("complaint_rate", 9.0, 0.0),
        ("response", 12.0, 0.8),
    ],
)
def test_attainment_is_as_decided(name: str, value: float, reached: float) -> None:
    assert FIGURES[name].attainment(value, DEFAULTS) == pytest.approx(reached)


def test_what_is_not_known_weighs_nothing_and_is_named() -> None:
    found = score(ON_TARGET | {"uplift": None, "retention": 40.0}, DEPARTMENT_WEIGHTS, DEFAULTS)
    assert found is not None and found.missing == ["uplift"]
    assert found.score == round(100 * (40 + 20 + 20 * 0.5) / 80, 2)
    assert score({}, DEPARTMENT_WEIGHTS, DEFAULTS) is None
    idle = replace(DEFAULTS, weight_staff_response=0)
    assert score({"response": 3.0}, STAFF_WEIGHTS, idle) is None


def test_ties_share_a_rank_and_the_next_is_as_far_down() -> None:
    assert ranked({"a": 90.0, "b": 95.5, "c": 90.0, "d": 80.0}) == {"a": 2, "b": 1, "c": 2, "d": 4}


@given(st.dictionaries(st.integers(), st.floats(0, 120), max_size=12))
def test_a_rank_is_one_more_than_how_many_are_better(scores: dict[int, float]) -> None:
    assert ranked(scores) == {
        key: 1 + sum(other > value for other in scores.values()) for key, value in scores.items()
    }


@given(st.floats(0, 120), st.floats(0, 120))
def test_a_better_score_has_no_worse_grade(one: float, other: float) -> None:
    lower, upper = sorted((one, other))
    assert GRADES.index(grade(upper, DEFAULTS)) <= GRADES.index(grade(lower, DEFAULTS))


def test_a_fail_calls_for_training_and_repeated_ones_for_a_review() -> None:
    assert after_grades(["fail", "pass"], DEFAULTS) is None
    assert after_grades(["fail", "good", "fail"], DEFAULTS) == "training"
    assert after_grades(["pass", "fail", "fail"], DEFAULTS) == "review"


def test_every_figure_has_a_target_and_every_weight_a_setting() -> None:
    assert {figure.target for figure in FIGURES.values()} <= SETTINGS.keys()
    for weights in (DEPARTMENT_WEIGHTS, STAFF_WEIGHTS):
        assert weights.keys() <= FIGURES.keys() and set(weights.values()) <= SETTINGS.keys()
    assert FIGURES["uplift"].value(Part(-50, 200)) == -25
    assert FIGURES["uplift"].value(Part(3, 0)) is None


@given(st.dates(date(1900, 1, 1), date(2999, 12, 31)), st.sampled_from(KINDS))
def test_periods_hold_their_days_and_read_as_they_are_written(day: date, kind: str) -> None:
    period = period_of(day, kind)
    assert period.kind == kind and period.first_day <= day <= period.last_day
    assert read_period(str(period)) == period
    assert period.before().last_day == period.first_day - timedelta(days=1)
    months = period.split()
    assert months[0].first_day == period.first_day and months[-1].last_day == period.last_day


@pytest.mark.parametrize("written", ["", "2026-13", "2026-Q5", "0026", "2026-1", "2026-11-02", "x"])
def test_what_is_no_period_is_none(written: str) -> None:
    assert read_period(written) is None
