"""Running the application: one process, one socket, and a word when it is ready."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI

from shared.errors import Code, Refusal
from sync_server.connections import Patience, protocol
from sync_server.services.open_files import NEEDED, allow_files
from sync_server.services.poke import Hub
from sync_server.settings import Settings

log = structlog.get_logger("huifang.serving")

READY = "Huifang is ready at "
_SECONDS_TO_FINISH = 3  # after a stop was asked for
_BACKLOG = 2048  # phones that come back together


class _Announced(uvicorn.Server):
    """Tells when requests are taken; ends open streams before it stops."""

    def __init__(self, app: FastAPI, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Streams would go on for minutes: each is told when to come back, and ends.
        hub: Hub = self._app.state.hub
        hub.close()
        await super().shutdown(sockets)


def serve(app: FastAPI, settings: Settings, ready: Callable[[str], None]) -> None:
    """Answer requests until a signal to stop. `ready` is told the address once they are taken.

    Refuses FILE_UNREADABLE where half of a TLS pair is missing, and SERVER_BUSY for a port that is
    taken.
    """
    if (files := allow_files()) < NEEDED:
        log.warning("few_open_files", allowed=files, wanted=NEEDED)
    tls = _tls(settings)
    listening = _listen(settings)
    config = uvicorn.Config(
        app,
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=str(tls[1]) if tls else None,
        log_config=None,  # the application logs its own requests, without their queries
        access_log=False,
        server_header=False,
        http=protocol(
            Patience(
                settings.head_seconds,
                settings.silence_seconds,
                settings.max_head_bytes,
                settings.connections_per_address,
            )
        ),
        ws="none",  # nothing here speaks it
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )
    # What is loaded stays for the life of the process: looking through all of it for garbage would
    # stop every request for a tenth of a second, again and again.
    gc.collect()
    gc.freeze()
    with listening:
        address = address_of(listening, secure=tls is not None)
        _Announced(app, config, lambda: ready(address)).run(sockets=[listening])


def address_of(listening: socket.socket, *, secure: bool) -> str:
    """The address that a socket is reached at from this machine."""
    host, port = listening.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:
        host = "127.0.0.1"
    return f"{'https' if secure else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as fault:
        raise Refusal(
            Code.SERVER_BUSY, host=settings.host, port=settings.port, reason="address not free"
        ) from fault


def _tls(settings: Settings) -> tuple[Path, Path] | None:
    certificate, key = settings.tls_cert, settings.tls_key
    if certificate is None and key is None:
        return None
    for path in (certificate, key):
        if path is None or not path.is_file():
            raise Refusal(
                Code.FILE_UNREADABLE, file=str(path or ""), wanted="--tls-cert and --tls-key"
            )
    assert certificate is not None and key is not None  # both are files
    return certificate, key
