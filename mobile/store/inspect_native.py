"""What lies in a native installation's vault, for whoever supports it: `python -m
mobile.store.inspect_native`.

Asks for the PIN, opens the vault as the app would, and says how much is in it and whether it is
sound: counts, sizes, ages and codes, and nothing of any customer. The app must be closed: a vault
is open in one place only.
"""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import sqlite_utils

from mobile.keys.native import native_keys
from mobile.store.files import DirectoryFiles
from mobile.store.unlocking import unlock_vault
from mobile.store.vault import close_vault, faults
from shared.errors import Refusal

_WAITING = """
    SELECT entity, coalesce(verdict, 'unsent') AS verdict, coalesce(code, held_by, '') AS code,
           count(*) AS changes, min(made_at) AS oldest
    FROM outbox WHERE dismissed = 0 GROUP BY 1, 2, 3 ORDER BY 5
"""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table: its rows and its indexes by their columns."""

    name: str
    rows: int
    columns: int
    indexes: tuple[str, ...]


class _Rows:
    """The part of a DB-API cursor that reading sqlite-utils asks for."""

    rowcount = -1

    def __init__(self, rows: list[tuple[Any, ...]], names: Sequence[str]) -> None:
        self._rows = rows
        self.description = [(name, *(None,) * 6) for name in names] or None

    def fetchall(self) -> list[tuple[Any, ...]]:
        taken, self._rows = self._rows, []
        return taken

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetchall())


class _Readable:
    """The face that sqlite-utils needs of a connection, over the vault's own driver. Reads only."""

    isolation_level = None
    autocommit = -1
    in_transaction = False

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> _Rows:
        names: list[str] = []

        def describe(cursor: apsw.Cursor, _sql: str, _bindings: Any) -> bool:
            names.extend(name for name, _type in cursor.get_description())
            return True

        cursor = self._connection.cursor()
        cursor.exec_trace = describe
        return _Rows(list(cursor.execute(sql, parameters or None)), names)


def tables(connection: apsw.Connection) -> list[TableFacts]:
    """Every table of an open vault, the fullest first."""
    database: Any = sqlite_utils.Database(_Readable(connection))  # type: ignore[arg-type]  # a face of one
    found = [
        TableFacts(
            table.name,
            table.count,
            len(table.columns),
            tuple(sorted("+".join(index.columns) for index in table.indexes)),
        )
        for table in database.tables
        if not table.name.startswith("sqlite_")
    ]
    return sorted(found, key=lambda facts: -facts.rows)


def waiting(connection: apsw.Connection) -> list[dict[str, Any]]:
    """What waits, grouped: entity, verdict, code, number of changes, when the oldest was made."""
    database: Any = sqlite_utils.Database(_Readable(connection))  # type: ignore[arg-type]  # a face of one
    return list(database.query(_WAITING))


async def _look(folder: Path) -> int:
    keys, files = native_keys(folder / "keys"), DirectoryFiles(folder / "vaults")
    profiles = await keys.profiles()
    if not profiles:
        sys.stdout.write("There is no vault here.\n")
        return 1
    for profile in profiles:
        secret = getpass.getpass(f"PIN or passphrase of vault {profile.vault[:8]}: ")
        connection = await unlock_vault(files, keys, profile.vault, secret)
        try:
            for facts in tables(connection):
                sys.stdout.write(f"{facts.name:<14}{facts.rows:>9}  {', '.join(facts.indexes)}\n")
            for row in waiting(connection):
                sys.stdout.write("waits: " + " ".join(map(str, row.values())) + "\n")
            broken = faults(connection)
            sys.stdout.write("\n".join(broken or ["sound"]) + "\n")
        finally:
            close_vault(connection)
            await files.release(profile.vault)
    return 0


def main(folder: Path) -> int:
    """Looks into every vault of the installation at `folder`; 0 if that went well."""
    try:
        return asyncio.run(_look(folder))
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n{refusal.code.value.remedy}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
