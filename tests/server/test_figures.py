"""Figures are what a count by hand gives, however late and in whatever order work arrives, on
both databases."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from shared.clock import to_wire
from shared.ids import derived_id
from shared.periods import Period, read_period
from shared.policy import DEFAULTS
from sync_server.db.base import Database
from sync_server.db.figures import (
    FIGURE_ANSWER,
    FIGURE_CASE,
    FIGURE_CUSTOMER,
    FIGURE_DAY,
    FIGURE_MONTH,
)
from sync_server.services import figure_facts
from sync_server.services.figures import WHOLE, parts_of, staff_parts_of, values_of
from sync_server.services.writing import Unit, write
from tests.server.figure_world import NOW, ORG, STAFF, STORES, ByHand, company, drawn, write_rows

ELSEWHERE = derived_id("figures", "elsewhere")
FACTS = (FIGURE_CUSTOMER, FIGURE_MONTH, FIGURE_CASE, FIGURE_ANSWER, FIGURE_DAY)


def period(written: str) -> Period:
    found = read_period(written)
    assert found is not None
    return found


def caught_up(db: Database, org_id: str = ORG) -> None:
    assert figure_facts.catch_up(db, org_id, NOW)


def facts(db: Database, org_id: str = ORG) -> list[set[Any]]:
    with db.read() as connection:
        return [
            {row[1:] for row in connection.execute(select(t).where(t.c.org_id == org_id))}
            for t in FACTS
        ]


def parts(db: Database, written: str, by: str = WHOLE, **asked: Any) -> dict[str, dict[str, int]]:
    with db.read() as connection:
        return parts_of(connection, ORG, period(written), by, **asked)


def without_zeros(counts: dict[str, int]) -> dict[str, int]:
    return {part: amount for part, amount in counts.items() if amount}


@pytest.mark.parametrize("written", ["2026-10", "2026-Q3", "2025"])
def test_figures_are_those_of_a_count_by_hand(db: Database, written: str) -> None:
    rows = drawn(7)
    write_rows(db, company() + rows)
    caught_up(db)
    hand, asked = ByHand(rows), period(written)
    dated = (asked.first_day, asked.last_day)
    wanted = hand.counts(*dated)
    if written == "2025":  # orders began in October 2024: the year before it is not whole
        for name in ("buyers_before", "kept_buyers", "lost_buyers", "spend_before", "spend_more"):
            del wanted[name]
    found = parts(db, written)[WHOLE]
    assert without_zeros({name: found.get(name, 0) for name in wanted}) == without_zeros(wanted)
    by_store = parts(db, written, "store_id")
    for store in (*STORES, ""):
        counted = without_zeros({n: by_store[store].get(n, 0) for n in wanted})
        alone = parts(db, written, store=store)[WHOLE]
        by_hand = hand.counts(*dated, store)
        assert counted == without_zeros({name: by_hand[name] for name in wanted})
        assert counted == without_zeros({name: alone.get(name, 0) for name in wanted})
    by_staff = parts(db, written, "staff_id")
    assert by_staff.keys() <= set(STAFF)
    for part in ("points", "answers", "resolved"):
        assert sum(one.get(part, 0) for one in by_staff.values()) == wanted[part]
    with db.read() as connection:
        at_once = staff_parts_of(connection, ORG, asked)
    for store in (*STORES, ""):
        assert at_once.get(store, {}) == parts(db, written, "staff_id", store=store)


def test_late_work_in_any_order_gives_the_facts_of_timely_work(db: Database) -> None:
    rows = drawn(11, customers=12, cases=40, orders=40)
    write_rows(db, company() + rows)
    caught_up(db)
    phones = [row for row in rows if row[0] != "customer"]
    random.Random(1).shuffle(phones)
    write_rows(db, company() + rows[:12], ELSEWHERE)
    for start in range(0, len(phones), 50):
        write_rows(db, phones[start : start + 50], ELSEWHERE)
        caught_up(db, ELSEWHERE)
    assert facts(db, ELSEWHERE) == facts(db)


def test_a_customer_who_changes_stores_counts_in_one(db: Database) -> None:
    rows = drawn(3, customers=8, cases=30, orders=30)
    write_rows(db, company() + rows)
    caught_up(db)
    for _, row in rows[:8]:
        row["store_id"] = STORES[0]

    def work(unit: Unit) -> None:
        for _, row in rows[:8]:
            unit.update("customer", row["id"], {"store_id": STORES[0]})

    write(db, ORG, NOW, work)
    caught_up(db)
    found = parts(db, "2026", "store_id")
    assert found.keys() == {STORES[0]}
    asked = period("2026")
    wanted = ByHand(rows).counts(asked.first_day, asked.last_day)
    assert without_zeros({n: found[STORES[0]].get(n, 0) for n in wanted}) == without_zeros(wanted)


def test_a_resolution_in_time_is_counted_by_the_clock_that_screens_show(db: Database) -> None:
    """Three working days (S0 #17): over a weekend two days more, and waiting for the customer
    stops the clock."""
    customer = derived_id("figures", "clocked")
    monday = NOW - timedelta(days=5)  # 2026-11-16
    rows: list[tuple[str, dict[str, Any]]] = [
        ("customer", {"id": customer, "name": "客户", "store_id": STORES[0]})
    ]
    cases = {"in time": (0, 3), "late": (0, 3.1), "over the weekend": (-4, 0.9), "paused": (0, 4)}
    for name, (opened, solved) in cases.items():
        case_id = derived_id("figures", name)
        began = monday + timedelta(days=opened)
        moves = [("in_progress", 0.01, None), ("resolved", solved - opened, None)]
        if name == "paused":
            moves[1:1] = [("waiting", 1, "customer"), ("in_progress", 2.5, None)]
        row = {"id": case_id, "number": name, "customer_id": customer, "kind": "repair",
               "title": "x", "state": "resolved", "opened_at": to_wire(began)}  # fmt: skip
        rows.append(("case", row))
        for place, (state, days, whom) in enumerate(moves):
            rows.append(("case_event", {
                "id": derived_id(case_id, str(place)), "case_id": case_id, "kind": "moved",
                "customer_id": customer, "to_state": state, "waiting_for": whom,
                "happened_at": to_wire(began + timedelta(days=days)),
            }))  # fmt: skip
    write_rows(db, company() + rows)
    caught_up(db)
    found = parts(db, "2026-11")[WHOLE]
    assert (found["resolved"], found["resolved_in_time"]) == (4, 3)
    values = values_of(found, DEFAULTS)
    assert values["timeliness"].value == 75 and values["timeliness"].met is False
    assert values["resolution"].value == 100 and values["resolution"].met


def test_nothing_written_means_nothing_to_do_and_no_write(db: Database) -> None:
    write_rows(db, company() + drawn(2, customers=5, cases=5, orders=5))
    caught_up(db)
    with db.read() as connection:
        at, waiting = figure_facts.counted(connection, ORG)
    assert (at, waiting) == (to_wire(NOW), 0)
    figure_facts.keep_figures(db, NOW + timedelta(hours=1))
    with db.read() as connection:
        assert figure_facts.counted(connection, ORG) == (to_wire(NOW), 0)
