"""`python -m bench.peers [--rounds N]`: our sync beside that of the peers, by turns, in one run.

The peers are real clients with real servers, each set up in a folder of its own under the one that
HUIFANG_PEERS names; a peer's script prints a line of JSON for each run (`download_rps`,
`upload_rps`, `incr10_ms`, `noop_ms`, …). Speeds of shared machines drift: what counts are the
ratios within a round, and only rounds during which nothing else ran.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench import field as organisation
from bench import native
from bench.figures import machine, spread
from tests.live_server import live_server

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks-peers.md"
OURS = "Huifang"
_BUSY = 0.3
"""Cores that others may use on average during a run for it to count as quiet."""
_LONGEST = 600

Run = dict[str, float]


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer: how it is called, and the command in its folder."""

    name: str
    folder: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


PEERS = (
    Peer("Anki (Rust)", "anki", ("bash", "one.sh")),
    Peer("RxDB, in memory at both ends", "rxdb", ("bash", "one.sh", "1000")),
    Peer("PouchDB, LevelDB", "pouchdb", ("bash", "one.sh", "leveldb", "leveldb", "1000")),
    Peer("Morango (Django)", "morango", ("bash", "one.sh", "sqlite", "500"), {"GZIP": "1"}),
)
MEASURES = {
    "download_rps": "first sync, records/s",
    "rowlevel_download_rps": "the same row by row, records/s",
    "upload_rps": "upload of 1,000, records/s",
    "incr10_ms": "10 changed, ms",
    "noop_ms": "nothing new, ms",
}
MARKS = (
    ("download_rps", "anki", 1.0),
    ("upload_rps", "rxdb", 1.5),
    ("upload_rps", "anki", None),
    ("incr10_ms", "rxdb", 1.0),
    ("incr10_ms", "anki", None),
    ("noop_ms", "rxdb", 0.5),
    ("noop_ms", "anki", None),
)
"""What is compared, and the ratio (ours to theirs) that is to be reached; without one it is told
only."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default=",".join(peer.folder for peer in PEERS))
    parser.add_argument("--page", type=Path, default=PAGE, help="where the figures are written")
    asked = parser.parse_args()
    home = os.environ.get("HUIFANG_PEERS")
    if not home:
        sys.stderr.write("Skipped: HUIFANG_PEERS names no folder with the peers set up in it.\n")
        return 0
    chosen = [peer for peer in PEERS if peer.folder in asked.peers.split(",")]
    runs: dict[str, list[Run]] = {}
    for turn in range(asked.rounds):
        for name, run in _round(chosen, Path(home)):
            runs.setdefault(name, []).append(run)
            shown = {k: round(v, 2) for k, v in run.items() if k in MEASURES or k == "others"}
            sys.stderr.write(f"round {turn + 1}: {name}: {shown}\n")
    command = f"python -m bench.peers --rounds {asked.rounds} --peers {asked.peers}"
    text = page(runs, chosen, command)
    asked.page.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


def _round(peers: list[Peer], home: Path) -> Iterator[tuple[str, Run]]:
    yield OURS, _watched(ours)
    for peer in peers:
        yield peer.name, _watched(partial(theirs, peer, home))


def ours() -> Run:
    """One round of our own: a new server, a new device, encryption, scopes, checksums and bound
    tokens on."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with live_server(folder, prepare=organisation.found) as live:
            measured = asyncio.run(native.sync_round(live, folder / "device", 0))
    return {
        "download_rps": measured["first"][0],
        "upload_rps": measured["up"][0],
        "incr10_ms": statistics.median(measured["changed"]),
        "noop_ms": statistics.median(measured["idle"]),
    }


def theirs(peer: Peer, home: Path) -> Run:
    """One round of a peer's own script."""
    done = subprocess.run(
        peer.command,
        cwd=home / peer.folder,
        env=os.environ | peer.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    said = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not said:
        raise SystemExit(f"{peer.name} said nothing: {done.stdout[-500:]}")
    run: Run = json.loads(said[-1])
    return run


def _watched(measure: Callable[[], Run]) -> Run:
    """The run, and how many cores others used meanwhile (`others`)."""
    busy, own, began = _busy_seconds(), _own_seconds(), time.monotonic()
    run = measure()
    took = time.monotonic() - began
    others = (_busy_seconds() - busy) - (_own_seconds() - own)
    return run | {"others": max(0.0, others / took)}


def _busy_seconds() -> float:
    with Path("/proc/stat").open(encoding="ascii") as file:
        ticks = [int(part) for part in file.readline().split()[1:]]
    return (sum(ticks[:3]) + sum(ticks[5:8])) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def page(runs: dict[str, list[Run]], peers: list[Peer], command: str) -> str:
    """What docs/benchmarks-peers.md says."""
    names = [OURS, *(peer.name for peer in peers)]
    head = "| | " + " | ".join(MEASURES.values()) + " |\n|---|" + "---|" * len(MEASURES)
    rows = "\n".join(
        f"| {name} | " + " | ".join(_spread(runs[name], measure) for measure in MEASURES) + " |"
        for name in names
    )
    ratios = "\n".join(line for mark in MARKS for line in _ratio_rows(runs, peers, *mark))
    noisy = sum(run["others"] > _BUSY for found in runs.values() for run in found)
    total = sum(len(found) for found in runs.values())
    return f"""# Beside the peers

`{command}` wrote this page. Real clients with real servers on loopback, by turns;
{organisation.RECORDS:,} records of about 570 B; medians (least–greatest) of
{len(runs[OURS])} rounds. Measured on {machine()}. In {noisy} of the {total} runs
other work used more than {_BUSY} cores.

None of the peers encrypts, and none but Morango scopes what each user sees. Ours has an encrypted
vault, personal data encrypted at rest on the server, scopes, checksums, sealed copies and bound
tokens all on. RxDB keeps everything in memory at both ends; Anki's first sync is a copy of the
whole file.

{head}
{rows}

Ratios within one round (ours to theirs; for times smaller is better):

| what | beside | ratio | to be reached |
|---|---|---|---|
{ratios}
"""


def _spread(found: list[Run], measure: str) -> str:
    values = [run[measure] for run in found if measure in run]
    if not values:
        return "–"
    return f"{_short(statistics.median(values))} ({_short(min(values))}–{_short(max(values))})"


def _ratio_rows(
    runs: dict[str, list[Run]], peers: list[Peer], measure: str, folder: str, wanted: float | None
) -> Iterator[str]:
    peer = next((p for p in peers if p.folder == folder), None)
    if peer is None:
        return
    pairs = zip(runs[OURS], runs[peer.name], strict=True)
    ratios = [mine[measure] / other[measure] for mine, other in pairs]
    better = "≥" if measure.endswith("rps") else "≤"
    mark = f"{better} {wanted}" if wanted is not None else "a mark to beat"
    yield f"| {MEASURES[measure]} | {peer.name} | {spread(ratios)} | {mark} |"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
