"""What commands share: a console, the server's parts, and how a refusal looks on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from shared.errors import Code, Refusal
from sync_server.bootstrap import Server, build
from sync_server.db.migrate import upgrade
from sync_server.services.backups import all_restored, cut_short, restored
from sync_server.services.doctor import keys_fit
from sync_server.services.erasing import erase_again
from sync_server.services.poke_between import tell_servers
from sync_server.settings import SQLITE_FILE, Settings

out = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def settings_with(**given: Any) -> Settings:
    """The settings of the environment with a command's options laid over; None leaves one as it
    is."""
    return Settings(**{name: value for name, value in given.items() if value is not None})


@contextmanager
def opened(settings: Settings) -> Iterator[Server]:
    """The server's parts over a migrated database. Refuses FILE_UNREADABLE rather than start
    with new keys beside data that other keys sealed."""
    fresh = not settings.keys_path.exists()
    if fresh and settings.database is None and _has_data(settings.data_dir / SQLITE_FILE):
        raise _keys_missing(settings)
    server = build(settings)
    tell_servers(server.database)
    try:
        with server.database.read() as connection:
            if not keys_fit(connection):  # an upgrade would seal with them
                raise _keys_missing(settings)
        upgrade(server.database.engine)
        if settings.database is None:
            _finish_restore(server, settings.data_dir / SQLITE_FILE)
        yield server
    finally:
        server.close()


def begin_anew(server: Server, folder: Path | None) -> None:
    """What belongs to every restore, before any phone comes: a new epoch, and whoever was erased
    since is erased again, by the ledger in the backups' `folder`. Safe to repeat."""
    now = server.clock.now()
    count = restored(server.database, now)
    out.print(f"A new epoch for {count} organisation(s): phones fetch everything anew.")
    if folder is None:
        out.print("Nobody was erased again: name the folder of the backups, if there is one.")
    elif again := erase_again(server.database, server.files.store, folder, now):
        out.print(f"Erased {again} customer(s) again, who were erased after this backup.")


def complain(refusal: Refusal) -> None:
    """A refusal, with its code and what to do, on standard error."""
    advice = refusal.code.value
    told = ", ".join(f"{name}: {value}" for name, value in refusal.details.items())
    errors.print(f"[red]{refusal.code.key}[/red]: {advice.meaning}", soft_wrap=True)
    if told:
        errors.print(f"  {told}", markup=False, soft_wrap=True)
    errors.print(f"  {advice.remedy}", markup=False, soft_wrap=True)


def table(*columns: str) -> Table:
    """A plain table."""
    made = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def plain(*values: object) -> list[Text]:
    """Cells that show their text and nothing else: names come from outside, and may hold markup."""
    return [Text(str(value)) for value in values]


class Bar:
    """A progress bar whose steps come by name with the share done, 0 to 1."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=errors,
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        if kind is None:  # shares are estimates; done is done
            for task in self._tasks.values():
                self._progress.update(task, completed=1.0)
        self._progress.stop()

    def __call__(self, step: str, share: float) -> None:
        if step not in self._tasks:
            self._tasks[step] = self._progress.add_task(step, total=1.0)
        self._progress.update(self._tasks[step], completed=share)


def _finish_restore(server: Server, database: Path) -> None:
    """Does the rest of a restore, also of one that was cut short before."""
    if (folder := cut_short(database)) is not None:
        begin_anew(server, folder)
        all_restored(database)


def _has_data(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _keys_missing(settings: Settings) -> Refusal:
    return Refusal(
        Code.FILE_UNREADABLE,
        file=str(settings.keys_path),
        wanted="the keys that belong to this database",
    )
