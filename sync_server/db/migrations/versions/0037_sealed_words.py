"""What people typed beside the records and inside them, and monthly reports, are sealed.

A value is sealed where it stands, in a form that its old column takes; then the column gets its new
type, by which both databases write the table anew: no page keeps what stood there in plain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import ring_of

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_WORDS, _JSON, _BYTES = sa.Text(), sa.JSON(), sa.LargeBinary()
_PLAIN: dict[str, dict[str, sa.types.TypeEngine[Any]]] = {
    "asset_row": {"location": _WORDS, "package_terms": _WORDS},
    "assignment_row": {"reason": _WORDS},
    "callback_row": {"attempts": _JSON},
    "erasure": {"reason": _WORDS},
    "evaluation": {"note": _WORDS},
    "grant_row": {"reason": _WORDS},
    "inspection_row": {"checklist": _JSON},
    "record_move": {"reason": _WORDS},
    "report_row": {"checklist": _JSON},
    "service_plan": {"plan": _WORDS, "evaluation": _WORDS},
    "staff_grade": {"said": _JSON},
    "store_report": {"body": _BYTES},
    "training": {"title": _WORDS, "note": _WORDS},
    "visit_row": {"cancelled_because": _WORDS},
}
"""By table and column what stood there."""
_OPENED = {
    _WORDS: "decode({0}, 'hex')",
    _JSON: "decode({0} #>> '{{}}', 'hex')",
    _BYTES: "{0} || ''",
}
"""On PostgreSQL: the bytes of what `_stored` put there. The last changes nothing; without it the
table would not be written anew."""
_PART = 200


def upgrade() -> None:
    _check_keys(op.get_bind())
    for table, columns in _PLAIN.items():
        for name, kind in columns.items():
            _seal(op.get_bind(), table, name, kind)
        with op.batch_alter_table(table) as batch:
            for name, kind in columns.items():
                batch.alter_column(
                    name, type_=sa.LargeBinary(), postgresql_using=_OPENED[kind].format(name)
                )


def _check_keys(connection: sa.Connection) -> None:
    """Raises ValueError before anything is sealed with keys that don't belong to this database:
    nobody could open it once the right ones are back."""
    body = connection.scalar(sa.text("SELECT body FROM feed WHERE body IS NOT NULL LIMIT 1"))
    if body is not None:
        ring_of(connection.dialect).open(bytes(body), b"feed.body")


def _seal(connection: sa.Connection, name: str, column: str, kind: Any) -> None:
    key = sa.inspect(connection).get_pk_constraint(name)["constrained_columns"]
    table = sa.table(name, *map(sa.column, key), sa.column(column, kind))
    update = (
        sa.update(sa.table(name, *map(sa.column, (*key, column))))
        .where(*(sa.column(part) == sa.bindparam(f"key_{part}") for part in key))
        .values({column: _stored(connection, kind, sa.bindparam("fresh", type_=_BYTES))})
    )
    context = f"{name}.{column}".encode()
    for rows in _parts(connection, table, key, column):
        ring = ring_of(connection.dialect)
        connection.execute(
            update,
            [
                {f"key_{part}": row._mapping[part] for part in key}
                | {"fresh": ring.seal(_raw(row.plain), context)}
                for row in rows
            ],
        )


def _parts(
    connection: sa.Connection, table: sa.TableClause, names: Sequence[str], column: str
) -> Iterator[Sequence[Any]]:
    """The keys and the plain values of the rows that have one, part by part."""
    key, value = [table.c[name] for name in names], table.c[column]
    plain = value if value.type is _BYTES else sa.cast(value, sa.Text)
    query = sa.select(*key, plain.label("plain")).where(value.is_not(None))
    query = query.order_by(*key).limit(_PART)
    rows = connection.execute(query).all()
    while rows:
        yield rows
        last = sa.tuple_(*(sa.literal(part) for part in rows[-1][: len(key)]))
        rows = connection.execute(query.where(sa.tuple_(*key) > last)).all()


def _raw(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _stored(connection: sa.Connection, kind: Any, fresh: Any) -> Any:
    """Sealed bytes as the old column takes them: on SQLite any column takes bytes."""
    if kind is _BYTES or connection.dialect.name == "sqlite":
        return fresh
    words = sa.func.encode(fresh, "hex")
    return words if kind is _WORDS else sa.func.to_jsonb(words)
