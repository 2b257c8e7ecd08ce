"""What customers like and when, counted from orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from shared.preferences import Line, Sale, preferences

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)  # 9:00 in Shanghai


def sale(number: int, at: datetime, cents: int | None = 100, currency: str = "CNY") -> Sale:
    return Sale(id=str(number), at=at, cents=cents, currency=currency)


def line(order: int, code: str, quantity: int = 1) -> Line:
    return Line(order_id=str(order), code=code, description=f"product {code}", quantity=quantity)


def test_a_habit_is_what_stands_out_and_is_told_with_its_number() -> None:
    weeks = [sale(n, MONDAY + timedelta(weeks=n), 100 * (n + 1)) for n in range(4)]
    other = sale(4, MONDAY + timedelta(days=2, hours=6), 900)
    lines = [line(n, "A") for n in range(4)] + [line(0, "B"), line(0, "A")]
    lines += [line(3, "C", -1), line(4, "C", -1)]  # taken back
    found = preferences([*weeks, other], lines, ZONE)
    assert found is not None and found.orders == 5
    assert [(one.code, one.orders) for one in found.products] == [("A", 4)], "not by lines"
    assert found.weekday is not None and (found.weekday.value, found.weekday.orders) == (0, 4)
    assert found.part is not None and (found.part.value, found.part.orders) == (0, 4)
    assert found.month is not None and (found.month.value, found.month.orders) == (11, 5)
    assert (found.basket_cents, found.currency, found.basket_lines) == (300, "CNY", 1)
    assert (found.since, found.until) == (MONDAY, MONDAY + timedelta(weeks=3))


def test_what_is_spread_evenly_is_no_habit_and_two_orders_say_nothing() -> None:
    days = [sale(n, MONDAY + timedelta(days=n)) for n in range(21)]
    found = preferences(days, [], ZONE)
    assert found is not None and found.weekday is None and found.basket_lines is None
    assert preferences(days[:2], [], ZONE) is None


def test_amounts_of_different_currencies_are_not_mixed() -> None:
    sales = [sale(n, MONDAY, 100) for n in range(3)] + [sale(9, MONDAY, 1, "USD")]
    found = preferences(sales, [], ZONE)
    assert found is not None and (found.basket_cents, found.currency) == (100, "CNY")


@given(st.lists(st.integers(0, 10**6), min_size=3, max_size=40))
def test_no_habit_is_told_of_more_orders_than_there_are(hours: list[int]) -> None:
    sales = [sale(n, MONDAY + timedelta(hours=hour)) for n, hour in enumerate(hours)]
    found = preferences(sales, [], ZONE)
    assert found is not None
    for usual in (found.weekday, found.part, found.month):
        assert usual is None or 3 <= usual.orders <= len(hours)
