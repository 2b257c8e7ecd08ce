"""`python -m bench.trade_desk [--cases N]`: the desk's queue, every open case on its clocks, over
the cases of `bench.trade_figures`; and the clocks of one case alone."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.figures import machine, spread
from bench.trade_figures import NOW, ORG, fill, seconds
from bench.trade_page import write_section
from bench.two_databases import two_databases
from shared.policy import Policies
from shared.service_clock import Dial, Step, case_clocks
from shared.workdays import Workdays
from sync_server.db.base import Database
from sync_server.services.desk_queue import MOST, queue

ZONE = ZoneInfo("Asia/Shanghai")
ROUNDS, CASES = 7, 1000
_OPENED = NOW - timedelta(days=20)
_STEPS = [
    Step(_OPENED + timedelta(hours=h), state, "customer" if state == "waiting" else None, str(h))
    for h, state in enumerate(
        ("new", "assigned", "accepted", "waiting", "on_site", "resolved", "in_progress")
    )
]


def _alone() -> None:
    """The clocks of a thousand cases of seven events each."""
    dial = Dial(Workdays(date(2026, 12, 31)), ZONE, NOW)
    policies = Policies()
    for _ in range(CASES):
        case_clocks("complaint", _OPENED, _STEPS, policies, dial)


def _whole(db: Database) -> None:
    with db.read() as connection:
        queue(connection, ORG, None, NOW, ZONE)


def _rounds(db: Database, cases: int) -> Iterator[float]:
    fill(db, cases)
    for _ in range(ROUNDS):
        yield seconds(lambda: _whole(db)) * 1000


def main() -> None:
    """Writes its section of docs/benchmarks-trade.md."""
    parser = argparse.ArgumentParser(prog="python -m bench.trade_desk", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    asked = parser.parse_args()
    lines = ["| | ms | runs |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder, two_databases(Path(folder)) as made:
        for name, db in made.items():
            runs = list(_rounds(db, asked.cases))
            lines.append(f"| the queue on {name} | {_shown(runs)} | {ROUNDS} |")
    alone = [seconds(_alone) * 1000 / CASES for _ in range(ROUNDS)]
    lines.append(f"| all clocks of one case of seven events | {_shown(alone)} | {ROUNDS} |")
    about = (
        f"`python -m bench.trade_desk --cases {asked.cases}`: {asked.cases:,} cases, a quarter of "
        f"them open, of which the oldest {MOST:,} are read with their events, put on their clocks "
        "and sorted. Median (least–most)."
    )
    write_section("The desk", "\n".join([about, "", *lines]), machine())


def _shown(runs: list[float]) -> str:
    return spread(runs, ",.0f" if statistics.median(runs) >= 10 else ".2f")


if __name__ == "__main__":
    main()
