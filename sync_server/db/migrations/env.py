"""Alembic's way in: `sync_server.db.migrate` hands it the connection."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from sync_server.db.base import METADATA
from sync_server.db.sealing import Sealed
from sync_server.db.types import Day, Instant


def render_item(kind: str, item: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """Names our column types in a drafted migration as they are spelt here."""
    if kind != "type" or not isinstance(item, (Sealed, Instant, Day)):
        return False
    name = type(item).__name__
    if isinstance(item, Sealed):
        autogen_context.imports.add(f"from sync_server.db.sealing import {name}")
        return f"{name}({item.context!r}{', as_json=True' if item.as_json else ''})"
    autogen_context.imports.add(f"from sync_server.db.types import {name}")
    return f"{name}()"


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    compare_type=True,
    render_as_batch=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
