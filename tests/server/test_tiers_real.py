"""Tiers of the real order book, computed by the product and by a few independent lines."""

from __future__ import annotations

import csv
import gzip
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.policy import DEFAULTS
from shared.tiers import findings
from sync_server.db.base import Database
from sync_server.services import tier_facts, tier_spread
from tests.server.real_orders import ORG

pytestmark = pytest.mark.full_data
DATES = [datetime(2011, 9, 10, tzinfo=UTC), datetime(2011, 12, 10, tzinfo=UTC)]
Invoices = dict[str, dict[str, tuple[datetime, int]]]


@pytest.fixture(scope="module")
def invoices(full_data: Path) -> Invoices:
    """By customer and number: time and pence. Straight from the file, by nothing of the product."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    at: dict[tuple[str, str], datetime] = {}
    with gzip.open(full_data / "online_retail.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            mills = round(float(row["unit_price"]) * 1000)
            if row["customer_id"] and mills > 0:
                key = (row["customer_id"], row["invoice_no"])
                sums[key] += mills * int(row["quantity"])
                at.setdefault(key, datetime.fromisoformat(row["invoice_at"]).replace(tzinfo=UTC))
    found: Invoices = defaultdict(dict)
    for (customer, number), mills in sums.items():
        found[customer][number] = (at[customer, number], round(mills / 10))
    return {c: of for c, of in found.items() if any(n[0] != "C" for n in of)}


def test_buyers_invoices_money_and_the_top_fifths_share_are_those_of_the_source(
    real_orders: Database, invoices: Invoices
) -> None:
    with real_orders.read() as connection:
        made = tier_spread.money(connection, ORG, DATES[0] - timedelta(days=999), DATES[1])
    assert (made.buyers, made.orders, made.cents) == (4338, 18_532, 891_140_790)
    assert made.top_permille == 746
    spent = sorted(
        (sum(p for n, (_, p) in of.items() if n[0] != "C") for of in invoices.values()),
        reverse=True,
    )
    assert (len(spent), sum(spent)) == (made.buyers, made.cents)
    assert sum(spent[: len(spent) // 5]) == made.top_cents


@pytest.mark.parametrize("date", DATES, ids=["September", "December"])
def test_tiers_and_lifecycle_at_two_dates_are_what_a_few_lines_make_of_the_source(
    real_orders: Database, invoices: Invoices, date: datetime
) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for of in invoices.values():
        bought = [at for n, (at, _) in of.items() if n[0] != "C" and at <= date]
        if not bought:
            continue
        year = [n for n, (at, _) in of.items() if date - timedelta(days=365) < at <= date]
        cents, orders = sum(of[n][1] for n in year), sum(n[0] != "C" for n in year)
        high, mid = cents >= 300_000 and orders >= 6, cents >= 75_000 and orders >= 2
        idle, known = (date - max(bought)).days, (date - min(bought)).days
        expected[
            "high" if high else "mid" if mid else "low",
            "lost" if idle >= 270 else "dormant" if idle >= 90 else "new" if known < 90
            else "active",
        ] += 1  # fmt: skip
    made: Counter[tuple[str, str]] = Counter()
    with real_orders.read() as connection:
        for page in tier_facts.everyone(connection, ORG, DEFAULTS, date):
            for one in page:
                found = findings(one.facts, DEFAULTS)
                made[str(found["value"].level), str(found["lifecycle"].level)] += 1
    assert made == expected
    tiers, places = Counter[str](), Counter[str]()
    for (tier, place), count in made.items():
        tiers[tier] += count
        places[place] += count
    assert (dict(tiers), dict(places)) == AT[date]


AT = {
    DATES[0]: (
        {"high": 240, "mid": 1014, "low": 2116},
        {"new": 559, "active": 1348, "dormant": 1319, "lost": 144},
    ),
    DATES[1]: (
        {"high": 432, "mid": 1392, "low": 2514},
        {"new": 968, "active": 1921, "dormant": 1062, "lost": 387},
    ),
}
"""Customers by tier and by lifecycle, as this file's own lines and the product both count them."""
