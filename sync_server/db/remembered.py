"""What was read at one number of an organisation, kept for as long as that number stands.

Every write to an organisation's records takes a number in its transaction (design §5, Feed). So
what a transaction read of them holds for any later transaction that finds the same epoch and the
same last number, in whichever process it was written. Whoever asks reads the two first, in the
transaction whose answers it means to save: one short read instead of many, and never an old
answer. Accounts and devices take no numbers: of them nothing may be kept here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

MOST_ORGANISATIONS = 200
MOST_ANSWERS = 2_000
"""Of one organisation: some of a hundred kilobytes, most of a few."""


class Remembered:
    """Answers by organisation. For many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[object, OrderedDict[object, Any]]] = OrderedDict()

    def answer(
        self,
        org_id: str,
        at: object,
        question: object,
        read: Callable[[], T],
        holds: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """What `read` gave for `question` when `at` was as it is now, if `holds` says that it holds
        still; otherwise what it gives now. `at` is the organisation's epoch and last number as the
        reading transaction sees them."""
        with self._lock:
            kept = self._answers(org_id, at)
            found = kept.get(question)
            if found is not None:
                kept.move_to_end(question)
        if found is not None and holds(found):
            answer: T = found
            return answer
        answer = read()
        with self._lock:
            kept = self._answers(org_id, at)
            kept[question] = answer
            if len(kept) > MOST_ANSWERS:
                kept.popitem(last=False)
        return answer

    def _answers(self, org_id: str, at: object) -> OrderedDict[object, Any]:
        kept = self._kept.get(org_id)
        if kept is None or kept[0] != at:
            kept = self._kept[org_id] = (at, OrderedDict())
            if len(self._kept) > MOST_ORGANISATIONS:
                self._kept.popitem(last=False)
        return kept[1]
