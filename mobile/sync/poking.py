"""Hints from the server that something changed: what the stream says, and when to open it again.

Nothing here does I/O. The bytes come from a `Stream` (`poking_native`, `poking_browser`); a device
that never hears a hint loses nothing but time (design §5).
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from shared.errors import Code, Refusal

if TYPE_CHECKING:
    from mobile.sync.transport import Response

PATH = "/v1/sync/poke"
SILENCE = 60.0
"""Seconds after which a stream is given up: the server says something every 25."""
FIRST_BACK = 3.0
LONGEST_BACK = 300.0
_LONGEST_LINE = 10_000


@dataclass(frozen=True, slots=True)
class Hint:
    """Something changed. `seq`: the number of the newest row for this device, None where it
    should pull whatever its cursor; `spread`: seconds within which to react, at random."""

    seq: int | None
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class ComeBack:
    """How many seconds to wait before the stream is opened again, should it end."""

    seconds: float


Said = Hint | ComeBack
Heard = Callable[[Said], None]
Listen = Callable[[Heard], Awaitable[None]]


class Stream(Protocol):
    """One long reply, told piece by piece; `Fetch` for what does not end soon.

    Returns when the server ends it, with an empty body if its status is below 300, else with the
    error's. Refuses `offline` where no reply came, `cut_short` where it broke off or was silent for
    `SILENCE`. Cancelling it ends the connection.
    """

    async def __call__(
        self, url: str, headers: Mapping[str, str], received: Callable[[bytes], None]
    ) -> Response: ...


class Events:
    """Server-sent events out of bytes, however they are cut. Whatever it does not know it passes
    over: a new server may say more."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._rest = b""
        self._name = self._data = ""

    def feed(self, piece: bytes) -> None:
        """A piece of the stream. Refuses `cut_short` for what is no event stream."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            raise Refusal(Code.CUT_SHORT, where="events")
        for line in lines:
            self._line(line.rstrip(b"\r").decode("utf-8", "replace"))

    def _line(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if self._name == "changed" and (hint := _hint(self._data)) is not None:
                self._heard(hint)
            self._name = self._data = ""
        elif name == "event":
            self._name = value
        elif name == "data":
            self._data += value
        elif name == "retry" and value.isdecimal():
            self._heard(ComeBack(int(value) / 1000))


def _hint(data: str) -> Hint | None:
    try:
        said = json.loads(data)
        seq, spread = said["seq"], float(said.get("spread_ms", 0)) / 1000
        return Hint(None if seq is None else int(seq), max(0.0, spread))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


@dataclass(slots=True)
class Patience:
    """When to open the stream again. All moments are monotonic seconds of one clock; the first
    time is now.

    The server says, to each phone by chance, how soon to come back: the more listen, the longer. A
    stream that can't be opened is tried after times that double, again by chance, so that a
    server which starts anew does not meet all its phones at once.
    """

    chance: random.Random = field(default_factory=random.Random)
    _said: float | None = None
    _failures: int = 0
    _due: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the stream may be opened."""
        return max(0.0, self._due - now)

    def heard(self, said: Said) -> None:
        """The server speaks: the line is good."""
        self._failures = 0
        if isinstance(said, ComeBack):
            self._said = min(said.seconds, LONGEST_BACK)

    def lost(self, now: float, retry_after: float | None = None) -> None:
        """The stream ended or could not be opened; never again before `retry_after`."""
        if self._said is not None and not self._failures:
            wait = self._said
        else:
            first = max(self._said or 0.0, FIRST_BACK)
            most = min(LONGEST_BACK, first * 2.0 ** min(self._failures, 16))
            wait = self.chance.uniform(most / 2, most)
        self._failures += 1
        self._due = now + max(wait, retry_after or 0.0)

    def anew(self, now: float) -> None:
        """The network came back, or the app to the front: what was lost before says nothing."""
        self._failures, self._due = 0, now
