"""`python -m bench.growth`: how the costs of receiving grow. Measures, draws the curves into
docs/growth/ and writes docs/benchmarks-growth.md.

A first sync by the records it brings; a pull by the rows that the feed has altogether; the memory
of the server process while whole buckets go out.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bench import field
from bench.curves import svg
from bench.figures import machine
from bench.native import _device
from shared.clock import to_wire
from shared.declare import Role
from shared.ids import derived_id
from shared.policy import settings_from
from shared.rows import body_text
from shared.wire import Lease, PullHeader, PullRequest, SignedLease
from sync_server.bootstrap import Server
from sync_server.db.log import BUCKET_HEAD, FEED
from sync_server.importing.founding import founding_rows
from sync_server.routes.rows import page_text
from sync_server.services.accounts import add_account
from sync_server.services.caller import Caller
from sync_server.services.leases import sign_lease
from sync_server.services.opening import opening_scopes
from sync_server.services.passwords import PasswordHashes
from sync_server.services.pull import pull
from sync_server.services.writing import Unit, bulk, write
from tests.live_server import LiveServer, live_server

DOCS = Path(__file__).parent.parent / "docs"
COPIES = (1_000, 3_000, 10_000, 30_000, 100_000)
FEEDS = (1_000, 10_000, 100_000, 1_000_000)
PER_CUSTOMER = 50
PULLS = 40
CHANGED = 10
_BEGAN = datetime(2026, 1, 5, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--most", type=int, default=COPIES[-1], help="records of a first sync")
    parser.add_argument("--feed", type=int, default=FEEDS[-1], help="rows of the feed")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where the page is written")
    asked = parser.parse_args()
    began = time.perf_counter()
    copies = [size for size in COPIES if size <= asked.most]
    with tempfile.TemporaryDirectory() as name:
        firsts = _first_syncs(Path(name), copies)
    with tempfile.TemporaryDirectory() as name:
        pulls = _pulls(Path(name), [size for size in FEEDS if size <= asked.feed])
    page = _page(firsts, pulls, time.perf_counter() - began, asked.docs / "growth")
    (asked.docs / "benchmarks-growth.md").write_text(page, encoding="utf-8")
    sys.stdout.write(page)


# ── first syncs, and the server's memory ──────────────────────────────────────────────────

First = tuple[int, float, float, float]
"""Records, seconds, and of the server process MiB before and at the peak."""


def _first_syncs(folder: Path, sizes: Sequence[int]) -> list[First]:
    def found(server: Server) -> None:
        _found(server, {f"holder-{size}": size for size in sizes})

    with live_server(folder, prepare=found) as live:
        return [asyncio.run(_first_sync(live, folder / str(size), size)) for size in sizes]


async def _first_sync(live: LiveServer, home: Path, size: int) -> First:
    device = await _device(home)
    await device.enrol(live.url, f"holder-{size}", field.PASSWORD)
    before = _memory(live, "VmRSS")
    first = await device.first_sync()
    assert first["received"] >= size, first
    return size, first["seconds"], before, _memory(live, "VmHWM")


def _memory(live: LiveServer, line: str) -> float:
    """MiB of the server process, as Linux counts them."""
    for text in Path(f"/proc/{live.pid}/status").read_text(encoding="ascii").splitlines():
        if text.startswith(line + ":"):
            return int(text.split()[1]) / 1024
    raise AssertionError(f"no {line}")


def _found(server: Server, holders: dict[str, int]) -> None:
    now = server.clock.now()

    def work(unit: Unit) -> None:
        rows = founding_rows(field.ORGANISATION, "Bench", now, field.POLICY)
        for some in (rows, _records(holders)):
            for _ in bulk(unit, some):
                pass
        for _ in bulk(unit, opening_scopes(unit, settings_from(field.POLICY))):
            pass
        secret = PasswordHashes().make(field.PASSWORD)
        for name in holders:
            add_account(
                unit.connection,
                org_id=field.ORGANISATION,
                staff_id=field.staff(name),
                username=name,
                password_hash=secret,
                now=now,
            )

    write(server.database, field.ORGANISATION, now, work)


def _records(holders: dict[str, int]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in holders:
        person = {"id": field.staff(name), "name": name, "role": "account_manager", "active": True}
        yield "staff", person
    dice = random.Random(7)
    for name, size in holders.items():
        customers = max(1, size // PER_CUSTOMER)
        for number in range(customers):
            yield "customer", field.customer_row(name, number)
        for number in range(size - customers):
            yield "visit", field.filled(_visit(name, number, number % customers), dice)


def _visit(holder: str, number: int, customer: int) -> dict[str, Any]:
    planned = to_wire(_BEGAN + timedelta(minutes=number))
    return {
        "id": derived_id("bench growing visit", holder, str(number)),
        "created_at": planned,
        "customer_id": field.customer(holder, customer),
        "owner_id": field.staff(holder),
        "purpose": "care",
        "state": "finished",
        "planned_at": planned,
    }


# ── pulls over a feed that grows ──────────────────────────────────────────────────────────

Pulled = tuple[int, float, float]
"""Rows of the feed, milliseconds of a pull that brings nothing and of one that brings ten rows."""


def _pulls(folder: Path, sizes: Sequence[int]) -> list[Pulled]:
    found: list[Pulled] = []
    with live_server(folder, prepare=lambda server: _found(server, {"holder": 500})) as live:
        live.stop()
        with live.opened() as server:
            rows = 0
            for size in sizes:
                _fill(server, rows, size)
                rows = size
                found.append((size, *_pull_times(server)))
    return found


def _fill(server: Server, have: int, want: int) -> None:
    """Rows of other people's customers, as small as they may be: only their number counts."""
    body = body_text({"id": "x"})
    for start in range(have, want, 10_000):
        numbers = range(start, min(want, start + 10_000))
        feed = [
            {
                "org_id": field.ORGANISATION,
                "bucket": f"customer:{derived_id('bench filler', str(n // PER_CUSTOMER))}",
                "entity": "visit",
                "record_id": derived_id("bench filler row", str(n)),
                "seq": 1,
                "body": body,
                "digest": 1,
            }
            for n in numbers
        ]
        heads = [
            {"org_id": field.ORGANISATION, "bucket": bucket, "max_seq": 1}
            | {"row_count": PER_CUSTOMER, "digest": PER_CUSTOMER}
            for bucket in sorted({row["bucket"] for row in feed})
        ]
        with server.database.write() as connection:
            connection.execute(insert(FEED), feed)
            connection.execute(insert(BUCKET_HEAD).prefix_with("OR IGNORE"), heads)


