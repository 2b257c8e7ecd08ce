"""`python -m bench.encryption`: what encryption at rest costs, and what changing a key takes;
writes docs/benchmarks-encryption.md.

The server's services run in this process over an SQLite file, once with the key ring of the product
and once with one that seals nothing, which exists here and nowhere else: no setting makes it.
Rounds of the two are interleaved. A vault is measured natively, in a file of the given size.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import field as bench
from bench.figures import machine
from mobile.keys.native import native_keys
from mobile.store.files import DirectoryFiles
from mobile.store.unlocking import create_vault, unlock_vault
from mobile.store.vault import checkpoint, close_vault, rekey, transaction
from shared.clock import to_wire
from shared.declare import Role
from shared.ids import derived_id, new_id
from shared.wire import Lease, PullRequest, SignedLease, SnapshotRequest
from sync_server.bootstrap import Server, build
from sync_server.db.base import Database
from sync_server.db.migrate import upgrade
from sync_server.db.sealing import KeyRing
from sync_server.routes.rows import page_text
from sync_server.services.caller import Caller
from sync_server.services.changes import read_push
from sync_server.services.leases import sign_lease
from sync_server.services.pull import pull
from sync_server.services.push import push
from sync_server.services.snapshot import snapshot
from sync_server.settings import Settings

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks-encryption.md"
CHANGED = 200
PUSHED = 200
MEGABYTES = (10, 100)
_HEAD, _TAG = 15, 16

Runs = dict[str, list[float]]


class OpenRing(KeyRing):
    """Seals nothing, in values as long as sealed ones: what a server without encryption would
    do."""

    def seal(self, plain: bytes, context: bytes) -> bytes:  # noqa: ARG002 (its base's signature)
        return bytes((1, 0, 1)) + bytes(12) + plain + bytes(_TAG)

    def open(self, sealed: bytes, context: bytes) -> bytes:  # noqa: ARG002 (its base's signature)
        return bytes(sealed[_HEAD:-_TAG])


@dataclass
class Side:
    """One server: with encryption or without."""

    name: str
    server: Server
    runs: Runs = field(default_factory=dict)
    cursor: int = 0
    customer: str = ""
    known: dict[str, Any] = field(default_factory=dict)
    grant: str = ""
    number: int = 0

    @property
    def caller(self) -> Caller:
        return Caller(
            org_id=bench.ORGANISATION,
            staff_id=bench.staff("field"),
            role=Role.ACCOUNT_MANAGER,
            device_id=derived_id("bench device"),
            device_key="",
        )

    def timed(self, what: str, work: Callable[[], object]) -> None:
        began = time.perf_counter()
        work()
        self.runs.setdefault(what, []).append((time.perf_counter() - began) * 1000)

    def pull(self, **asked: Any) -> Any:
        leases: list[Lease] = []

        def sign(lease: Lease) -> SignedLease:
            leases.append(lease)
            return sign_lease(self.server.keys.lease, lease)

        request = PullRequest(app_version="1", **{"grants_digest": "", **asked})
        now = self.server.clock.now()
        page = pull(self.server.database, self.caller, request, now, sign)
        page_text(page)
        self.cursor = page.header.cursor
        self.known = {
            "epoch": page.header.epoch,
            "grants_digest": leases[-1].grants_digest,
            "case_numbers_left": 1000,
        }
        if leases[-1].grants:
            held = next(g for g in leases[-1].grants if g.bucket.startswith("customer:"))
            self.grant, self.customer = held.id, held.bucket.partition(":")[2]
        return page

    def first_sync(self, buckets: Sequence[str]) -> None:
        after = None
        while True:
            request = SnapshotRequest(buckets=list(buckets), after=after, limit=2000)
            page = snapshot(self.server.database, self.caller, request, self.server.clock.now())
            page_text(page)
            after = page.trailer.after
            if after is None:
                return

    def pushed(self) -> bytes:
        """A batch of new visits with a page of notes each, as a phone writes it."""
        now = to_wire(self.server.clock.now())
        changes = []
        for _ in range(PUSHED):
            self.number += 1
            fields = {
                "customer_id": self.customer, "owner_id": bench.staff("field"), "purpose": "care",
                "state": "planned", "planned_at": now, "notes": "客户希望下季度提前备货 " * 20,
            }  # fmt: skip
            changes.append(
                {
                    "change_id": new_id(), "number": self.number, "grant_id": self.grant,
                    "entity": "visit", "record_id": new_id(), "kind": "create", "fields": fields,
                    "claimed_at": now, "boot_id": "b", "monotonic_ms": 5,
                }
            )  # fmt: skip
        told = {"app_version": "1", "sent_at": now, "boot_id": "b", "monotonic_ms": 9}
        return json.dumps(told | {"changes": changes}, ensure_ascii=False).encode()

    def push(self, body: bytes) -> None:
        reply = push(self.server.database, self.caller, read_push(body), self.server.clock.now())
        assert {o.verdict for o in reply.outcomes} == {"applied"}, reply.outcomes[0]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.encryption", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--note", default="", help="what else the machine did meanwhile")
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        on, off = _server_rounds(Path(name), asked.rounds)
        vaults = asyncio.run(_vault_rounds(Path(name), max(3, asked.rounds // 3)))
    page = _page(on, off, vaults, time.monotonic() - began, asked.note)
    asked.page.write_text(page, encoding="utf-8")
    sys.stdout.write(page)


# ── the server ────────────────────────────────────────────────────────────────────────────


def _server_rounds(folder: Path, rounds: int) -> tuple[Runs, Runs]:
    sides = [_side(folder, "on", KeyRing), _side(folder, "off", OpenRing)]
    for turn in range(rounds + 1):  # the first one warms up
        for side in sides[:: 1 if turn % 2 else -1]:
            _round(side, turn)
        sys.stderr.write(f"round {turn} of {rounds}\n")
    for side in sides:
        side.server.close()
    return sides[0].runs, sides[1].runs


def _side(folder: Path, name: str, ring: type[KeyRing]) -> Side:
    settings = Settings(data_dir=folder / name)
    database = Database(
        f"sqlite:///{folder / f'{name}.sqlite3'}", ring({1: os.urandom(32)}, os.urandom(32))
    )
    upgrade(database.engine)
    server = build(settings, database=database)
    bench.found(server)
    return Side(name, server)


def _round(side: Side, turn: int) -> None:
    page = side.pull(cursor=0, grants=[])
    buckets = page.header.fetch
    body = side.pushed()
    bench.change(side.server, CHANGED, f"turn {turn}")
    work: dict[str, Callable[[], object]] = {
        f"pull of {CHANGED} changed rows": lambda: side.pull(cursor=side.cursor, **side.known),
        "pull with nothing new": lambda: side.pull(cursor=side.cursor, **side.known),
        f"first sync of {bench.RECORDS:,} rows": lambda: side.first_sync(buckets),
        f"push of {PUSHED} visits": lambda: side.push(body),
    }
    for what, run in work.items():
        side.timed(what, run)
    if turn == 0:
        side.runs.clear()


# ── the vault ─────────────────────────────────────────────────────────────────────────────


async def _vault_rounds(folder: Path, rounds: int) -> dict[int, Runs]:
    return {size: await _vault(_made(folder / f"vault {size}"), size, rounds) for size in MEGABYTES}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def _vault(folder: Path, megabytes: int, rounds: int) -> Runs:
    """A vault of about this size: unlocked with its PIN (Argon2id and the first page), and re-keyed
    as at the end of a grant."""
    files, keys = DirectoryFiles(folder), native_keys(folder / "keys")
    connection = await create_vault(files, keys, "bench", "246813")
    with transaction(connection):
        connection.execute("CREATE TABLE held (id INTEGER PRIMARY KEY, body TEXT)")
        body = "客户希望下季度提前备货 请先电话联系 " * 20
        rows = megabytes * 1_000_000 // len(body.encode())
        connection.executemany("INSERT INTO held (body) VALUES (?)", ((body,) for _ in range(rows)))
    checkpoint(connection)
    runs: Runs = {"re-key": [], "unlock": [], "of which the key from the PIN": []}
    for _ in range(rounds):
        began = time.perf_counter()
        new = await keys.stage_vault_key("bench")
        rekey(connection, new)
        await keys.keep_vault_key("bench", new)
        runs["re-key"].append((time.perf_counter() - began) * 1000)
        close_vault(connection)
        await files.release("bench")
        began = time.perf_counter()
        await keys.unlock("bench", "246813")
        middle = time.perf_counter()
        await keys.lock("bench")
        again = time.perf_counter()
        connection = await unlock_vault(files, keys, "bench", "246813")
        ended = time.perf_counter()
        runs["unlock"].append((ended - again) * 1000)
        runs["of which the key from the PIN"].append((middle - began) * 1000)
    close_vault(connection)
    return runs


# ── the page ──────────────────────────────────────────────────────────────────────────────


def _page(on: Runs, off: Runs, vaults: dict[int, Runs], seconds: float, note: str) -> str:
    busy = f" {note}" if note else ""
    lines = [
        "# What encryption at rest costs, measured",
        "",
        f"`python -m bench.encryption` wrote this page in {seconds:.0f} s: medians "
        f"(least–greatest).{busy} {machine()}.",
        "",
        "## On the server",
        "",
        "Services without a socket over an SQLite file, personal fields, feed and log of changes "
        "sealed with AES-256-GCM or not sealed at all. *Off* exists in this measurement alone: the "
        "product has no such setting.",
        "",
        "| | on | off | factor |",
        "|---|---|---|---|",
    ]
    for what in on:
        factor = statistics.median(on[what]) / statistics.median(off[what])
        lines.append(f"| {what} | {_told(on[what])} | {_told(off[what])} | ×{factor:.2f} |")
    lines += [
        "",
        "## On the device, natively",
        "",
        "A vault of that many megabytes: unlocked with its PIN (Argon2id, by far the most of it, "
        "on purpose), and written anew under another key, as when a grant ends.",
        "",
        "| | " + " | ".join(f"{size} MB" for size in vaults) + " |",
        "|---|" + "---|" * len(vaults),
    ]
    for what in next(iter(vaults.values())):
        lines.append(f"| {what} | " + " | ".join(_told(v[what]) for v in vaults.values()) + " |")
    return "\n".join(lines) + "\n"


def _told(runs: Sequence[float]) -> str:
    return f"{statistics.median(runs):,.1f} ms ({min(runs):,.1f}–{max(runs):,.1f})"


if __name__ == "__main__":
    main()
