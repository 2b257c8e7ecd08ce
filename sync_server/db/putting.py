"""Many rows into one table: the driver's own `executemany`, with SQLAlchemy's types and without
its work per row.

A push writes four rows a change; building an expression and a set of parameters for each took
longer than SQLite took to store them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Table
from sqlalchemy.engine import Dialect

from sync_server.db.sealing import Sealed, sealer

Binding = Callable[[Any], Any]
Row = Mapping[str, Any]

Bindings = Mapping[str, Callable[[], Binding]]
_BINDINGS: WeakKeyDictionary[Dialect, dict[Table, Bindings]] = WeakKeyDictionary()


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts `rows`, column values by name. What a row leaves out is null."""
    _insert(connection, table, rows, "")


def upsert_rows(
    connection: Connection, table: Table, rows: Sequence[Row], settings: Mapping[str, str]
) -> None:
    """Inserts `rows`; where one stands under the same primary key, sets each column of `settings`
    to its SQL, in which ``excluded`` is the new row."""
    key = ", ".join(column.name for column in table.primary_key)
    changes = ", ".join(f"{name} = {value}" for name, value in settings.items())
    _insert(connection, table, rows, f" ON CONFLICT ({key}) DO UPDATE SET {changes}")


def replace_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts `rows`, in place of what stands under the same primary key."""
    key = {column.name for column in table.primary_key}
    names = [column.name for column in table.columns if column.name not in key]
    upsert_rows(connection, table, rows, {name: f"excluded.{name}" for name in names})


def update_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Sets all columns of the rows with these primary keys; what a row leaves out becomes null."""
    if not rows:
        return
    key = [column.name for column in table.primary_key]
    names = [column.name for column in table.columns if column.name not in key]
    mark, quote = _mark(connection), connection.dialect.identifier_preparer.quote
    changes = ", ".join(f"{quote(name)} = {mark}" for name in names)
    where = " AND ".join(f"{quote(name)} = {mark}" for name in key)
    _execute(
        connection,
        table,
        f"UPDATE {table.name} SET {changes} WHERE {where}",
        [*names, *key],
        rows,
    )


def _insert(connection: Connection, table: Table, rows: Sequence[Row], ending: str) -> None:
    if not rows:
        return
    used = _used(rows)
    names = [column.name for column in table.columns if column.name in used]
    columns = ", ".join(map(connection.dialect.identifier_preparer.quote, names))
    marks = ", ".join([_mark(connection)] * len(names))
    statement = f"INSERT INTO {table.name} ({columns}) VALUES ({marks}){ending}"
    _execute(connection, table, statement, names, rows)


def _used(rows: Iterable[Row]) -> Collection[str]:
    used: set[str] = set()
    for row in rows:
        used |= row.keys()
    return used


def _execute(
    connection: Connection, table: Table, statement: str, names: Sequence[str], rows: Sequence[Row]
) -> None:
    bindings = _bindings(connection.dialect, table)
    bound = [(place, bindings[name]()) for place, name in enumerate(names) if name in bindings]
    values: list[Any] = []
    for row in rows:
        line = list(map(row.get, names))
        for place, binding in bound:
            if line[place] is not None:
                line[place] = binding(line[place])
        values.append(tuple(line))
    connection.exec_driver_sql(statement, values)


def _bindings(dialect: Dialect, table: Table) -> Bindings:
    """What makes the bindings of those columns whose values are not stored as they are; anew for
    each batch, as sealing remembers the last value."""
    tables = _BINDINGS.setdefault(dialect, {})
    found = tables.get(table)
    if found is None:
        made: dict[str, Callable[[], Binding]] = {}
        for column in table.columns:
            if isinstance(column.type, Sealed):
                made[column.name] = partial(sealer, dialect, column.type)
            elif binding := column.type.dialect_impl(dialect).bind_processor(dialect):
                made[column.name] = partial(_itself, binding)
        found = tables[table] = made
    return found


def _itself(binding: Binding) -> Binding:
    return binding


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.paramstyle == "qmark" else "%s"
