"""Where a customer stands on each axis (S0 #7, S1 #45-#50, S2 #73-#78, S4 #154, #158, #159).

Pure: facts that are computed from events come in, levels and the numbers behind them come out. A
level that the rules can't know is None, and nothing is proposed for it. A panel has the last word.

    findings(facts, policy)["value"]  # Finding("high", (Reason("spend", 412_300, 300_000), …))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.churn import Habit, churn_signal
from shared.entities.customer import TIERS
from shared.entities.tiering import AXES, SEATS, Reason
from shared.policy import PolicySettings

FIELD_OF: Mapping[str, str] = {
    "value": "tier",
    "need": "need_kind",
    "loyalty": "loyalty",
    "lifecycle": "lifecycle",
    "region": "area",
    "vip": "vip",
}
"""The customer's field that holds the level of an axis."""

YES, NO = "yes", "no"
"""The levels of `vip`."""

OTHER = "other"
"""The class of an industry that is in none."""

_LEVEL = {tier: place for place, tier in enumerate(reversed(TIERS))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a customer at `at`, from events that had happened by then (L8). Amounts in
    cents; counts and sums are of the policy's period before `at`, credits taken off.

    `satisfaction`: the mean of the points (0 to 100) that they gave in calls about their cases;
    None where nobody asked. Anonymous surveys know no customer, and never count here.
    `before_cents`: of the period before that one, None where there was nothing.
    `half_orders`: of the last `vip_half_year_days`. `largest_cents`: the largest single order.
    `all_orders`, `first_at`, `last_at`: of all time. `turns_at`: when the first of what is counted
    here leaves its period, so that the sums change though nothing happens. `return_percent`,
    `fallen_percent`: as last scored (`shared.churn`).
    """

    at: datetime
    spend_cents: int = 0
    orders: int = 0
    before_cents: int | None = None
    profit_cents: int | None = None
    largest_cents: int = 0
    half_orders: int = 0
    all_orders: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    referrals: int = 0
    complaints: int = 0
    satisfaction: float | None = None
    forecast_cents: int | None = None
    wants_new: bool = False
    advised: bool = False
    signals: bool = False
    return_percent: int | None = None
    fallen_percent: int | None = None
    city: str = ""
    turns_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A level and the numbers that make it."""

    level: str | None
    reasons: tuple[Reason, ...] = ()


def findings(facts: Facts, policy: PolicySettings) -> dict[str, Finding]:
    """The level of each axis."""
    made = {
        "value": value(facts, policy),
        "need": need(facts),
        "loyalty": loyalty(facts, policy),
        "lifecycle": lifecycle(facts, policy),
        "region": region(facts, policy),
        "vip": vip(facts, policy),
    }
    assert made.keys() == set(AXES)
    return made


def value(facts: Facts, policy: PolicySettings) -> Finding:
    """By amount and frequency (`PolicySettings.tier_of`) or, where it is known, by profit (S0 #7);
    one level higher where the expected amount or the growth says so (S1 #45)."""
    level = _LEVEL[policy.tier_of(facts.spend_cents, facts.orders)]
    profit = facts.profit_cents
    if profit is not None and facts.orders:
        level = max(
            level,
            (profit >= policy.tier_high_profit_cents) + (profit >= policy.tier_mid_profit_cents),
        )
    grown = growth_percent(facts, policy)
    expected = facts.forecast_cents or 0
    lifted = expected >= policy.tier_forecast_cents or (
        grown is not None and grown >= policy.tier_growth_percent
    )
    if lifted and facts.orders >= policy.tier_mid_orders:
        level = min(level + 1, len(TIERS) - 1)
    high = level == len(TIERS) - 1
    wanted = (
        (policy.tier_high_cents, policy.tier_high_orders, policy.tier_high_profit_cents)
        if high
        else (policy.tier_mid_cents, policy.tier_mid_orders, policy.tier_mid_profit_cents)
    )
    reasons = [
        Reason(key="spend", value=facts.spend_cents, wanted=wanted[0]),
        Reason(key="orders", value=facts.orders, wanted=wanted[1]),
    ]
    if profit is not None:
        reasons.append(Reason(key="profit", value=profit, wanted=wanted[2]))
    if facts.forecast_cents is not None:
        reasons.append(Reason(key="forecast", value=expected, wanted=policy.tier_forecast_cents))
    if grown is not None:
        reasons.append(Reason(key="growth", value=grown, wanted=policy.tier_growth_percent))
    return Finding(TIERS[len(TIERS) - 1 - level], tuple(reasons))


def growth_percent(facts: Facts, policy: PolicySettings) -> int | None:
    """How much more was bought than in the period before, in percent of that; None where nothing
    was, and for who has not been a customer for both periods: their first order alone would make
    any growth."""
    whole = facts.at - timedelta(days=2 * policy.tier_period_days)
    if facts.first_at is None or facts.first_at > whole or (facts.before_cents or 0) <= 0:
        return None
    assert facts.before_cents
    return (facts.spend_cents - facts.before_cents) * 100 // facts.before_cents


def need(facts: Facts) -> Finding:
    """Who never bought has a latent need, who buys a standard one (S1 #46); that a need is the
    customer's own only a person can say."""
    level = "standard" if facts.all_orders else "latent"
    return Finding(level, (Reason(key="all_orders", value=facts.all_orders, wanted=1),))


def loyalty(facts: Facts, policy: PolicySettings) -> Finding:
    """May leave: any of the signs of that (`shared.churn`, S1 #48). Loyal: mostly repeat purchases
    (S0 #31), or many recommendations (S0 #32), and few complaints (S0 #33), and content in the
    calls about their cases, where somebody asked (S1 #49)."""
    marked = marks(facts, policy)
    warned = churn_signal(
        habit(facts), facts.return_percent, facts.fallen_percent, policy, noted=facts.signals
    )
    reasons = [
        Reason(key="repeat", value=repeat_percent(facts), wanted=policy.loyal_repeat_percent),
        Reason(key="referral", value=referral_percent(facts), wanted=policy.referrer_percent),
        Reason(
            key="complaints",
            value=complaint_percent(facts),
            wanted=policy.satisfied_complaints_percent,
        ),
    ]
    if facts.satisfaction is not None and policy.loyal_satisfaction_points:
        given, wanted = int(facts.satisfaction), policy.loyal_satisfaction_points
        reasons.append(Reason(key="content", value=given, wanted=wanted))
    reasons += warned.reasons
    if warned.signs:
        return Finding("churn_risk", tuple(reasons))
    content = facts.satisfaction is None or facts.satisfaction >= policy.loyal_satisfaction_points
    loyal = content and "satisfied" in marked and bool(marked & {"repeat", "referral"})
    return Finding("loyal" if loyal else "general", tuple(reasons))


def marks(facts: Facts, policy: PolicySettings) -> frozenset[str]:
    """What a customer stands out by: ``repeat`` (more than 80 % repeat purchases, S0 #31),
    ``referral`` (more than 30 % recommendations, S0 #32), ``satisfied`` (less than 5 % complaints,
    S0 #33)."""
    found = {
        "repeat": repeat_percent(facts) > policy.loyal_repeat_percent,
        "referral": referral_percent(facts) > policy.referrer_percent,
        "satisfied": complaint_percent(facts) < policy.satisfied_complaints_percent,
    }
    return frozenset(name for name, holds in found.items() if holds)


def repeat_percent(facts: Facts) -> int:
    """Of the period's orders those after its first one."""
    return (facts.orders - 1) * 100 // facts.orders if facts.orders else 0


def referral_percent(facts: Facts) -> int:
    """Customers who came by this one's recommendation in the period, for each of its orders."""
    return facts.referrals * 100 // max(facts.orders, 1)


def complaint_percent(facts: Facts) -> int:
    """Complaints in the period, for each of its orders."""
    return facts.complaints * 100 // max(facts.orders, 1)


def habit(facts: Facts) -> Habit | None:
    """How the customer buys; None where no order is known one by one."""
    if facts.first_at is None or facts.last_at is None:
        return None
    return Habit(
        at=facts.at,
        orders=facts.all_orders,
        half_orders=facts.half_orders,
        first_at=facts.first_at,
        last_at=facts.last_at,
        spend_cents=facts.spend_cents,
    )


def lifecycle(facts: Facts, policy: PolicySettings) -> Finding:
    """New, active, dormant or lost, by the first order and the last (S4 #159); who never bought
    has none yet."""
    if facts.first_at is None or facts.last_at is None:
        return Finding(None)
    since, known = (facts.at - facts.last_at).days, (facts.at - facts.first_at).days
    if since >= policy.lost_days:
        return Finding("lost", (Reason(key="silence", value=since, wanted=policy.lost_days),))
    if since >= policy.dormant_days:
        wanted = policy.dormant_days
        return Finding("dormant", (Reason(key="silence", value=since, wanted=wanted),))
    level = "new" if known < policy.new_customer_days else "active"
    reasons = (
        Reason(key="known", value=known, wanted=policy.new_customer_days),
        Reason(key="silence", value=since, wanted=policy.dormant_days),
    )
    return Finding(level, reasons)


def region(facts: Facts, policy: PolicySettings) -> Finding:
    """The kind of city, by the policy's lists (S4 #158). The countryside only a person can tell."""
    city = facts.city.strip().removesuffix("市")
    if not city:
        return Finding(None)
    if city in policy.first_cities.split():
        return Finding("first")
    return Finding("second" if city in policy.second_cities.split() else "third")


def industry_class(industry: str | None, policy: PolicySettings) -> str | None:
    """The class of an industry as it was written down: the first of the policy's that it names
    (S4 #154). ``other`` for one that names none, None where nothing was written."""
    said = (industry or "").strip().casefold()
    if not said:
        return None
    for words in _industries(policy):
        if any(word.casefold() in said for word in words):
            return words[0]
    return OTHER


def industry_classes(policy: PolicySettings) -> tuple[str, ...]:
    """The names of the policy's classes, in its order."""
    return tuple(words[0] for words in _industries(policy))


def _industries(policy: PolicySettings) -> Iterator[list[str]]:
    """The name and the other words of each class; a stroke too many makes no class."""
    for one in policy.industries.split():
        if words := list(filter(None, one.split("/"))):
            yield words


def vip(facts: Facts, policy: PolicySettings) -> Finding:
    """Any one of four criteria (S2 #78): a year's amount, or one large order and several of them
    (#73, #74); orders in half a year (#75); the expected amount or interest in new products (#76);
    advice or recommendations (#77)."""
    expected = facts.forecast_cents or 0
    fulfilled = (
        facts.spend_cents >= policy.vip_spend_cents
        or (facts.largest_cents >= policy.vip_single_cents and facts.orders >= policy.vip_orders),
        facts.half_orders >= policy.vip_half_year_orders,
        expected >= policy.vip_forecast_cents or facts.wants_new,
        facts.advised or facts.referrals >= policy.vip_referrals,
    )
    reasons = (
        Reason(key="criteria", value=sum(fulfilled), wanted=1),
        Reason(key="spend", value=facts.spend_cents, wanted=policy.vip_spend_cents),
        Reason(key="largest", value=facts.largest_cents, wanted=policy.vip_single_cents),
        Reason(key="orders", value=facts.orders, wanted=policy.vip_orders),
        Reason(key="half_orders", value=facts.half_orders, wanted=policy.vip_half_year_orders),
        Reason(key="forecast", value=expected, wanted=policy.vip_forecast_cents),
        Reason(key="new_products", value=int(facts.wants_new), wanted=1),
        Reason(key="advice", value=int(facts.advised), wanted=1),
        Reason(key="referrals", value=facts.referrals, wanted=policy.vip_referrals),
    )
    return Finding(YES if any(fulfilled) else NO, reasons)


REASONS: Mapping[str, str] = {
    "spend": "cents", "profit": "cents", "forecast": "cents", "largest": "cents",
    "orders": "orders", "all_orders": "orders", "half_orders": "orders",
    "growth": "percent", "repeat": "percent", "referral": "percent", "complaints": "percent",
    "fall": "percent", "return": "percent",
    "silence": "days", "known": "days", "points": "points", "content": "points",
    "signals": "", "referrals": "customers", "criteria": "", "new_products": "", "advice": "",
}  # fmt: skip
"""Every number that may stand behind a proposal, and its unit."""


def proposed(axis: str, now: str | None, found: Finding) -> bool:
    """Whether the rules propose another level than the one that a customer has. What a person said
    of a need or a region stands: there the rules only fill what nobody said, and notice that who
    was latent buys."""
    if found.level is None or found.level == now:
        return False
    if axis == "vip":
        return (now or NO) != found.level
    if axis == "region":
        return now is None
    if axis == "need":
        return now is None or (now, found.level) == ("latent", "standard")
    return True


def telling(reasons: Iterable[Reason]) -> list[Reason]:
    """The few numbers that tell most, for a line of a list: those that reach what is wanted of
    them first, and before how many do."""

    def rank(one: Reason) -> tuple[bool, bool]:
        return one.wanted is None or one.value < one.wanted, one.key == "criteria"

    return sorted(reasons, key=rank)[:3]


def seats_of(policy: PolicySettings, staff_id: str, role: str) -> frozenset[str]:
    """The seats of the panel that somebody sits in, by role or by name (S1 #51)."""
    return frozenset(
        seat
        for seat in SEATS
        if {staff_id, str(role)} & set(getattr(policy, f"panel_{seat}").split())
    )


def seats_wanted(axis: str) -> frozenset[str]:
    """Who has to confirm: for a VIP the after-sales reviewer (S2 #78), else the whole panel."""
    return frozenset({"service"} if axis == "vip" else SEATS)


def second_look_at(disputed_at: datetime, policy: PolicySettings) -> datetime:
    """From when whoever disputed a proposal may look at it again; others may at once (S1 #52)."""
    return disputed_at + timedelta(hours=policy.second_look_hours)


def next_look(facts: Facts, policy: PolicySettings) -> datetime | None:
    """When the levels may next change though nothing happens."""
    return min((moment for moment in _turns(facts, policy) if moment > facts.at), default=None)


def _turns(facts: Facts, policy: PolicySettings) -> Iterator[datetime]:
    if facts.turns_at is not None:
        yield facts.turns_at
    if facts.first_at is not None and facts.last_at is not None:
        yield facts.first_at + timedelta(days=policy.new_customer_days)
        yield facts.first_at + timedelta(days=2 * policy.tier_period_days)
        yield facts.last_at + timedelta(days=policy.dormant_days)
        yield facts.last_at + timedelta(days=policy.lost_days)
        buys = habit(facts)
        if buys is not None and buys.usual_days is not None:
            yield facts.last_at + timedelta(days=buys.usual_days * policy.silence_gaps + 1)


__all__ = [
    "FIELD_OF",
    "NO",
    "OTHER",
    "REASONS",
    "YES",
    "Facts",
    "Finding",
    "findings",
    "growth_percent",
    "industry_class",
    "industry_classes",
    "marks",
    "next_look",
    "proposed",
    "seats_of",
    "seats_wanted",
    "second_look_at",
    "telling",
]
