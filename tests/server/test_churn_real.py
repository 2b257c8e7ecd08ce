"""The warning on the real order book, split at 2011-09-10: learned from what had happened by then
alone, held against who came back in the 90 days after it, beside the rule "idle longest"."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pytest

from shared.churn import chance, fit
from shared.policy import DEFAULTS
from sync_server.db.base import Database
from sync_server.importing.assemble import Assembly
from sync_server.services import churn_facts
from tests.server.real_orders import ORG

pytestmark = pytest.mark.full_data
SPLIT = datetime(2011, 9, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def days(full_data: Path) -> Mapping[str, list[datetime]]:
    """When each buyer of the source bought, straight from the file, by nothing of the product."""
    found: dict[str, list[datetime]] = defaultdict(list)
    with gzip.open(full_data / "online_retail.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["customer_id"] and row["invoice_no"][0] != "C" and float(row["unit_price"]) > 0:
                at = datetime.fromisoformat(row["invoice_at"]).replace(tzinfo=UTC)
                found[row["customer_id"]].append(at)
    return found


def area_under_curve(scores: Mapping[str, float], gone: set[str]) -> float:
    """How often somebody who stayed away scores above somebody who came back; ties are halves."""
    wins = came_below = 0.0
    for _, tied in groupby(sorted(scores.items(), key=itemgetter(1)), key=itemgetter(1)):
        names = [who for who, _ in tied]
        away = sum(who in gone for who in names)
        wins += away * (came_below + (len(names) - away) / 2)
        came_below += len(names) - away
    return wins / (len(gone) * (len(scores) - len(gone)))


def precision_and_recall(warned: set[str], gone: set[str]) -> tuple[float, float]:
    right = len(warned & gone)
    return round(right / len(warned), 3), round(right / len(gone), 3)


def test_the_warning_beats_who_is_idle_longest_and_saw_nothing_of_what_came_after(
    real_orders: Database, days: Mapping[str, list[datetime]]
) -> None:
    known = {who: [at for at in bought if at < SPLIT] for who, bought in days.items()}
    idle = {who: (SPLIT - max(of)).total_seconds() for who, of in known.items() if of}
    until = SPLIT + timedelta(days=91)  # the source's last day is the 90th after the split
    gone = {who for who in idle if not any(SPLIT <= at < until for at in days[who])}
    assert (len(idle), len(gone)) == (3370, 1449)

    with real_orders.read() as connection:
        pages = list(churn_facts.everyone(connection, ORG, DEFAULTS, SPLIT))
    everybody = [one for page in pages for one in page if one.habit is not None]
    assert all(one.habit.last_at < SPLIT for one in everybody if one.habit)
    model = fit([(one.past, one.returned) for one in everybody if one.past], DEFAULTS.churn_days)
    assert model is not None and (model.customers, model.returned) == (2811, 1348)
    by_id = {one.customer_id: one.habit for one in everybody}
    of_source = {Assembly(ORG).customer_id(who): who for who in days}
    away = {of_source[i]: 1 - chance(model, habit) for i, habit in by_id.items() if habit}
    assert away.keys() == idle.keys()

    areas = round(area_under_curve(away, gone), 3), round(area_under_curve(idle, gone), 3)
    assert areas == (0.739, 0.683)
    below = 1 - DEFAULTS.churn_below_percent / 100
    warned = {who for who, chance_away in away.items() if chance_away > below}
    longest = set(sorted(idle, key=lambda who: -idle[who])[: len(warned)])
    told = {
        "model": precision_and_recall(warned, gone),
        "longest": precision_and_recall(longest, gone),
    }
    assert (len(warned), told) == (1559, {"model": (0.62, 0.667), "longest": (0.579, 0.622)})
