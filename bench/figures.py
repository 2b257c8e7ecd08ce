"""Figures and the page that states them: medians with their range, never a single run."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing: all its runs, in `unit`."""

    name: str
    unit: str
    runs: tuple[float, ...]
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.runs)

    def row(self) -> str:
        low, high = min(self.runs), max(self.runs)
        shown = (_short(self.median), f"{_short(low)}–{_short(high)}", str(len(self.runs)))
        return f"| {self.name} | {' | '.join(shown)} | {self.unit} | {self.note} |"


@dataclass(frozen=True, slots=True)
class Section:
    """What one command measured."""

    title: str
    command: str
    about: str
    figures: Sequence[Figure]

    def text(self) -> str:
        head = "| what | median | min–max | runs | unit | note |\n|---|---|---|---|---|---|"
        rows = "\n".join(figure.row() for figure in self.figures)
        return f"## {self.title}\n\n{self.about}\n\n`{self.command}`\n\n{head}\n{rows}\n"


def machine() -> str:
    """What the figures were measured on, without naming the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = platform.python_version()
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {sys.platform}, Python {python}"
    )


def spread(runs: Sequence[float], form: str = ".2f") -> str:
    """For a cell of a table: the median (least–most), or the only run. `form` is each number's."""
    middle = f"{statistics.median(runs):{form}}"
    return middle if len(runs) == 1 else f"{middle} ({min(runs):{form}}–{max(runs):{form}})"


ELSEWHERE = (
    "Measured by commands of their own: [the rules of the trade](benchmarks-trade.md) (tiers over "
    "a million orders, figures over 100,000 cases, Today with 500 visits), [beside the peers]"
    "(benchmarks-peers.md), [growth](benchmarks-growth.md), [pokes](benchmarks-pokes.md), "
    "[encryption](benchmarks-encryption.md), [the vault's ciphers](benchmarks-vault.md), and "
    "[where the time goes](benchmarks-limits.md)."
)
"""What this page leaves to others."""


def write_page(page: Path, sections: Sequence[Section], measured_on: str) -> None:
    """Replaces the page's sections of the same title, keeps the others."""
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    kept = {part.split("\n", 1)[0]: part for part in old.split("\n## ")[1:]}
    for section in sections:
        kept[section.title] = section.text().removeprefix("## ")
    head = (
        "# Benchmarks\n\nMedians with their range, as measured; `make bench` writes this page. The "
        "machine is shared and its speed drifts: compare only figures of one run.\n\n"
        f"{ELSEWHERE}\n\n"
        f"Measured on {measured_on}.\n"
    )
    parts = "".join(f"\n## {part.rstrip()}\n" for part in kept.values())
    page.write_text(head + parts, encoding="utf-8")


def _short(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
