"""Commits and who hears of them: one durable transaction, then word to the screens of what it
touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import apsw

from mobile.store.outbox import Touched
from mobile.store.vault import refusals, transaction

Listener = Callable[[frozenset[Touched]], None]

LOG_PAGES = 4000
"""Of the write-ahead log, 16 MB: a first sync fits, and is not written twice while it runs."""
TIDY_PAGES = 500
"""From here on the log is brought into the database when there is time."""


class Commits:
    """The transactions of one open vault."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._listeners: list[Listener] = []
        self._log_pages = 0
        db.set_wal_hook(self._grown)

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[set[Touched]]:
        """All or nothing, on disk when it ends unless `durable` is False (`vault.transaction`):
        for what costs nothing to lose. The body adds to the yielded set what it changes; listeners
        are told after the commit, and of nothing when it was undone. Does not nest."""
        touched: set[Touched] = set()
        with transaction(self._db, durable=durable):
            yield touched
        told = frozenset(touched)
        for listener in tuple(self._listeners):
            listener(told)

    def announce(self, *touched: Touched) -> None:
        """Word to the screens of what changed without a commit: time has passed."""
        for listener in tuple(self._listeners):
            listener(frozenset(touched))

    def tidy(self) -> None:
        """Bring a log that has grown into the database. Called while a reply is on its way, so
        that neither a commit nor the next start has to wait for it."""
        if self._log_pages >= TIDY_PAGES:
            with refusals():
                self._db.wal_checkpoint()
            self._log_pages = 0

    def _grown(self, db: apsw.Connection, name: str, pages: int) -> int:
        """SQLite says after each commit how long the log is. In place of its own rule, which is to
        bring it in from 1,000 pages on, within the commit."""
        self._log_pages = pages
        if pages >= LOG_PAGES:
            db.wal_checkpoint(name)
            self._log_pages = 0
        return apsw.SQLITE_OK

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """`listener` hears of every commit from now on, until the returned function is called."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe
