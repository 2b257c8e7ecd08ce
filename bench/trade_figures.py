"""`python -m bench.trade_figures [--cases N]`: figures over many cases, on SQLite and PostgreSQL:
worked out for the first time, kept up after one case moved, and read.

The cases are drawn, not imported: of each, the events of `tests`-like histories (taken on, waited,
handed on, resolved, some reopened), written straight into the typed tables.
"""

from __future__ import annotations

import argparse
import os
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
from shared.clock import to_wire
from shared.figures import DEPARTMENT_WEIGHTS
from shared.ids import derived_id
from shared.periods import Period, read_period
from sync_server.db.base import Database
from sync_server.db.log import BUCKET_HEAD, ORG_STATE
from sync_server.db.migrate import upgrade
from sync_server.db.putting import insert_rows
from sync_server.db.records import RECORDS
from sync_server.services import figure_facts
from sync_server.services.figures import parts_of
from sync_server.services.writing import Unit, write

ORG = derived_id("bench figures")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
STORES, STAFF, ROUNDS = 20, 200, 5
_PART = 5000
_WAYS = (
    ("in_progress", "resolved"),
    ("in_progress", "waiting", "in_progress", "resolved"),
    ("in_progress", "resolved", "in_progress", "resolved"),
    ("in_progress",),
)

Rows = Iterator[tuple[str, dict[str, Any]]]


def _rows(cases: int) -> Rows:
    draw = random.Random(5)
    customers = [derived_id("bench", "customer", str(n)) for n in range(max(cases // 10, 1))]
    staff = [derived_id("bench", "staff", str(n)) for n in range(STAFF)]
    begun = NOW - timedelta(days=800)
    yield "organisation", {"id": ORG, "name": "bench", "timezone": "Asia/Shanghai"}
    for n, one in enumerate(customers):
        made = to_wire(begun + timedelta(seconds=n))
        store = derived_id("bench", "store", str(n % STORES))
        yield "customer", {"id": one, "name": "x", "store_id": store, "created_at": made}
    for n in range(cases):
        tie = {
            "case_id": derived_id("bench", "case", str(n)),
            "customer_id": draw.choice(customers),
        }
        at = begun + timedelta(seconds=draw.randrange(790 * 86_400))
        way = _WAYS[n % len(_WAYS)]
        yield "case", {
            "id": tie["case_id"], "customer_id": tie["customer_id"], "number": str(n), "title": "x",
            "kind": draw.choice(("repair", "repair", "complaint")), "state": way[-1],
            "opened_at": to_wire(at), "priority": draw.choice(("high", "low")),
        }  # fmt: skip
        for place, state in enumerate(way):
            at += timedelta(minutes=draw.randrange(1, 5000))
            event = {"happened_at": to_wire(at), **tie}
            if state == "in_progress":
                given = derived_id(tie["case_id"], "given", str(place))
                yield "case_event", event | {
                    "id": given, "kind": "assigned", "staff_id": draw.choice(staff),
                }  # fmt: skip
            moved = derived_id(tie["case_id"], "moved", str(place))
            whom = "customer" if state == "waiting" else None
            yield "case_event", event | {
                "id": moved, "kind": "moved", "to_state": state, "waiting_for": whom,
            }  # fmt: skip
        yield "order", {
            "id": derived_id("bench", "order", str(n)), "customer_id": draw.choice(customers),
            "number": str(n), "state": "placed", "total_cents": draw.randrange(1000, 10**6),
            "ordered_at": to_wire(begun + timedelta(seconds=draw.randrange(790 * 86_400))),
        }  # fmt: skip


def fill(db: Database, cases: int) -> None:
    upgrade(db.engine)
    parts: dict[str, list[dict[str, Any]]] = {}
    seq = 0
    with db.write() as connection:
        for entity, row in _rows(cases):
            seq += 1
            waiting = parts.setdefault(entity, [])
            waiting.append({"org_id": ORG, "seq": seq, **row})
            if entity == "customer":
                head = {"org_id": ORG, "bucket": f"customer:{row['id']}", "max_seq": seq}
                heads = parts.setdefault("head", [])
                heads.append(head | {"row_count": 1, "digest": 0})
            for name in [name for name, rows in parts.items() if len(rows) >= _PART]:
                _put(connection, name, parts.pop(name))
        for name, rows in parts.items():
            _put(connection, name, rows)
        state = {"org_id": ORG, "last_seq": seq, "epoch": "bench", "backed_up_to": 0}
        insert_rows(connection, ORG_STATE, [state | {"next_case_number": 1}])
    if db.is_postgres:
        with db.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("ANALYZE")


def _put(connection: Any, name: str, rows: list[dict[str, Any]]) -> None:
    insert_rows(connection, BUCKET_HEAD if name == "head" else RECORDS[name], rows)


def _read(db: Database, written: str, by: str) -> None:
    period = read_period(written)
    assert isinstance(period, Period)
    with db.read() as connection:
        parts_of(connection, ORG, period, by)


def _one_case_moves(db: Database, number: int) -> None:
    def work(unit: Unit) -> None:
        case_id = derived_id("bench", "case", str(number))
        unit.update("case", case_id, {"priority": "critical"})

    write(db, ORG, NOW, work)


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _measure(db: Database, cases: int) -> Iterator[tuple[str, list[float]]]:
    fill(db, cases)
    yield "worked out for the first time", [seconds(lambda: figure_facts.catch_up(db, ORG, NOW))]
    moved = []
    for turn in range(ROUNDS):
        _one_case_moves(db, turn)
        moved.append(seconds(lambda: figure_facts.catch_up(db, ORG, NOW)))
    yield "kept up after one case moved", moved
    yield "nothing was written", _rounds(lambda: figure_facts.catch_up(db, ORG, NOW))
    for written, by in (
        ("2026-10", "whole"), ("2026-10", "store_id"), ("2026-Q3", "staff_id"), ("2026", "whole"),
    ):  # fmt: skip
        asked = _rounds(lambda w=written, b=by: _read(db, w, b))
        yield f"all figures of {written}, by {by.removesuffix('_id')}", asked


def _rounds(work: Callable[[], object]) -> list[float]:
    return [seconds(work) for _ in range(ROUNDS)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.trade_figures", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    asked = parser.parse_args()
    lines = ["| | SQLite, ms | PostgreSQL, ms | runs |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder, two_databases(Path(folder)) as databases:
        found = {name: dict(_measure(db, asked.cases)) for name, db in databases.items()}
    for what, runs in found["SQLite"].items():
        shown = [_shown(found[name][what]) for name in ("SQLite", "PostgreSQL")]
        lines.append(f"| {what} | {' | '.join(shown)} | {len(runs)} |")
    events = sum(len(way) + way.count("in_progress") for way in _WAYS) / len(_WAYS)
    about = (
        f"`python -m bench.trade_figures --cases {asked.cases}`: {asked.cases:,} cases with "
        f"{events:.1f} events each and as many orders, of {asked.cases // 10:,} customers in "
        f"{STORES} stores. Median (least–most). {len(DEPARTMENT_WEIGHTS)} of the figures make a "
        "department's score. Working out goes part by part: others write in between. Load of the "
        f"machine when it ended: {os.getloadavg()[0]:.0f}, on {os.cpu_count()} cores."
    )
    text = "\n".join([about, "", *lines])
    write_section("Figures", text, machine())
    sys.stdout.write(text + "\n")


def _shown(runs: list[float]) -> str:
    return spread([1000 * seconds for seconds in runs], ",.0f")


if __name__ == "__main__":
    main()
