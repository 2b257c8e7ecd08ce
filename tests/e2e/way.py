"""The way between one browser and the server, as a proxy of its own: every request of page, worker
and service worker passes here, is kept with its reply, and can be made to fail.

    with Way(live.url) as way, Browser.open(…, leads_to=way.address) as browser:
        browser.visit(way.url)
        with way.answering("/v1/sync/pull", 500):
            ...
        assert way.heard  # every reply as it came, unpacked
        assert way.breaches.empty()  # of the content security policy, as the browser told of them

Faults happen at the socket, so that the app meets what a phone on the road meets.
"""

from __future__ import annotations

import gzip
import http.client
import queue
import select
import socket
import struct
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import zstandard

from tests.browser.harness import ORIGIN

# The browser itself tells of whatever the policy forbade, in pages, workers and service worker.
REPORTS = "/told-by-the-browser"
_POLICY = "content-security-policy"
_BETWEEN_NEIGHBOURS = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(frozen=True, slots=True)
class Heard:
    """One reply on its way to the browser. `body` is unpacked, `sent` what the browser sent."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: bytes = field(repr=False)


@dataclass
class Fault:
    """What happens to requests whose path begins with `path`: an answer in the server's place
    (`status`), or a reply that breaks off after `share` of its bytes. The first `spared` of them
    pass; `met` counts the others."""

    path: str
    status: int = 0
    share: float | None = None
    spared: int = 0
    met: int = 0


class Way:
    """Open it with `with`. `url` is the server as a browser knows it that has `address` for it."""

    url = ORIGIN

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server).netloc
        self.heard: list[Heard] = []
        self.faults: list[Fault] = []
        self.breaches: queue.Queue[str] = queue.Queue()
        self._proxy = _Proxy(("127.0.0.1", 0), lambda *a: _Passing(self, *a))
        self.address = f"127.0.0.1:{self._proxy.server_address[1]}"

    def __enter__(self) -> Way:
        threading.Thread(target=self._proxy.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._proxy.shutdown()
        self._proxy.server_close()

    @contextmanager
    def answering(self, path: str, status: int) -> Iterator[Fault]:
        """The server's place is taken for these requests: they get `status` and nothing more."""
        with self._befalling(Fault(path, status=status)) as fault:
            yield fault

    @contextmanager
    def cutting(self, path: str, share: float, *, spared: int = 0) -> Iterator[Fault]:
        """Replies break off after `share` of their bytes; 0 closes without a word."""
        with self._befalling(Fault(path, share=share, spared=spared)) as fault:
            yield fault

    @contextmanager
    def _befalling(self, fault: Fault) -> Iterator[Fault]:
        self.faults.append(fault)
        try:
            yield fault
        finally:
            self.faults.remove(fault)

    def said(self, path: str) -> list[Heard]:
        """Replies to requests whose path begins with `path`."""
        return [one for one in self.heard if one.path.startswith(path)]

    def fault_for(self, path: str) -> Fault | None:
        for fault in self.faults:
            if path.startswith(fault.path):
                if fault.spared:
                    fault.spared -= 1
                    return None
                fault.met += 1
                return fault
        return None

    @contextmanager
    def asked(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Iterator[http.client.HTTPResponse]:
        """The server's own answer. Raises OSError when nobody is there."""
        link = http.client.HTTPConnection(self._server, timeout=60)
        try:
            link.request(method, path, body, dict(headers))
            yield link.getresponse()
        finally:
            link.close()


def _plain(headers: Mapping[str, str], body: bytes) -> bytes:
    packed = headers.get("content-encoding")
    if packed == "gzip":
        return gzip.decompress(body)
    if packed == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return body


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that leaves before it has everything is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, way: Way, *args: Any) -> None:
        self._way = way
        super().__init__(*args)

    def _pass(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == REPORTS:
            self._way.breaches.put(sent.decode())
            self._reply(204, [], b"")
            return
        fault = self._way.fault_for(self.path)
        if fault is not None and fault.status:
            self._reply(fault.status, [("Content-Type", "text/plain")], b"")
            return
        asked = {k: v for k, v in self.headers.items() if k.lower() not in _BETWEEN_NEIGHBOURS}
        try:
            with self._way.asked(self.command, self.path, asked, sent) as reply:
                status, headers = reply.status, reply.getheaders()
                named = {name.lower(): value for name, value in headers}
                if named.get("content-type", "").startswith("text/event-stream"):
                    self._stream(reply, named, sent)
                    return
                body = reply.read()
        except (OSError, http.client.HTTPException):
            self._break_off()
            return
        heard = Heard(self.command, self.path, status, named, _plain(named, body), sent)
        if fault is not None and fault.share is not None:
            self._reply(status, headers, body, sending=int(len(body) * fault.share))
            return
        self._way.heard.append(heard)
        self._reply(status, headers, body)

    do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = do_OPTIONS = _pass

    def _stream(
        self, reply: http.client.HTTPResponse, headers: Mapping[str, str], sent: bytes
    ) -> None:
        """Hints pass as they come, each kept as a reply of its own."""
        self.send_response_only(reply.status)
        self.send_header("Content-Type", headers["content-type"])
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while (piece := reply.read1()) and not self._left():
            heard = Heard(self.command, self.path, reply.status, headers, piece, sent)
            self._way.heard.append(heard)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _left(self) -> bool:
        """Whether the browser closed the connection: it says nothing more on one that streams."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable)

    def _reply(
        self, status: int, headers: list[tuple[str, str]], body: bytes, sending: int | None = None
    ) -> None:
        if sending == 0:
            self._break_off()
            return
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() == _POLICY:
                value = f"{value}; report-uri {REPORTS}"
            if name.lower() not in _BETWEEN_NEIGHBOURS:
                self.send_header(name, value)
        if self.command == "HEAD":
            length = dict(headers).get("content-length", "0")
            self.send_header("Content-Length", length)
        elif status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:sending])
        if sending is not None:
            self.wfile.flush()
            self._break_off()

    def _break_off(self) -> None:
        """Ends the connection as a lost network does: with a reset, not with a goodbye."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: `Way.heard` says what passed."""
