"""A real server in a process of its own, on a free port, for tests that go through a socket.

    with live_server(tmp_path, prepare=found_company) as live:
        ...live.url...
        live.stop(); live.start()  # same port, same data: what a restart does to a phone

`prepare` is called once with the server's parts (`sync_server.bootstrap.Server`) over the migrated,
empty database, before the process starts. Rows and files may be looked at in `live.opened()` while
it runs.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync_server.bootstrap import Server
from sync_server.cli.terminal import opened
from sync_server.serving import READY
from sync_server.settings import Settings

ROOT = Path(__file__).parents[1]
PATIENCE = 60  # seconds; a loaded machine may take long to start a process


@dataclass
class LiveServer:
    """A server process. `settings` are those it runs with."""

    settings: Settings
    log: Path
    url: str = ""
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None, "start it first"
        return self._process.pid

    def start(self) -> None:
        """Start the process and wait for its word that it is ready."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HUIFANG_")}
        for name, value in self.settings.model_dump(exclude_none=True).items():
            environment[f"HUIFANG_{name.upper()}"] = str(value)
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sync_server.cli", "serve"],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None  # asked for above
        said = self._process.stdout.readline()
        if not said.startswith(READY):
            self.stop()
            raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-4000:]}")
        self.url = said.removeprefix(READY).strip()

    def stop(self) -> None:
        """Ask it to finish, and make it. Harmless twice."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None

    def kill(self) -> None:
        """End it without a chance to finish, as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self.stop()

    @contextmanager
    def opened(self) -> Iterator[Server]:
        """The server's parts in this process, over the same database, keys and files."""
        with opened(self.settings) as server:
            yield server


@contextmanager
def live_server(
    folder: Path,
    *,
    prepare: Callable[[Server], None] | None = None,
    web: Path | None = None,
    **settings: Any,
) -> Iterator[LiveServer]:
    """A started server with its data under `folder`, stopped at the end. `web` is a built web
    app; `settings` are laid over cheap passwords and a port that was free a moment ago."""
    data = folder / "server"
    made = Settings(
        **{
            "data_dir": data,
            "web_dir": web,
            "port": _free_port(),
            "password_memory_kib": 64,
            "password_iterations": 1,
            "log_level": "warning",
            **settings,
        }
    )
    with opened(made) as server:
        if prepare is not None:
            prepare(server)
    live = LiveServer(made, folder / "server.log")
    live.start()
    try:
        yield live
    finally:
        live.stop()


def _free_port() -> int:
    """Fixed before the start, so that a restarted server is found at the same address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
