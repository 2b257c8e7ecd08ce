"""SQLite's write-ahead log brought into the database beside the writing, not within a commit.

By itself SQLite does it every thousand pages in the commit that happens to be next: a phone that
hands in a day's work would wait for it twice. A commit is on disk before any of this.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing

LARGE = 4 * 1024 * 1024
"""Bytes of log after which it is brought in: SQLite's own measure."""


class Checkpoints:
    """Of one database file. One at a time; writers and readers go on meanwhile."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._running = threading.Lock()

    def committed(self) -> None:
        """To be called after each commit: starts one where the log has become large."""
        try:
            size = os.stat(f"{self._path}-wal").st_size
        except FileNotFoundError:
            return
        if size > LARGE and self._running.acquire(blocking=False):
            try:
                threading.Thread(target=self._run, name="checkpoint", daemon=True).start()
            except BaseException:
                self._running.release()
                raise

    def finish(self) -> None:
        """Returns when none is running."""
        with self._running:
            pass

    def _run(self) -> None:
        try:
            with closing(sqlite3.connect(self._path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error:
            pass  # a database that is busy or going away: the next commit asks again
        finally:
            self._running.release()
