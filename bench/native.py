"""Real client and real server on loopback, the client native: encrypted vault on disk, HTTP,
scopes and all."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import flet as ft

from bench import field
from bench.device import Device
from bench.figures import Figure, Section
from mobile.bootstrap import bootstrap
from tests.live_server import LiveServer, live_server

UPLOADS, CHANGED, IDLE_SYNCS, COMMITS = 1_000, 10, 20, 300


def measure(rounds: int) -> Section:
    """First sync, upload, ten changed, nothing new, search and tap-to-durable, `rounds` times."""
    runs: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        with live_server(Path(folder), prepare=field.found) as live:
            for turn in range(rounds):
                measured = asyncio.run(_round(live, Path(folder) / f"device-{turn}", turn))
                for name, values in measured.items():
                    runs.setdefault(name, []).extend(values)
    return Section(
        "Sync, native",
        f"python -m bench --only native --rounds {rounds}",
        f"{field.RECORDS:,} records of {field.mean_bytes():.0f} B (mean) under {field.CUSTOMERS} "
        "customers; one server process (SQLite) and one client process on loopback; encryption, "
        "scopes, checksums and bound tokens on.",
        figures(runs),
    )


def figures(runs: dict[str, list[float]]) -> list[Figure]:
    """The same figures, whichever device measured them."""
    said = {
        "first": ("first sync", "records/s", "into an empty encrypted store, search usable"),
        "first_s": ("first sync", "s", "from the tap to the end"),
        "up": (f"upload of {UPLOADS:,}", "records/s", "whole sync, sealed copies included"),
        "changed": (f"{CHANGED} changed", "ms", "changed by another device, whole sync"),
        "idle": ("nothing new", "ms", "whole sync"),
        "search": (f"search, {field.SEARCHED_CUSTOMERS:,} customers", "ms", "hits read"),
        "tap": ("tap to durable", "ms", "one visit: row, outbox, fsync"),
    }
    return [Figure(*said[key][:2], tuple(runs[key]), said[key][2]) for key in said if key in runs]


def queries(names: list[str]) -> list[str]:
    """What people type: the beginning of a name, its middle, and a piece of a phone number."""
    found = [name[:2] for name in names] + [name[2:4] for name in names]
    return [*found, "1990", "199012"]


async def sync_round(live: LiveServer, home: Path, turn: int) -> dict[str, list[float]]:
    """A new device's first sync, syncs with nothing new, with ten changes that the same person's
    tablet sent, and a large upload."""
    device = await _device(home / "field")
    await device.enrol(live.url, "field", field.PASSWORD)
    first = await device.first_sync()
    assert first["received"] >= field.RECORDS, first
    idle = [(await device.sync())["seconds"] * 1000 for _ in range(IDLE_SYNCS)]
    tablet = await _device(home / "tablet")
    await tablet.enrol(live.url, "field", field.PASSWORD)
    await tablet.first_sync()
    changed = []
    for step in range(5):
        await tablet.edit(CHANGED, f"round {turn}.{step}")
        report = await device.sync()
        assert report["received"] == CHANGED, report
        changed.append(report["seconds"] * 1000)
    taps = [seconds * 1000 for seconds in await device.write(COMMITS)]
    await device.sync()
    await device.write(UPLOADS)
    upload = await device.sync()
    assert upload["sent"] == UPLOADS, upload
    return {
        "first": [first["received"] / first["seconds"]],
        "first_s": [first["seconds"]],
        "up": [UPLOADS / upload["seconds"]],
        "changed": changed,
        "idle": idle,
        "tap": taps,
    }


async def _round(live: LiveServer, home: Path, turn: int) -> dict[str, list[float]]:
    measured = await sync_round(live, home, turn)
    many = await _device(home / "many")
    await many.enrol(live.url, "many", field.PASSWORD)
    await many.first_sync()
    searched = await many.search(queries(await many.names(20)))
    return measured | {"search": [seconds * 1000 for seconds in searched]}


async def _device(home: Path) -> Device:
    os.environ["HUIFANG_HOME"] = str(home)
    page: Any = SimpleNamespace(fonts=None)
    return Device(await bootstrap(cast(ft.Page, page)))
