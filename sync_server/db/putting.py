"""Many rows into one table: the driver's own `executemany`, with SQLAlchemy's types and without
its work per row.

A push writes four rows a change; building an expression and a set of parameters for each took
longer than SQLite took to store them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Table
from sqlalchemy.engine import Dialect

from sync_server.db.sealing import Sealed, sealer

Binding = Callable[[Any], Any]
Row = Mapping[str, Any]
Line = tuple[Any, ...]

Bindings = Mapping[str, Callable[[], Binding]]
_BINDINGS: WeakKeyDictionary[Dialect, dict[Table, Bindings]] = WeakKeyDictionary()


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts `rows`, column values by name. What a row leaves out is null."""
    names = _used(table, rows)
    insert_lines(connection, table, names, _lines(names, rows))


def insert_lines(
    connection: Connection, table: Table, names: Sequence[str], lines: Sequence[Line]
) -> None:
    """`insert_rows` of values in the order of `names`."""
    _insert(connection, table, names, lines, "")


def upsert_rows(
    connection: Connection, table: Table, rows: Sequence[Row], settings: Mapping[str, str]
) -> None:
    """Inserts `rows`; where one stands under the same primary key, sets each column of `settings`
    to its SQL, in which ``excluded`` is the new row."""
    names = _used(table, rows)
    upsert_lines(connection, table, names, _lines(names, rows), settings)


def upsert_lines(
    connection: Connection,
    table: Table,
    names: Sequence[str],
    lines: Sequence[Line],
    settings: Mapping[str, str],
) -> None:
    """`upsert_rows` of values in the order of `names`."""
    key = ", ".join(column.name for column in table.primary_key)
    changes = ", ".join(f"{name} = {value}" for name, value in settings.items())
    _insert(connection, table, names, lines, f" ON CONFLICT ({key}) DO UPDATE SET {changes}")


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
    names += key
    connection.exec_driver_sql(
        f"UPDATE {table.name} SET {changes} WHERE {where}",
        _bound(connection, table, names, _lines(names, rows)),
    )


def _insert(
    connection: Connection, table: Table, names: Sequence[str], lines: Sequence[Line], ending: str
) -> None:
    if not lines:
        return
    columns = ", ".join(map(connection.dialect.identifier_preparer.quote, names))
    marks = ", ".join([_mark(connection)] * len(names))
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({columns}) VALUES ({marks}){ending}",
        _bound(connection, table, names, lines),
    )


def _used(table: Table, rows: Sequence[Row]) -> list[str]:
    used: set[str] = set().union(*rows)
    return [column.name for column in table.columns if column.name in used]


def _lines(names: Sequence[str], rows: Sequence[Row]) -> list[Line]:
    return [tuple(map(row.get, names)) for row in rows]


def _bound(
    connection: Connection, table: Table, names: Sequence[str], lines: Sequence[Line]
) -> list[Line]:
    """The lines as the driver takes them; column by column, as most columns are left alone."""
    bindings = _bindings(connection.dialect, table)
    columns: list[Sequence[Any]] = list(zip(*lines, strict=True))
    for place, name in enumerate(names):
        if name in bindings:
            bind = bindings[name]()
            columns[place] = [None if v is None else bind(v) for v in columns[place]]
    return list(zip(*columns, strict=True))


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
