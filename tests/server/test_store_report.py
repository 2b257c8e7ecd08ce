"""A store's report, on both databases."""

from __future__ import annotations

from typing import Any

from shared.ids import derived_id
from shared.periods import read_period
from sync_server.db.base import Database
from sync_server.services import figure_facts
from sync_server.services.store_report import store_report
from tests.server.figure_world import NOW, ORG, STORES, Rows, company, write_rows


def test_of_what_sold_best_a_product_without_a_price_comes_last(db: Database) -> None:
    buyer, order = derived_id("report", "buyer"), derived_id("report", "order")
    rows: Rows = [
        *company(),
        ("customer", {"id": buyer, "name": "甲公司", "store_id": STORES[0]}),
        ("order", {"id": order, "customer_id": buyer, "ordered_at": "2026-10-05T02:00:00.000Z"}),
    ]
    lines: dict[str, dict[str, Any]] = {
        "unpriced": {"quantity": 9},
        "bulb": {"quantity": 3, "unit_price_cents": 100},
        "clock": {"quantity": 1, "unit_price_cents": 900},
        "returned": {"quantity": -1, "unit_price_cents": 100},
    }
    for code, sold in lines.items():
        line = {"id": derived_id("report", code), "order_id": order, "customer_id": buyer}
        rows.append(("order_line", line | {"code": code} | sold))
    write_rows(db, rows)
    figure_facts.catch_up(db, ORG, NOW)
    month = read_period("2026-10")
    assert month is not None
    with db.read() as connection:
        report = store_report(connection, ORG, STORES[0], month, NOW)
    assert [name for name, _, _ in report.products] == ["clock", "bulb", "returned", "unpriced"]
