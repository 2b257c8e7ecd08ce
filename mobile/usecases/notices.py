"""What someone is told about their own scope: customers that came or went, and another store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mobile.store.store import Store
from mobile.usecases.outbox import staff_name
from shared.entities import Notice
from shared.entities import Store as Shop

SHOWN_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice in its parts: `by` decided it, `other` had them before or has them now."""

    notice: Notice
    by: str
    other: str
    store: str


def open_notices(store: Store, now: datetime) -> list[Told]:
    """Notices that nobody dismissed, of the last `SHOWN_FOR`, the newest first."""
    return [
        Told(
            notice=one,
            by=staff_name(store, one.by_id),
            other=staff_name(store, one.other_id),
            store=_shop(store, one.store_id),
        )
        for one in store.find(Notice, dismissed_at=None, newest_first=True)
        if one.happened_at >= now - SHOWN_FOR
    ]


def dismiss(store: Store, notice: Notice) -> None:
    """Read, and gone from all of this person's devices."""
    with store.unit() as unit:
        unit.update(notice, dismissed_at=store.now())
        unit.commit()


def _shop(store: Store, store_id: str | None) -> str:
    found = store.get(Shop, store_id) if store_id else None
    return found.name if found else ""
