"""The real order book in a database of its own: customers and invoices, without their lines."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.ids import derived_id
from sync_server.db.base import Database
from sync_server.db.sealing import KeyRing
from sync_server.importing.assemble import Assembly
from sync_server.importing.retail import read_retail
from sync_server.importing.source import ImportReport
from sync_server.services.writing import Unit, bulk, write

ORG = derived_id("the real order book")
NOW = datetime(2011, 12, 10, tzinfo=UTC)


def load(folder: Path, template: Path, path: Path, ring: KeyRing) -> Database:
    """Imports into a copy of the migrated template at `path`."""
    shutil.copy(template, path)
    db = Database(f"sqlite:///{path}", ring, durable=False)
    source = folder / "online_retail.csv.gz"
    retail = read_retail(source, ImportReport(), lambda _what, _fraction: None)
    assembly = Assembly(ORG)

    def rows() -> Iterator[tuple[str, dict[str, Any]]]:
        company = {"id": ORG, "name": "UCI", "timezone": "Europe/London", "currency": "GBP"}
        yield "organisation", company
        yield from (row for row in assembly.customers(retail, {}) if row[0] == "customer")
        yield from (row for row in assembly.orders(retail) if row[0] == "order")

    def work(unit: Unit) -> None:
        for _ in bulk(unit, rows()):
            pass

    write(db, ORG, NOW, work)
    return db


__all__ = ["NOW", "ORG", "load"]
