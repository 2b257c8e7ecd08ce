"""The server of the simulation: the real application over a database that is put back to where it
was for each seed, and that can be killed at a statement, filled up, backed up and restored."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from shared.ids import derived_id
from sync_server.app import create_app
from sync_server.bootstrap import Server, build
from sync_server.db.base import Database
from sync_server.db.migrate import upgrade
from sync_server.services import backups
from sync_server.services.server_keys import new_keys
from sync_server.services.writing import Unit, write
from sync_server.settings import Settings
from tests.databases import RING
from tests.server.phones import HandClock

T = TypeVar("T")
ADDRESS = "http://testserver"
ORG = derived_id("sim", "org")


class ServerKilled(BaseException):
    """The server's process is gone in the middle of a statement."""


@dataclass(slots=True)
class Trouble:
    """What happens to the server's statements: after `left` of them it is killed, or its disk is
    full."""

    kind: str
    left: int
    happened: bool = False


async def inline(function: Callable[..., T], *args: Any, **_limits: Any) -> T:
    """Stands in for anyio's worker threads: one thread, so that a seed is always the same run."""
    return function(*args)


@dataclass(slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Site:
    """One installation. `folder` holds its database and files; on PostgreSQL only files."""

    folder: Path
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / "huifang.sqlite3"
        self.files = self.folder / "files"
        self.backup_folder = self.folder / "backups"
        self.keys = new_keys()
        self.trouble: Trouble | None = None
        self._serving = False
        self._reader: sqlite3.Connection | None = None
        self.safe_up_to = 0  # the last number that a backup holds, whatever was restored since
        self._settings = Settings(
            data_dir=self.folder,
            files_dir=self.files,
            password_memory_kib=64,
            password_iterations=1,
        )
        self._database = self._made()
        self.listen()
        upgrade(self._database.engine)
        self.start()

    def _made(self) -> Database:
        return Database(f"sqlite:///{self.path}", RING, durable=False)

    def listen(self) -> None:
        event.listen(self._database.engine, "before_cursor_execute", self._statement)
        event.listen(self._database.engine, "commit", self._commit)

    def start(self) -> None:
        """The server's process begins: nothing that an earlier one kept in memory is left."""
        self._database.engine.dispose()
        # The engine is kept for its compiled statements; whatever else hangs on it is made anew.
        fresh = self._made()
        fresh.engine.dispose()
        fresh.engine = self._database.engine
        self._database = fresh
        self.server: Server = build(
            self._settings, clock=self.clock, keys=self.keys, database=fresh
        )
        self.app = create_app(self.server)

    @property
    def database(self) -> Database:
        return self._database

    def write(self, work: Callable[[Unit], T]) -> T:
        """Something happens in the office."""
        return write(self.database, ORG, self.clock.now(), work)

    def rows(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        """What the tables say, past the application: for the oracle, which asks after every
        reply. Times come in wire form."""
        if self._reader is None:
            self._reader = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        return self._reader.execute(sql, values).fetchall()

    def _close(self) -> None:
        self._database.engine.dispose()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    # ── one seed after another ────────────────────────────────────────────────────────────

    def save_template(self) -> None:
        """What every seed begins with."""
        with self.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self._close()
        shutil.copy(self.path, self.folder / "template")
        self.start()

    def reset(self) -> None:
        """Back to the template."""
        self.safe_up_to = 0
        self.trouble = None
        self._close()
        for folder in (self.files, self.backup_folder):
            shutil.rmtree(folder, ignore_errors=True)
        self._empty()
        self.clock.__init__()  # type: ignore[misc]  # the same clock, at its beginning
        self.start()

    def _empty(self) -> None:
        self._remove_database()
        shutil.copy(self.folder / "template", self.path)

    def _remove_database(self) -> None:
        for ending in ("", "-wal", "-shm"):
            Path(f"{self.path}{ending}").unlink(missing_ok=True)

    # ── backups ───────────────────────────────────────────────────────────────────────────

    def back_up(self) -> Path:
        made = backups.back_up(self.database, self.files, self.backup_folder, self.clock.now())
        self.safe_up_to = self.state()[2]
        return made.path

    def backups(self) -> list[Path]:
        return sorted(self.backup_folder.glob("huifang-*.sqlite3"))

    def restore(self, copy: Path) -> None:
        """The machine was lost: what the backup holds is put on another."""
        self._close()
        self._remove_database()
        shutil.rmtree(self.files, ignore_errors=True)
        backups.restore_sqlite(copy, self.path, self.files)
        self.start()
        backups.restored(self.database, self.clock.now())

    def state(self) -> tuple[str, int, int]:
        """Epoch, last number, how far the backup reaches."""
        epoch, last, backed_up_to = self.rows(
            "SELECT epoch, last_seq, backed_up_to FROM org_state"
        )[0]
        return epoch, last, backed_up_to

    # ── trouble ───────────────────────────────────────────────────────────────────────────

    def _statement(self, _c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        trouble = self.trouble
        if trouble is None or not self._serving:
            return
        trouble.left -= 1
        if trouble.left >= 0:
            return
        if trouble.kind == "killed":
            self._fire(trouble, ServerKilled())
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "BEGIN")):
            full = sqlite3.OperationalError("database or disk is full")
            self._fire(trouble, OperationalError(statement, {}, full))

    def _commit(self, _connection: Any) -> None:
        trouble = self.trouble
        if trouble is not None and self._serving and trouble.kind == "killed":
            trouble.left -= 1
            if trouble.left < 0:
                self._fire(trouble, ServerKilled())

    def _fire(self, trouble: Trouble, what: BaseException) -> None:
        trouble.happened = True
        self.trouble = None
        raise what

    # ── requests ──────────────────────────────────────────────────────────────────────────

    async def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        cut_at: int | None = None,
    ) -> Answer:
        """One request straight into the application. `cut_at`: the connection breaks after so
        many bytes of the body. Raises `ServerKilled`."""
        target = url.removeprefix(ADDRESS)
        path, _, query = target.partition("?")
        sent = [(k.lower().encode(), v.encode()) for k, v in headers.items()]
        sent += [(b"host", b"testserver"), (b"content-length", str(len(body)).encode())]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": sent,
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
            "state": {},
        }
        pieces: list[dict[str, Any]] = (
            [{"type": "http.request", "body": body, "more_body": False}]
            if cut_at is None
            else [
                {"type": "http.request", "body": body[:cut_at], "more_body": True},
                {"type": "http.disconnect"},
            ]
        )
        status, names, parts = 0, {}, []

        async def receive() -> dict[str, Any]:
            return pieces.pop(0) if pieces else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                names.update((k.decode().lower(), v.decode()) for k, v in message["headers"])
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        self._serving = True
        try:
            await self.app(scope, receive, send)
        finally:
            self._serving = False
        return Answer(status, names, b"".join(parts))