def _pull_times(server: Server) -> tuple[float, float]:
    header, lease, _ = _pulled(server, cursor=0, grants=[])
    known = {
        "epoch": header.epoch,
        "grants_digest": lease.grants_digest,
        "case_numbers_left": 1000,
    }
    quiet, busy = [], []
    cursor = header.cursor
    for turn in range(PULLS):
        quiet.append(_milliseconds(lambda at=cursor: _pulled(server, cursor=at, **known)))
        _change(server, f"turn {turn}")
        busy.append(_milliseconds(lambda at=cursor: _pulled(server, cursor=at, **known)))
        header, _, rows = _pulled(server, cursor=cursor, **known)
        assert rows == CHANGED, rows
        cursor = header.cursor
    return statistics.median(quiet), statistics.median(busy)


def _change(server: Server, mark: str) -> None:
    visits = [_visit("holder", n, 0)["id"] for n in range(CHANGED)]
    write(
        server.database,
        field.ORGANISATION,
        server.clock.now(),
        lambda unit: [unit.update("visit", v, {"notes": f"{mark} {v}"}) for v in visits],
    )


def _pulled(server: Server, **asked: Any) -> tuple[PullHeader, Lease, int]:
    caller = Caller(
        org_id=field.ORGANISATION,
        staff_id=field.staff("holder"),
        role=Role.ACCOUNT_MANAGER,
        device_id=derived_id("bench device"),
        device_key="",
    )
    leases: list[Lease] = []

    def sign(lease: Lease) -> SignedLease:
        leases.append(lease)
        return sign_lease(server.keys.lease, lease)

    request = PullRequest(app_version="1", **{"grants_digest": "", **asked})
    page = pull(server.database, caller, request, server.clock.now(), sign)
    page_text(page)
    return page.header, leases[-1], len(page.lines)


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


# ── the page ──────────────────────────────────────────────────────────────────────────────


def _page(firsts: Sequence[First], pulls: Sequence[Pulled], seconds: float, pictures: Path) -> str:
    pictures.mkdir(parents=True, exist_ok=True)
    drawn = {
        "first-sync": svg(
            "A first sync grows with what it brings",
            "records",
            "seconds",
            {"first sync": [(size, took) for size, took, _, _ in firsts]},
        ),
        "pull": svg(
            "A pull does not grow with the feed",
            "rows of the feed",
            "milliseconds at the server",
            {
                "nothing new": [(size, quiet) for size, quiet, _ in pulls],
                f"{CHANGED} changed": [(size, busy) for size, _, busy in pulls],
            },
        ),
        "memory": svg(
            "The server's memory while whole buckets go out",
            "records of the first sync",
            "MiB of the process",
            {
                "before": [(size, before) for size, _, before, _ in firsts],
                "greatest so far": [(size, peak) for size, _, _, peak in firsts],
            },
        ),
    }
    for name, picture in drawn.items():
        (pictures / f"{name}.svg").write_text(picture, encoding="utf-8")
    copies = "".join(
        f"| {size:,} | {took:.2f} | {size / took:,.0f} | {before:.0f} | {peak:.0f} |\n"
        for size, took, before, peak in firsts
    )
    feeds = "".join(f"| {size:,} | {quiet:.2f} | {busy:.2f} |\n" for size, quiet, busy in pulls)
    return f"""# How the costs of receiving grow

`python -m bench.growth` wrote this page in {seconds:.0f} s, on {machine()}, shared with other work:
the shape of the curves counts, not a single figure. Real server and native client on loopback, with
encryption, scopes, checksums and bound tokens on, as in [benchmarks](benchmarks.md).

## A first sync, and the server's memory

{PER_CUSTOMER} records of about {field.RECORD_BYTES} B a customer, into an empty encrypted vault.
One server process for all of them, one after the other: beside the pages on their way its memory
holds SQLite's page cache, which fills up to 64 MiB and no further.

| records | s | records/s | server before, MiB | its greatest so far, MiB |
|---|---|---|---|---|
{copies}
![first sync](growth/first-sync.svg)

![memory](growth/memory.svg)

## A pull, by the rows of the feed

Someone who holds 500 records, in an organisation whose feed grows around them (SQLite): medians of
{PULLS} pulls, milliseconds at the server, without the way between.

| rows of the feed | nothing new, ms | {CHANGED} changed, ms |
|---|---|---|
{feeds}
![pull](growth/pull.svg)
"""


if __name__ == "__main__":
    main()
