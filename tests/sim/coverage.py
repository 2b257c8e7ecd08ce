"""How often each fault and each interleaving of interest happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping


def table(counts: Mapping[str, int], seeds: int) -> str:
    """What happened, the most frequent first, with the share of seeds in which it did."""
    lines = [f"{'what happened':<58} {'times':>9}"]
    lines += [f"{name:<58} {times:>9}" for name, times in Counter(counts).most_common()]
    return "\n".join([*lines, f"{'seeds':<58} {seeds:>9}"])
