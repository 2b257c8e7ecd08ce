"""``column IN (…)`` with thousands of values as one parameter: a list of them all costs the
statement's text anew for each length, and SQLAlchemy a microsecond for each value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, String, any_, func, literal, select
from sqlalchemy.dialects import postgresql


def among(connection: Connection, column: Column[Any], values: Sequence[str]) -> ColumnElement[Any]:
    """That `column`, which holds text, has one of these values."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), postgresql.ARRAY(String)))
    each = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(each.c.value))
