"""What head office reads tells of no customer: not by a filter, not by subtracting stores from
their total, not by subtracting one month from another, and not by looking twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import to_wire
from shared.figures import FIGURES, Part
from shared.ids import derived_id
from shared.periods import Period
from shared.suppression import LEAST
from sync_server.db.base import Database
from sync_server.services import figure_facts
from sync_server.services.figures import WHOLE
from sync_server.services.publications import (
    MOST_MONTHS,
    Publication,
    publications,
    publish_due,
    shown,
)
from tests.server.figure_world import NOW, ORG, STORES, ByHand, company, drawn, write_rows

pytestmark = pytest.mark.thorough

Counts = dict[tuple[str, str], int]


def published(db: Database, *, after_days: int = 0) -> list[Publication]:
    assert figure_facts.catch_up(db, ORG, NOW)
    publish_due(db, NOW + timedelta(days=after_days))
    with db.read() as connection:
        return publications(connection, ORG)


def complainants(rows: ByHand, month: Period, store: str | None) -> set[str]:
    """By hand: who complained."""
    return {
        row["customer_id"]
        for row in rows.rows["case"]
        if row["kind"] == "complaint"
        and row["state"] != "cancelled"
        and rows.within(row["opened_at"], month.first_day, month.last_day)
        and store in (None, rows.store[row["customer_id"]])
    }


def test_no_difference_of_published_figures_tells_of_fewer_than_five(db: Database) -> None:
    rows = drawn(21, customers=90, cases=400, orders=900, days=60)
    write_rows(db, company() + rows)
    hand = ByHand(rows)
    told = {one.month: one for one in published(db)}
    assert len(told) == MOST_MONTHS
    stores = (*STORES, "")
    seen = 0
    for month, one in told.items():
        for name in ("complaint_rate", "satisfaction"):
            groups = list(_groups(one, name, stores))
            for chosen in groups:
                behind = set().union(*(_behind(hand, name, month, s) for s in chosen))
                assert not 0 < len(behind) < LEAST, (str(month), name, chosen)
                seen += 1
        before = told.get(month.before())
        for name in ("retention", "uplift", "repeat"):
            for store in (*stores, WHOLE):
                parts = [p.shown[name].get(store) for p in (one, before) if p is not None]
                if len(parts) == 2 and parts[0] != parts[1] and None not in parts:
                    moved = _movers(hand, month, None if store == WHOLE else store)
                    assert len(moved) >= LEAST, (str(month), name, store)
                    seen += 1
    assert seen > 80, "something was shown, or nothing was tested"


def _groups(one: Publication, name: str, stores: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every set of stores of which a reader knows the sum: shown ones together, and the total
    without them."""
    there = [store for store in stores if store in one.shown[name]]
    for size in range(1, len(there) + 1):
        yield from combinations(there, size)
    if WHOLE in one.shown[name]:
        for size in range(len(there) + 1):
            for left in combinations(there, size):
                yield tuple(store for store in stores if store not in left)


def _behind(hand: ByHand, name: str, month: Period, store: str) -> set[str]:
    if name == "complaint_rate":
        return complainants(hand, month, store)
    return {
        row["customer_id"]
        for row in hand.rows["callback"]
        if hand.within(row["finished_at"], month.first_day, month.last_day)
        and hand.store[row["customer_id"]] == store
    }


def _movers(hand: ByHand, month: Period, store: str | None) -> set[str]:
    """Whose orders came into the two years with this month, or left them."""
    return {
        row["customer_id"]
        for row in hand.rows["order"]
        for back in (0, 12, 24)
        if store in (None, hand.store[row["customer_id"]])
        and hand.within(
            row["ordered_at"], month.before(back).first_day, month.before(back).last_day
        )
    }


def test_a_published_month_stays_as_it_is_when_late_work_arrives(db: Database) -> None:
    rows = drawn(21, customers=60, cases=300, orders=300)
    write_rows(db, company() + rows)
    before = published(db)
    customer = next(row["id"] for _, row in rows if row.get("store_id") == STORES[0])
    late = {
        "id": derived_id("figures", "late"), "customer_id": customer, "kind": "care",
        "state": "done", "due_at": to_wire(NOW - timedelta(days=40)), "satisfaction": 1,
        "finished_at": to_wire(NOW - timedelta(days=40)),
    }  # fmt: skip
    write_rows(db, [("callback", late)])
    assert published(db, after_days=1) == before


def test_a_month_is_published_once_it_has_settled(db: Database) -> None:
    write_rows(db, company() + drawn(4, customers=10, cases=10, orders=10))
    assert str(published(db)[0].month) == "2026-10"
    assert str(published(db, after_days=16)[0].month) == "2026-10"  # 7 December is too early
    newest = published(db, after_days=17)
    assert str(newest[0].month) == "2026-11"
    assert newest[0].published_at == to_wire(NOW + timedelta(days=17))


def test_a_clock_that_leapt_ahead_publishes_no_month_that_is_to_come(db: Database) -> None:
    write_rows(db, company() + drawn(4, customers=10, cases=10, orders=10))
    before = published(db)
    assert published(db, after_days=800) == before
    assert str(published(db, after_days=17)[0].month) == "2026-11"


_CELLS = st.dictionaries(
    st.tuples(st.sampled_from("ABCDE"), st.sampled_from(("yes", "no"))), st.integers(0, 12)
)


@given(_CELLS, st.none() | st.dictionaries(st.sampled_from("ABCDE"), st.integers(0, 12)))
def test_what_is_shown_and_what_follows_from_it_is_nobody_or_five(
    people: Counts, moved: dict[str, int] | None
) -> None:
    stores, total = shown(people, moved)
    every = {store for (store, _), count in people.items() if count}
    known = [chosen for n in range(1, len(stores) + 1) for chosen in combinations(stores, n)]
    if total:
        known += [tuple(every - set(chosen)) for chosen in [*known, ()]]
    for chosen in known:
        for group in ("yes", "no"):
            assert not 0 < sum(people.get((s, group), 0) for s in chosen) < LEAST
        if moved is not None and any(people.get((s, g)) for s in chosen for g in ("yes", "no")):
            assert sum(moved.get(s, 0) for s in chosen) >= LEAST


def test_a_publication_holds_sums_of_figures_and_nothing_else(db: Database) -> None:
    rows = drawn(9, customers=30, cases=60, orders=60)
    write_rows(db, company() + rows)
    customers = {row["id"] for entity, row in rows if entity == "customer"}
    for one in published(db):
        assert one.shown.keys() == FIGURES.keys()
        for of in one.shown.values():
            assert of.keys() <= {*STORES, "", WHOLE} and not of.keys() & customers
            assert all(isinstance(part, Part) and part.below for part in of.values())
