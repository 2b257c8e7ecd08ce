"""`python -m bench.pokes`: hints to thousands of open streams, and from one phone to another.

One server process on loopback, SQLite, as `huifang serve` runs it. The streams are opened with real
tokens and proofs and read by one other process, which is also the one that pushes. Writes
docs/benchmarks-pokes.md.
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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import flet as ft

from bench import crowd
from bench.figures import machine
from mobile.bootstrap import bootstrap
from mobile.sync.poking import PATH
from mobile.usecases.session import Session
from shared.entities import Customer
from shared.ids import new_id
from tests.live_server import LiveServer, live_server

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks-pokes.md"
PHONES, CUSTOMERS = 2000, 20
PAIRS, EVERYONE, CHANGES, IDLE_SECONDS = 100, 10, 60, 30
_AT_ONCE = 50
_CHANGED = re.compile(rb'data: \{"seq":(\d+),"spread_ms":(\d+)')


@dataclass(slots=True)
class Line(asyncio.Protocol):
    """One open stream, read with as little work as can be: when each number came."""

    request: bytes
    came: dict[int, float] = field(default_factory=dict)
    spread_ms: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    status: bytes = b""
    _transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        cast(asyncio.Transport, transport).write(self.request)

    def data_received(self, data: bytes) -> None:
        now = perf_counter()
        self.status = self.status or data.split(b"\r\n", 1)[0]
        for seq, spread in _CHANGED.findall(data):
            self.came[int(seq)] = now
            self.spread_ms = int(spread)
            self.news.set()

    def connection_lost(self, _error: Exception | None) -> None:
        self.news.set()

    def eof_received(self) -> None:
        return None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@dataclass(slots=True)
class Found:
    """What one run measured; times in milliseconds."""

    opened_per_second: float = 0.0
    memory_per_stream: float = 0.0  # KiB
    idle_cpu: float = 0.0  # percent of a core
    alone: list[float] = field(default_factory=list)
    everyone: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    spread_ms: int = 0
    quiet: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)


class Office:
    """Pushes on one kept connection, as a phone does."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._boot = new_id()
        self._wire: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def push(self, phone: crowd.Phone, owner: int) -> tuple[int, float]:
        """One change; its feed number and when it was sent."""
        now = datetime.now(UTC)
        body = json.dumps(crowd.edit(phone, owner, now, self._boot)).encode()
        url = self._url + "/v1/sync/push"
        headers = phone.headers("POST", url, now) | {"Content-Type": "application/json"}
        if self._wire is None:
            parts = urlsplit(url)
            self._wire = await asyncio.open_connection(parts.hostname, parts.port)
        reader, writer = self._wire
        sent = perf_counter()
        writer.write(request("POST", url, headers, body))
        head = await reader.readuntil(b"\r\n\r\n")
        size = re.search(rb"content-length: (\d+)", head.lower())
        assert size is not None and b" 200 " in head.split(b"\r\n")[0], head
        reply = json.loads(await reader.readexactly(int(size[1])))
        outcome = reply["outcomes"][0]
        assert outcome["verdict"] in {"applied", "merged"}, outcome
        return int(outcome["seq"]), sent

    def close(self) -> None:
        if self._wire is not None:
            self._wire[1].close()


