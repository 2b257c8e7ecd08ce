"""Rows of a query as plain tuples: APSW types every value as "anything SQLite can hold", our
schema knows better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import apsw


def rows(
    db: apsw.Connection, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> list[Any]:
    """All rows of a query, read to the end: no statement stays open over what comes next."""
    return db.execute(sql, values).fetchall()


def first(db: apsw.Connection, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
    """The first row as a tuple, or None."""
    return db.execute(sql, values).fetchone()
