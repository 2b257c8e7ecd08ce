"""`python -m bench.churn [--customers N,N]`: who may leave, learned from and told of so many
customers, on SQLite and PostgreSQL: everybody for the first time, a night later, and on demand.

The orders are drawn, not imported: each customer has a pace of their own, and some stop.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.figures import machine, spread
from bench.trade_page import write_section
from bench.two_databases import two_databases
from shared.churn import chance, fit
from shared.clock import to_wire
from shared.ids import derived_id, new_id
from shared.policy import DEFAULTS
from sync_server.db.base import Database
from sync_server.db.log import ORG_STATE
from sync_server.db.migrate import upgrade
from sync_server.db.putting import insert_rows
from sync_server.db.records import RECORDS
from sync_server.services import churn_facts, churn_scoring
from sync_server.services.writing import Unit, write

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
ROUNDS, LONGEST_DAYS, ORDERED = 3, 700, 100
_PART = 10_000

Took = dict[str, list[float]]


def _orders(org: str, customers: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(7)
    seq = 0
    for n in range(customers):
        gap, ago = draw.choice((20, 60, 150)), draw.uniform(0, LONGEST_DAYS)
        until = 0 if draw.random() < 0.6 else draw.uniform(0, ago)
        while ago > until:
            seq += 1
            at = to_wire(NOW - timedelta(days=ago))
            yield {
                "org_id": org, "seq": seq, "id": derived_id(org, "order", str(seq)),
                "customer_id": derived_id(org, "c", str(n)), "number": str(seq),
                "state": "placed", "ordered_at": at, "created_at": at,
                "total_cents": draw.randrange(1000, 100_000),
            }  # fmt: skip
            ago -= draw.expovariate(1 / gap)


def _fill(db: Database, org: str, customers: int) -> None:
    made = to_wire(NOW - timedelta(days=LONGEST_DAYS))
    company = {"org_id": org, "seq": 1, "id": org, "name": "x", "timezone": "Asia/Shanghai"}
    tiers = ("high", "mid", "low", "low", "low")
    people = [
        {
            "org_id": org, "seq": 1, "id": derived_id(org, "c", str(n)), "name": "x",
            "created_at": made, "tier": tiers[n % 5],
        }
        for n in range(customers)
    ]  # fmt: skip
    with db.write() as connection:
        insert_rows(connection, RECORDS["organisation"], [company])
        insert_rows(connection, RECORDS["customer"], people)
        part: list[dict[str, Any]] = []
        for row in _orders(org, customers):
            part.append(row)
            if len(part) == _PART:
                insert_rows(connection, RECORDS["order"], part)
                part = []
        insert_rows(connection, RECORDS["order"], part)
        state = {"org_id": org, "last_seq": 10**7, "epoch": "bench", "backed_up_to": 0}
        insert_rows(connection, ORG_STATE, [state | {"next_case_number": 1}])
    with db.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("ANALYZE")


def _measure(db: Database, customers: int, say: Callable[[str], None]) -> Took:
    org = derived_id("bench churn", str(customers))
    _fill(db, org, customers)
    took: Took = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        made = work()
        took.setdefault(name, []).append(time.perf_counter() - began)
        say(f"  {customers:,} {name}: {took[name][-1]:.3f} s\n")
        return made

    def facts() -> list[churn_facts.Known]:
        with db.read() as connection:
            pages = churn_facts.everyone(connection, org, DEFAULTS, NOW)
            return [one for page in pages for one in page]

    for _ in range(ROUNDS):
        known = timed("read", facts)
        past = [(one.past, one.returned) for one in known if one.past]
        model = timed("learn", lambda past=past: fit(past, DEFAULTS.churn_days))
        habits = [one.habit for one in known if one.habit]
        timed("score", lambda model=model, habits=habits: [chance(model, h) for h in habits])
    timed("first", lambda: churn_scoring.score(db, org, NOW))
    for day in range(1, ROUNDS + 1):
        now = NOW + timedelta(days=day)
        timed("night", lambda now=now: churn_scoring.score(db, org, now))

    def ordered(unit: Unit) -> None:
        for n in range(ORDERED):
            row = {"id": new_id(), "customer_id": derived_id(org, "c", str(n)), "number": "x"}
            unit.create("order", row | {"ordered_at": to_wire(now), "total_cents": 5000})

    churn_scoring.score(db, org, now)
    write(db, org, now, ordered)
    timed("demand", lambda: churn_scoring.score(db, org, now))
    return took


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.churn", description=__doc__)
    parser.add_argument("--customers", default="4338,100000")
    asked = parser.parse_args()
    sizes = [int(one) for one in asked.customers.split(",")]

    def say(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    found: dict[tuple[int, str], Took] = {}
    with tempfile.TemporaryDirectory() as name, two_databases(Path(name)) as databases:
        for kind, db in databases.items():
            upgrade(db.engine)
            for size in sizes:
                say(f"{kind}\n")
                found[size, kind] = _measure(db, size, say)
    text = _section(asked.customers, sizes, found)
    write_section("Who may leave", text, machine())
    say(text)


_TITLES = {
    "read": "how everybody buys, now and 90 days ago, read",
    "learn": "a model learned from it",
    "score": "everybody scored by it",
    "first": "a first run: all of it, and every score and plan written",
    "night": "a night later: all of it, and what moved written",
    "demand": f"on demand, after {ORDERED} orders",
}


def _section(asked: str, sizes: list[int], found: dict[tuple[int, str], Took]) -> str:
    columns = [(size, kind) for size in sizes for kind in ("SQLite", "PostgreSQL")]
    lines = [
        f"`python -m bench.churn --customers {asked}`: customers with a pace of their own over "
        f"{LONGEST_DAYS} days, of whom some stopped. Median (least–most), in seconds. Reading, "
        "learning and scoring take no lock; what has moved is written in parts of 400 customers.",
        "",
        "".join(["| |", *(f" {size:,} on {kind} |" for size, kind in columns), " runs |"]),
        "|---|" + "---|" * (len(columns) + 1),
    ]
    for name, title in _TITLES.items():
        cells = [spread(found[column][name], ".3g") for column in columns]
        runs = len(found[columns[0]][name])
        lines.append(" | ".join([f"| {title}", *cells, f"{runs} |"]))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
