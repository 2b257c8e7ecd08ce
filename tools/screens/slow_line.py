"""A line to the server that can be made as slow as one in the country, so that waiting can be
pictured."""

from __future__ import annotations

import socket
import threading
from types import TracebackType

_PIECE = 4096


class SlowLine:
    """Passes bytes to a port of this machine. `rate` is bytes per second towards the browser; None
    is as fast as they come. Used with `with`; `url` is the server as the browser knows it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._changed = threading.Condition()
        self._rate: float | None = None
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> SlowLine:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.rate = None
        self._listening.close()

    @property
    def rate(self) -> float | None:
        return self._rate

    @rate.setter
    def rate(self, value: float | None) -> None:
        with self._changed:
            self._rate = value
            self._changed.notify_all()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                return  # the line is closed, or the server gone
            for source, target, slow in ((near, far, False), (far, near, True)):
                work = threading.Thread(target=self._pass, args=(source, target, slow), daemon=True)
                work.start()

    def _pass(self, source: socket.socket, target: socket.socket, slow: bool) -> None:
        try:
            while piece := source.recv(_PIECE):
                if slow:
                    self._hold(len(piece))
                target.sendall(piece)
        except OSError:
            pass  # one side has gone: so does the other
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def _hold(self, count: int) -> None:
        with self._changed:
            rate = self._rate
            if rate is not None:
                self._changed.wait_for(lambda: self._rate != rate, timeout=count / rate)
