"""What tests of the command line begin with, and the real order book."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_server.cli import terminal
from sync_server.db.base import Database
from sync_server.settings import Settings
from tests.databases import RING
from tests.server import real_orders as order_book
from tests.server.phones import CHEAP_PASSWORDS, found_company


@pytest.fixture(scope="session")
def founded_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server's folder with its keys and a founded company: to be copied, not written to."""
    folder = tmp_path_factory.mktemp("founded")
    with terminal.opened(Settings(data_dir=folder, **CHEAP_PASSWORDS)) as server:
        found_company(server)
    return folder


@pytest.fixture(scope="session")
def real_orders(
    full_data: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """Customers and invoices of the real order book (`order_book.ORG`), for tests marked
    `full_data`, which only read."""
    path = tmp_path_factory.mktemp("orders") / "orders.sqlite3"
    made = order_book.load(full_data, sqlite_template, path, RING)
    yield made
    made.close()
