"""CSAT, NPS and drops: worked out here once more in other words, and told of groups of five."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.entities import Question, SurveyReply
from shared.policy import DEFAULTS
from shared.satisfaction import csat, drop, nps, told
from shared.suppression import ALL
from shared.surveys import counts_in, fitting


def counted(points: list[int]) -> dict[int, int]:
    return {one: points.count(one) for one in set(points)}


@given(st.lists(st.integers(0, 10), min_size=1, max_size=60))
def test_nps_is_the_mean_of_what_each_answer_is_worth(points: list[int]) -> None:
    worth = [100 if one >= 9 else -100 if one <= 6 else 0 for one in points]
    found = nps(counted(points))
    assert found is not None and abs(found - sum(worth) / len(worth)) < 1e-9


@given(st.lists(st.integers(1, 5), min_size=1, max_size=60))
def test_csat_is_the_share_of_fours_and_fives(points: list[int]) -> None:
    found = csat(counted(points))
    content = [one for one in points if one > 3]
    assert found is not None and abs(found - len(content) / len(points) * 100) < 1e-9


def test_nobody_has_no_score() -> None:
    assert nps({}) is None and csat({}) is None


Stores = st.dictionaries(
    st.sampled_from("abcd"), st.dictionaries(st.integers(0, 10), st.integers(1, 6), max_size=4)
)


@given(Stores)
def test_no_group_of_one_to_four_is_told_nor_what_is_left_of_the_total(
    stores: dict[str, dict[int, int]],
) -> None:
    answers = {(name, p): n for name, given_ in stores.items() for p, n in given_.items()}
    shown = told({"q": answers}, 5)["q"]
    sizes = {name: sum(points.values()) for name, points in shown.items()}
    assert all(size == 0 or size >= 5 for size in sizes.values())
    if ALL in sizes:
        left = sizes[ALL] - sum(size for name, size in sizes.items() if name != ALL)
        assert left == 0 or left >= 5


def test_a_drop_is_from_the_last_month_that_is_known() -> None:
    assert drop("nps", [40, None, 25], DEFAULTS) == ("nps", 40, 25)
    assert drop("nps", [40, 26], DEFAULTS) is None
    assert drop("csat", [90, 80], DEFAULTS) == ("csat", 90, 80)
    assert drop("csat", [90, None], DEFAULTS) is None and drop("csat", [], DEFAULTS) is None


def test_what_fits_no_question_is_left_out_and_the_first_reply_stands() -> None:
    asked = [
        Question(key="a", asks="csat", zh="一", en="one"),
        Question(key="b", asks="choice", zh="二", en="two", options_zh=("x", "y"),
                 options_en=("x", "y")),
        Question(key="c", asks="words", zh="三", en="three"),
    ]  # fmt: skip
    said = [
        SurveyReply(question="a", points=6), SurveyReply(question="a", points=4),
        SurveyReply(question="a", points=1), SurveyReply(question="b", points=2),
        SurveyReply(question="c", words="  "), SurveyReply(question="z", points=1),
    ]  # fmt: skip
    assert fitting(asked, said) == {"a": SurveyReply(question="a", points=4)}


@given(st.dates(), st.dates(), st.integers(0, 90))
def test_no_answer_counts_in_a_month_that_has_settled_or_is_to_come(answered, today, days) -> None:
    from shared.periods import month_of
    from shared.surveys import settled

    month = counts_in(answered, today, days)
    assert month <= month_of(today)
    assert month == month_of(today) or not settled(month, today, days)
