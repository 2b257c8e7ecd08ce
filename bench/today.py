"""`python -m bench.today [--planned N]`: Today opened in Chromium by an account manager with many
planned visits, beside the same day with few.

From the tap on Today in the bar (while another screen is shown) until its first card is there, and
from the last digit of the PIN after a reload. Every visit lies within the week that Today reads.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from time import perf_counter

from playwright.sync_api import Playwright

from bench.figures import machine, spread
from bench.starting import built, demo
from bench.trade_page import write_section
from shared.clock import to_wire
from shared.ids import new_id
from sync_server.demo.load import ORGANISATION
from sync_server.services.writing import Unit, write
from tests.browser.harness import Playing
from tests.e2e.evidence import Evidence
from tests.e2e.people import SYNC_MS, Person, at_work
from tests.live_server import LiveServer, live_server

ROUNDS, FEW, CARD = 5, 10, "拜访："


def _plan(live: LiveServer, count: int) -> None:
    """So many visits of theirs in the coming week, and no others."""
    evidence = Evidence(live)
    mine = evidence.staff_id("wangfang")
    customers = evidence.rows("customer", owner_id=mine)

    def work(unit: Unit) -> None:
        for visit in unit.find("visit", owner_id=mine, state="planned"):
            unit.update("visit", visit.id, {"state": "cancelled"})
        for number in range(count):
            at = unit.now + timedelta(hours=1, minutes=number * 6 * 24 * 60 // count)
            row = {"id": new_id(), "customer_id": customers[number % len(customers)]["id"]}
            row |= {"owner_id": mine, "purpose": "care", "state": "planned", "minutes": 45}
            unit.create("visit", row | {"planned_at": to_wire(at)})

    with live.opened() as office:
        write(office.database, ORGANISATION, office.clock.now(), work)


def _opened(person: Person) -> float:
    """Milliseconds from the tap to the first card."""
    person.go("/more")
    person.tab.wait_no_text(CARD)
    began = perf_counter()
    person.tab.tap("今天", exact=True)
    person.tab.wait_text(CARD)
    return (perf_counter() - began) * 1000


def _unlocked(person: Person) -> float:
    """Milliseconds from the last digit to the first card."""
    person.tab.reload()
    person.tab.fill("PIN 或口令", "246810")
    began = perf_counter()
    person.tab.tap("解锁", exact=True)
    person.tab.wait_text(CARD, timeout_ms=SYNC_MS)
    return (perf_counter() - began) * 1000


def _measure(playwright: Playwright, folder: Path, web: Path, count: int) -> list[list[float]]:
    with (
        live_server(folder, prepare=demo, web=web) as live,
        at_work(playwright, folder / "profile", live, "wangfang") as person,
    ):
        _plan(live, count)
        person.enter()
        person.tab.wait_text(CARD)
        opened = [_opened(person) for _ in range(ROUNDS)]
        person.go("/")
        unlocked = [_unlocked(person) for _ in range(ROUNDS)]
        return [opened, unlocked]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.today", description=__doc__)
    parser.add_argument("--planned", type=int, default=500)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Playing() as playwright:
        folder = Path(name)
        web = built(folder / "web")
        found = {
            count: _measure(playwright, folder / str(count), web, count)
            for count in (FEW, asked.planned)
        }
    lines = [
        f"`python -m bench.today --planned {asked.planned}`: Today in Chromium, by visits planned "
        f"for the coming week. Median of {ROUNDS} (least–most).",
        "",
        f"| | {FEW} planned, ms | {asked.planned} planned, ms |",
        "|---|---|---|",
    ]
    titles = ("from the tap on Today to its first card", "from the PIN after a reload")
    for place, title in enumerate(titles):
        told = [spread(found[count][place], ".0f") for count in (FEW, asked.planned)]
        lines.append(f"| {title} | {' | '.join(told)} |")
    text = "\n".join(lines) + "\n"
    write_section("Today", text, machine())
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
