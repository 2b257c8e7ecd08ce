"""Putting a look on record before anything is shown (L7)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import flet as ft

from mobile.ui.components import frame, privacy, surfaces
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import use_effect, use_maybe, use_state, use_task
from mobile.ui.state import Shell, use_query
from shared.declare import Record, entity_of
from shared.errors import Code, Refusal

R = TypeVar("R", bound=Record)


def use_look(
    shell: Shell, entity: str, record_id: str, customer_id: str | None, what: str = "opened"
) -> tuple[bool, Refusal | None]:
    """(whether it is on record, why it could not be) of one look per screen and record (a hook).

    Show nothing of the record while the first is False. Without a `customer_id` there is nothing
    to look at yet, and nothing happens.
    """
    recorded, set_recorded = use_state("")
    refused, set_refused = use_maybe(Refusal)

    def record() -> None:
        if customer_id is None:
            return
        try:
            privacy.record_look(shell, entity, record_id, customer_id, what)
            set_recorded(record_id)
        except Refusal as refusal:
            set_refused(refusal)

    use_effect(record, [record_id, customer_id])
    return recorded == record_id, refused


def use_record(shell: Shell, cls: type[R], record_id: str, *, title: str, back: str) -> R | ft.View:
    """The record of an address, put on record as opened; or what stands in its place: why it is not
    shown, or its outline until the look is on record (a hook, and the last one of its component:
    what stands there has hooks too)."""
    entity = entity_of(cls)
    found = use_query(lambda store: store.get(cls, record_id), [record_id], (entity.name,))
    record = found.value
    customer_id = getattr(record, entity.customer) if record is not None else None
    recorded, unrecorded = use_look(shell, entity.name, record_id, customer_id)
    refusal = found.refusal or unrecorded
    if refusal is not None or record is None:
        instead = refusal_card(refusal or Code.RECORD_MISSING)
    elif not recorded:
        instead = surfaces.skeleton()
    else:
        return record
    return frame.screen(shell, [instead], title=title, back=back)


SETTLED_SECONDS = 1.0  # a search on whose hits somebody looks this long is one; each key is not


def use_search_look(
    shell: Shell, query: str, hits: int
) -> tuple[Callable[[], None], Refusal | None]:
    """Puts a search on record once its words rest (a hook). Returns how to do so at once, before a
    hit is opened, and why it could not be: then show no hits."""
    refused, set_refused = use_maybe(Refusal)

    def note() -> None:
        if query and query != shell.searched:
            try:
                privacy.record_search(shell, hits)
            except Refusal as refusal:
                set_refused(refusal)
                return
        set_refused(None)
        shell.searched = query

    async def settle() -> None:
        await asyncio.sleep(SETTLED_SECONDS)
        note()

    use_task(settle, [query])
    return note, refused
