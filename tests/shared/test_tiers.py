"""Where customers stand on each axis, by the policy's numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.entities.tiering import AXES
from shared.policy import DEFAULTS, settings_from
from shared.tiers import (
    REASONS,
    Facts,
    findings,
    industry_class,
    industry_classes,
    marks,
    next_look,
    proposed,
    telling,
    vip,
)

AT = datetime(2026, 11, 23, tzinfo=UTC)


def facts(**told: Any) -> Facts:
    return Facts(**{"at": AT, **told})


def bought(orders: int, cents: int, *, first: int = 300, last: int = 5, **told: Any) -> Facts:
    """So many orders in the year, the first and the last so many days ago."""
    return facts(
        spend_cents=cents, orders=orders, all_orders=orders, largest_cents=cents // orders,
        first_at=AT - timedelta(days=first), last_at=AT - timedelta(days=last), **told,
    )  # fmt: skip


def level(axis: str, known: Facts) -> str | None:
    return findings(known, DEFAULTS)[axis].level


@pytest.mark.parametrize(
    ("known", "tier"),
    [
        (bought(6, 300_000), "high"),
        (bought(5, 900_000), "mid"),
        (bought(2, 75_000), "mid"),
        (bought(1, 900_000), "low"),
        (facts(), "low"),
        (bought(2, 10_000, profit_cents=100_000), "high"),
        (bought(2, 10_000, profit_cents=25_000), "mid"),
        (bought(2, 75_000, forecast_cents=300_000), "high"),
        (bought(1, 75_000, forecast_cents=300_000), "low"),
        (bought(2, 75_000, first=800, before_cents=37_500), "high"),
        (bought(2, 75_000, first=700, before_cents=100), "mid"),
        (bought(2, 75_000, first=800, before_cents=40_000), "mid"),
        (bought(8, 400_000, first=800, before_cents=1_000_000), "high"),
    ],
)
def test_the_value_is_amount_and_frequency_or_profit_lifted_by_potential(
    known: Facts, tier: str
) -> None:
    assert level("value", known) == tier


@pytest.mark.parametrize(
    ("first", "last", "word"),
    [
        (10, 10, "new"), (89, 3, "new"), (90, 3, "active"), (400, 89, "active"),
        (400, 90, "dormant"), (90, 90, "dormant"), (400, 269, "dormant"), (400, 270, "lost"),
    ],
)  # fmt: skip
def test_the_lifecycle_follows_the_first_order_and_the_last(
    first: int, last: int, word: str
) -> None:
    assert level("lifecycle", bought(2, 100, first=first, last=last)) == word


def test_of_a_vip_the_list_tells_what_they_fulfil_before_how_many() -> None:
    found = vip(facts(spend_cents=DEFAULTS.vip_spend_cents), DEFAULTS)
    assert [one.key for one in telling(found.reasons)][:2] == ["spend", "criteria"]


def test_who_never_bought_has_a_latent_need_and_no_lifecycle() -> None:
    assert (level("need", facts()), level("lifecycle", facts())) == ("latent", None)


def test_four_of_five_orders_after_the_first_are_not_yet_high_loyalty() -> None:
    assert "repeat" not in marks(bought(5, 100), DEFAULTS)  # 80 %
    assert "repeat" in marks(bought(6, 100), DEFAULTS)  # 83 %


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({"orders": 6}, "loyal"),
        ({"orders": 5}, "general"),
        ({"orders": 5, "referrals": 2}, "loyal"),
        ({"orders": 20, "complaints": 1}, "general"),
        ({"orders": 21, "complaints": 1}, "loyal"),
        ({"orders": 6, "satisfaction": 79.9}, "general"),
        ({"orders": 6, "satisfaction": 80.0}, "loyal"),
        ({"orders": 6, "signals": True}, "churn_risk"),
        ({"orders": 4, "first": 100, "last": 10}, "general"),
        ({"orders": 4, "first": 100, "last": 70}, "churn_risk"),
        ({"orders": 2, "first": 100, "last": 95}, "general"),
    ],
)
def test_loyalty_is_repeat_purchases_recommendations_few_complaints_content_and_no_silence(
    told: dict[str, Any], word: str
) -> None:
    assert level("loyalty", bought(told.pop("orders"), 100_000, **told)) == word


@pytest.mark.parametrize(
    "one",
    [
        bought(1, 500_000),
        bought(4, 400_000),
        bought(6, 600, half_orders=6),
        facts(forecast_cents=500_000),
        facts(wants_new=True),
        facts(advised=True),
        facts(referrals=1),
    ],
)
def test_any_one_criterion_makes_a_vip(one: Facts) -> None:
    assert level("vip", one) == "yes"


def test_none_of_the_criteria_makes_no_vip() -> None:
    known = bought(5, 499_999, half_orders=5, forecast_cents=499_999, city="苏州")
    assert level("vip", known) == "no"


@pytest.mark.parametrize(
    ("city", "word"),
    [("上海", "first"), ("上海市", "first"), ("苏州", "second"), ("昆山", "third"), ("", None)],
)
def test_the_region_is_the_kind_of_city(city: str, word: str | None) -> None:
    assert level("region", facts(city=city)) == word


def test_what_a_person_said_of_need_and_region_stands() -> None:
    found = findings(bought(3, 100, city="上海"), DEFAULTS)
    assert not proposed("need", "custom", found["need"])
    assert proposed("need", "latent", found["need"]) and proposed("need", None, found["need"])
    assert not proposed("region", "rural", found["region"])
    assert proposed("region", None, found["region"])


_DAYS = st.integers(0, 800)


@given(
    st.lists(_DAYS, min_size=1, max_size=8),
    st.integers(0, 500_000),
    st.integers(1, 200),
)
def test_no_level_changes_before_the_next_look_while_the_sums_stay(
    days: list[int], cents: int, later: int
) -> None:
    """Only time goes by: until `next_look` everybody stays where they are."""
    first, last = max(days), min(days)
    known = bought(len(days), cents + len(days), first=first, last=last)
    then = AT + timedelta(days=later)
    look = next_look(known, DEFAULTS)
    if look is not None and look <= then:
        then = look - timedelta(seconds=1)
    moved = Facts(
        **{n: getattr(known, n) for n in Facts.__dataclass_fields__ if n != "at"}, at=then
    )
    before, after = findings(known, DEFAULTS), findings(moved, DEFAULTS)
    assert {axis: before[axis].level for axis in AXES} == {a: after[a].level for a in AXES}


def test_every_number_behind_a_level_has_a_unit() -> None:
    known = bought(
        9,
        10**6,
        first=800,
        profit_cents=1,
        before_cents=1,
        forecast_cents=1,
        signals=True,
        referrals=1,
    )
    keys = {r.key for found in findings(known, DEFAULTS).values() for r in found.reasons}
    keys |= {r.key for found in findings(facts(), DEFAULTS).values() for r in found.reasons}
    assert keys <= REASONS.keys()


def test_an_industry_is_of_the_class_whose_words_it_names() -> None:
    policy = settings_from({"industries": "制造/工厂 批发/贸易/wholesale 零售"})
    told = {"五金批发": "批发", "Wholesale trade": "批发", "某某工厂": "制造", "农业": "other"}
    assert {said: industry_class(said, policy) for said in told} == told
    assert industry_class("  ", policy) is None and industry_class(None, policy) is None
    assert industry_class("工厂直营零售", policy) == "制造", "the first of the policy's"


def test_a_stroke_too_many_makes_no_class_of_industry() -> None:
    policy = settings_from({"industries": "/ /制造//工厂 零售/"})
    assert industry_classes(policy) == ("制造", "零售")
    assert [industry_class(said, policy) for said in ("工厂", "零售", "农业")] == [
        "制造", "零售", "other",
    ]  # fmt: skip


def test_points_just_below_what_is_wanted_are_not_told_as_reached() -> None:
    found = findings(bought(6, 100_000, satisfaction=79.9), DEFAULTS)["loyalty"]
    assert found.level == "general"
    assert [(one.value, one.wanted) for one in found.reasons if one.key == "content"] == [(79, 80)]