def request(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """An HTTP/1.1 request as bytes."""
    parts = urlsplit(url)
    lines = [f"{method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def open_all(url: str, phones: Sequence[crowd.Phone]) -> list[Line]:
    """A stream for each phone, each told where things stand."""
    loop, parts = asyncio.get_running_loop(), urlsplit(url)
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(phone: crowd.Phone) -> Line:
        async with turns:
            headers = phone.headers("GET", url + PATH, datetime.now(UTC))
            line = Line(request("GET", url + PATH, headers))
            await loop.create_connection(lambda: line, parts.hostname, parts.port)
            async with asyncio.timeout(60):
                await line.news.wait()
            assert b" 200 " in line.status, line.status
            return line

    return list(await asyncio.gather(*map(one, phones)))


async def seen_by(lines: Sequence[Line], after: int) -> list[float]:
    """When each of these first heard of a row from `after` on."""

    async def heard(line: Line) -> float:
        while (at := min((t for n, t in line.came.items() if n >= after), default=None)) is None:
            line.news.clear()
            await line.news.wait()
        return at

    async with asyncio.timeout(60):
        return list(await asyncio.gather(*map(heard, lines)))


async def streams(live: LiveServer, phones: Sequence[crowd.Phone], found: Found) -> list[Line]:
    """Open them all, look at what they cost, and time hints to one and to all."""
    lines = await open_all(live.url, phones[:20])
    for line in lines:
        line.close()
    await asyncio.sleep(1)
    before, began = memory(live), perf_counter()
    lines = await open_all(live.url, phones)
    found.opened_per_second = len(phones) / (perf_counter() - began)
    await asyncio.sleep(2)
    found.memory_per_stream = (memory(live) - before) / len(phones) / 1024
    spent, began = cpu(live), perf_counter()
    await asyncio.sleep(IDLE_SECONDS)
    found.idle_cpu = 100 * (cpu(live) - spent) / (perf_counter() - began)
    office, dice = Office(live.url), random.Random(7)
    for number in range(PAIRS):
        writer = 2 * dice.randrange(1, len(phones) // 2)
        seq, sent = await office.push(phones[writer], writer)
        (at,) = await seen_by([lines[writer + 1]], seq - 1)
        found.alone.append(1000 * (at - sent))
        await asyncio.sleep(dice.uniform(0.01, 0.05) if number % 10 else 0.3)
    for _ in range(EVERYONE):
        seq, sent = await office.push(phones[0], 0)
        times = [1000 * (at - sent) for at in await seen_by(lines[1:], seq - 1)]
        found.everyone += times
        found.last.append(max(times))
        found.spread_ms = lines[1].spread_ms
        await asyncio.sleep(0.3)
    office.close()
    return lines


async def phone_to_phone(url: str, home: Path, changes: int) -> list[float]:
    """The app without its screens, twice: saved on A until it stands in B's store."""
    sessions = []
    for number in (2, 3):
        os.environ["HUIFANG_HOME"] = str(home / str(number))
        page: Any = SimpleNamespace(fonts=None)
        session = Session(await bootstrap(cast(ft.Page, page)))
        await session.begin()
        await session.sign_in(url, f"crowd-{number}", crowd.PASSWORD, "bench")
        await session.choose_secret("246810", "zh-CN")
        assert await session.first_sync(lambda _progress: None) is None
        assert session.syncing is not None
        session.syncing.start()
        sessions.append(session)
    a, b = sessions
    assert a.store is not None and b.store is not None and b.syncing is not None
    await asyncio.sleep(2)
    shared, dice, taken = crowd.customer(2, 0), random.Random(7), []
    arrived = asyncio.Event()
    b.store.subscribe(lambda touched: arrived.set() if ("customer", shared) in touched else None)
    for number in range(changes):
        await asyncio.sleep(dice.uniform(0.4, 1.2))
        arrived.clear()
        began = perf_counter()
        mine = a.store.get(Customer, shared)
        assert mine is not None
        with a.store.unit() as unit:
            unit.update(mine, needs=f"改动{number}")
            unit.commit()
        async with asyncio.timeout(60):
            while (
                theirs := b.store.get(Customer, shared)
            ) is None or theirs.needs != f"改动{number}":
                await arrived.wait()
                arrived.clear()
        taken.append(1000 * (perf_counter() - began))
    for session in sessions:
        await session.lock()
    return taken


def memory(live: LiveServer) -> int:
    """Resident bytes of the server process."""
    text = Path(f"/proc/{live.pid}/statm").read_text(encoding="ascii")
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu(live: LiveServer) -> float:
    """Seconds that the server process computed."""
    parts = Path(f"/proc/{live.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def measure(phones: int) -> Found:
    found = Found()
    made: list[crowd.Phone] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with live_server(
            home,
            prepare=lambda server: made.extend(crowd.found(server, phones, CUSTOMERS, shared=True)),
            access_minutes=60,
        ) as live:

            async def run() -> None:
                found.quiet = await phone_to_phone(live.url, home / "quiet", CHANGES)
                lines = await streams(live, made, found)
                found.busy = await phone_to_phone(live.url, home / "busy", CHANGES)
                for line in lines:
                    line.close()

            asyncio.run(run())
    return found


def row(what: str, times: Sequence[float]) -> str:
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return (
        f"| {what} | {statistics.median(times):,.0f} | {cuts[94]:,.0f} | {cuts[98]:,.0f} | "
        f"{max(times):,.0f} | {len(times):,} |"
    )


def page(found: Found, phones: int) -> str:
    return f"""# Hints, measured

`python -m bench.pokes` wrote this page. One server process (SQLite, `synchronous=FULL`) and one
process of clients on loopback; {phones:,} streams opened with real tokens and proofs, each of a
member of staff of their own with {CUSTOMERS} customers. Measured on {machine()}, shared with other
work.

| milliseconds | median | p95 | p99 | longest | runs |
|---|---|---|---|---|---|
{row("saved on one phone → in another's store", found.quiet)}
{row(f"the same, with {phones:,} streams open", found.busy)}
{row(f"pushed → heard by the one whom it concerns, of {phones:,}", found.alone)}
{row(f"pushed → heard by each of {phones - 1:,} whom it concerns", found.everyone)}
{row(f"pushed → heard by the last of {phones - 1:,}", found.last)}

The first two are the whole way: a durable commit on one phone, the quarter of a second in which
what is saved in one go is gathered, push, hint, pull, and the row in the other phone's encrypted
store (native engine, vaults on disk). The others begin when the push is sent, so they hold its
storing.

| | |
|---|---|
| opening (token, proof, scope, first hint), streams a second | {found.opened_per_second:,.0f} |
| memory of the server process for each stream | {found.memory_per_stream:,.1f} KiB |
| computing time with {phones:,} streams and nothing to tell | {found.idle_cpu:.1f} % of a core |
| time over which so many who are told at once are asked to pull | {found.spread_ms / 1000:.0f} s |

A hint to few is followed at once, one to many over a while, so that phones that were told together
don't pull together. What the memory holds: the connection, its task, and for each person the set of
the buckets that they may read.
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.pokes", description=__doc__)
    parser.add_argument("--phones", type=int, default=PHONES)
    parser.add_argument("--page", type=Path, default=PAGE, help="where the figures are written")
    asked = parser.parse_args()
    text = page(measure(asked.phones), asked.phones)
    asked.page.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
