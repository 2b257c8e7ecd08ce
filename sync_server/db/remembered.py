"""What was read at one number of an organisation, kept for as long as it can be made use of.

Every write to an organisation's records takes a number in its transaction (design §5, Feed). So
what a transaction read of them holds for any later transaction that finds the same epoch and the
same last number, in whichever process it was written; and what was read at an earlier number can
be brought up to date by whoever knows what has changed since. Whoever asks reads the numbers
first, in the transaction whose answers it means to save: one short read instead of many, and never
an old answer. Accounts and devices take no numbers: of them nothing may be kept here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

MOST_WEIGHT = 200_000
"""Of all answers together, in rows that they were made of: some fifty megabytes."""


class At(NamedTuple):
    """Where an organisation's numbers stood in the transaction that asks."""

    epoch: str
    last_seq: int


class _Kept(NamedTuple):
    at: At
    answer: Any
    weight: int


def _not_carried(_answer: object, _since: int) -> None:
    """An answer of an earlier number is read anew."""


class Remembered:
    """Answers by organisation and question, the least asked for leaving first. For many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, object], _Kept] = OrderedDict()
        self._weight = 0

    def answer(
        self,
        org_id: str,
        at: At,
        question: object,
        read: Callable[[], T],
        *,
        holds: Callable[[T], bool] = lambda _: True,
        carry: Callable[[T, int], T | None] = _not_carried,
        weigh: Callable[[T], int] = lambda _: 1,
    ) -> T:
        """What `read` gave for `question` when the organisation stood where it stands now, or what
        `carry` makes of an answer from before (given the number of that time; None: it can't), if
        `holds` says that it holds still; otherwise what `read` gives now. `weigh` tells of how
        many rows an answer is made."""
        key = (org_id, question)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
        found: T | None = None
        if kept is not None and kept.at.epoch == at.epoch and holds(kept.answer):
            if kept.at.last_seq == at.last_seq:
                return kept.answer  # type: ignore[no-any-return]  # what `read` gave for it
            if kept.at.last_seq < at.last_seq:
                found = carry(kept.answer, kept.at.last_seq)
        answer = read() if found is None else found
        self._keep(key, _Kept(at, answer, max(1, weigh(answer))))
        return answer

    def _keep(self, key: tuple[str, object], kept: _Kept) -> None:
        with self._lock:
            before = self._kept.pop(key, None)
            if before is not None:
                self._weight -= before.weight
                if before.at.epoch == kept.at.epoch and before.at.last_seq > kept.at.last_seq:
                    kept = before  # another thread's, of a later number
            self._kept[key] = kept
            self._weight += kept.weight
            while self._weight > MOST_WEIGHT and len(self._kept) > 1:
                self._weight -= self._kept.popitem(last=False)[1].weight
