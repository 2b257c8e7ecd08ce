"""A link that breaks: a TCP proxy that cuts its connections after seeded numbers of bytes."""

from __future__ import annotations

import random
import socket
import struct
import threading
from contextlib import suppress
from urllib.parse import urlsplit

_RESET = struct.pack("ii", 1, 0)
_PIECE = 16 * 1024


class CutLink:
    """Carries bytes between its own port and a server's, in threads; use it in a `with`.

    From `arm` on it counts what goes up, and breaks the connection that carries it each time a
    number of `cuts` drawn from the seed is reached: in the middle of whatever is said.
    """

    def __init__(self, url: str) -> None:
        there = urlsplit(url)
        self._there = (there.hostname or "", there.port or 80)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._turn = threading.Lock()
        self._points: list[int] = []
        self._up = 0
        self.broken = 0
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> CutLink:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._listening.close()

    def arm(self, seed: int, cuts: int, size: int) -> None:
        """Cut `cuts` times while `size` bytes go up."""
        drawn = random.Random(seed)
        self._points = sorted(self._up + drawn.randrange(1, size) for _ in range(cuts))
        self.broken = 0

    def _accept(self) -> None:
        with suppress(OSError):  # closed at the end
            while True:
                here, _ = self._listening.accept()
                there = socket.create_connection(self._there)
                for source, target, up in ((here, there, True), (there, here, False)):
                    threading.Thread(
                        target=self._carry, args=(source, target, up), daemon=True
                    ).start()

    def _carry(self, source: socket.socket, target: socket.socket, up: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                if up and (kept := self._until_the_cut(len(piece))) is not None:
                    target.sendall(piece[:kept])
                    source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    break
                target.sendall(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _until_the_cut(self, length: int) -> int | None:
        """How much of a piece passes before the link breaks; None where it does not."""
        with self._turn:
            before, self._up = self._up, self._up + length
            if not self._points or self._points[0] > self._up:
                return None
            point = self._points[0]
            while self._points and self._points[0] <= self._up:
                self._points.pop(0)
                self.broken += 1
            return max(0, point - before)
