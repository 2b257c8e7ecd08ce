"""`python -m bench.tiers [--orders N]`: tiers over many orders, on SQLite and PostgreSQL: everybody
looked at, a day later who moved, and the visits of everybody planned.

The orders are drawn, not imported, and written straight into the typed tables. Customers begin with
the levels that the rules give them, as an organisation has them in which the panel has decided.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, update

from bench.figures import machine, spread
from bench.trade_page import write_section
from bench.two_databases import two_databases
from shared.clock import to_wire
from shared.ids import derived_id
from shared.policy import DEFAULTS
from shared.tiers import FIELD_OF, YES, findings
from sync_server.db.base import Database
from sync_server.db.log import BUCKET_HEAD, ORG_STATE
from sync_server.db.migrate import upgrade
from sync_server.db.putting import insert_rows
from sync_server.db.records import RECORDS
from sync_server.services import cadence_plans, tier_facts, tier_rules
from sync_server.services.writing import Unit, write

ORG = derived_id("bench tiers")
NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
PER_CUSTOMER, PER_MANAGER, ROUNDS, PLANNED = 20, 250, 3, 1000
_PART = 10_000


def _id(kind: str, number: int) -> str:
    return derived_id("bench tiers", kind, str(number))


def _orders(orders: int, customers: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(7)
    for n in range(orders):
        whose = min(int(customers * draw.random() ** 1.5), customers - 1)
        at = NOW - timedelta(seconds=draw.randrange(800 * 86_400))
        yield {
            "org_id": ORG, "seq": n + 1, "id": _id("order", n), "customer_id": _id("c", whose),
            "number": str(n), "state": "cancelled" if n % 50 == 0 else "placed",
            "ordered_at": to_wire(at), "created_at": to_wire(at),
            "total_cents": draw.randrange(1000, 100_000) * (-1 if n % 50 == 0 else 1),
        }  # fmt: skip


def _fill(db: Database, orders: int) -> int:
    upgrade(db.engine)
    customers = orders // PER_CUSTOMER
    made = to_wire(NOW - timedelta(days=801))
    company = {"org_id": ORG, "seq": 1, "id": ORG, "name": "x", "timezone": "Asia/Shanghai"}
    people = [
        {
            "org_id": ORG, "seq": 1, "id": _id("c", n), "name": "x", "created_at": made,
            "owner_id": _id("m", n // PER_MANAGER), "city": ("上海", "苏州", "昆山")[n % 3],
        }
        for n in range(customers)
    ]  # fmt: skip
    heads = [
        {
            "org_id": ORG,
            "bucket": f"customer:{one['id']}",
            "max_seq": 1,
            "row_count": 1,
            "digest": 0,
        }
        for one in people
    ]
    with db.write() as connection:
        insert_rows(connection, RECORDS["organisation"], [company])
        insert_rows(connection, RECORDS["customer"], people)
        insert_rows(connection, BUCKET_HEAD, heads)
        part: list[dict[str, Any]] = []
        for row in _orders(orders, customers):
            part.append(row)
            if len(part) == _PART:
                insert_rows(connection, RECORDS["order"], part)
                part = []
        insert_rows(connection, RECORDS["order"], part)
        state = {"org_id": ORG, "last_seq": orders, "epoch": "bench", "backed_up_to": 0}
        insert_rows(connection, ORG_STATE, [state | {"next_case_number": 1}])
    _analyse(db)
    _level(db)
    return customers


def _analyse(db: Database) -> None:
    with db.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("ANALYZE")


def _level(db: Database) -> None:
    """Everybody has the levels that the rules give them."""
    table = RECORDS["customer"]
    told: list[dict[str, Any]] = []
    with db.read() as connection:
        for page in tier_facts.everyone(connection, ORG, DEFAULTS, NOW):
            for one in page:
                found = findings(one.facts, DEFAULTS)
                row = {f"n_{FIELD_OF[axis]}": made.level for axis, made in found.items()}
                row["n_vip"] = found["vip"].level == YES
                row |= {
                    "n_spend_12m_cents": one.facts.spend_cents,
                    "n_orders_12m": one.facts.orders,
                }
                told.append(row | {"whose": one.customer.id})
    names = [name.removeprefix("n_") for name in told[0] if name != "whose"]
    query = (
        update(table)
        .where(table.c.org_id == ORG, table.c.id == bindparam("whose"))
        .values({name: bindparam(f"n_{name}") for name in names})
    )
    with db.write() as connection:
        connection.execute(query, told)


def _a_day_of_orders(db: Database, orders: int, day: int) -> None:
    """As many as a usual day brings, through the one way to write."""

    def work(unit: Unit) -> None:
        draw = random.Random(day)
        at = to_wire(unit.now)
        for n in range(orders // 800):
            number = draw.randrange(orders // PER_CUSTOMER)
            row = {"id": _id(f"day {day}", n), "customer_id": _id("c", number), "number": str(n)}
            cents = draw.randrange(1000, 100_000)
            unit.create("order", row | {"ordered_at": at, "total_cents": cents, "state": "placed"})

    write(db, ORG, NOW + timedelta(days=day), work)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    made = work()
    return time.perf_counter() - began, made


def _measure(db: Database, orders: int, say: Callable[[str], None]) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {}

    def note(name: str, seconds: float, made: Any) -> None:
        took.setdefault(name, []).append(seconds)
        say(f"  {name}: {seconds:.2f} s {made}\n")

    customers = _fill(db, orders)
    for _ in range(ROUNDS):
        note("everybody", *_timed(lambda: tier_rules.propose(db, ORG, NOW, all_customers=True)))
    note("nothing", *_timed(lambda: tier_rules.propose(db, ORG, NOW)))
    for day in range(1, ROUNDS + 1):
        _a_day_of_orders(db, orders, day)
        now = NOW + timedelta(days=day)
        note("a day later", *_timed(partial(tier_rules.propose, db, ORG, now)))
    few = [_id("c", n) for n in range(min(PLANNED, customers))]

    def plan() -> Any:
        return write(db, ORG, NOW, lambda unit: cadence_plans.plan(unit, few, DEFAULTS))

    note("planned", *_timed(plan))
    note("planned again", *_timed(plan))
    return took


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.tiers", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    asked = parser.parse_args()

    def say(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    with tempfile.TemporaryDirectory() as name, two_databases(Path(name)) as databases:
        found = {}
        for kind, db in databases.items():
            say(f"{kind}\n")
            found[kind] = _measure(db, asked.orders, say)
    text = _section(asked.orders, found["SQLite"], found["PostgreSQL"])
    write_section("Tiers", text, machine())
    say(text)


_TITLES = {
    "everybody": "everybody looked at",
    "nothing": "looked at again, nothing had moved",
    "a day later": "a day and its orders later, who moved; what follows is written",
    "planned": f"visits planned for {PLANNED:,} customers at once",
    "planned again": "the same once more, nothing to do",
}


def _section(orders: int, lite: dict[str, list[float]], post: dict[str, list[float]]) -> str:
    day = orders // 800
    lines = [
        f"`python -m bench.tiers --orders {orders}`: {orders:,} orders of "
        f"{orders // PER_CUSTOMER:,} customers over 800 days, {day:,} new ones a day. Median "
        "(least–most). Looking takes no lock; what has moved is written in parts of 400 customers.",
        "",
        "| | SQLite, s | PostgreSQL, s | runs |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {title} | {spread(lite[name])} | {spread(post[name])} | {len(lite[name])} |"
        for name, title in _TITLES.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
