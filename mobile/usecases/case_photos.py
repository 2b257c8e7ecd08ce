"""Photos of a case: evidence, reduced on the phone and stored with the case at once (S2 #113)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mobile.store.store import Store
from shared.entities import Case, File
from shared.errors import Code, Refusal
from shared.ids import new_id

if TYPE_CHECKING:
    from mobile.device.port import Picked, Reduced

Reduce = Callable[[bytes, int, int], Awaitable["Reduced"]]


async def add_evidence(
    store: Store, case_id: str, picked: list[Picked], reduce: Reduce
) -> tuple[tuple[str, Refusal], ...]:
    """Stores each photo by itself; returns (file name, why) of those that could not be."""
    refused: list[tuple[str, Refusal]] = []
    for one in picked:
        try:
            await _add(store, case_id, one, reduce)
        except Refusal as refusal:
            refused.append((one.name, refusal))
    return tuple(refused)


def evidence(store: Store, case_id: str) -> list[File]:
    """The case's photos in the order in which they were taken."""
    case = store.get(Case, case_id)
    found = {file.id: file for file in store.find(File, case_id=case_id)}
    return [found[one] for one in (case.photo_ids if case else ()) if one in found]


async def _add(store: Store, case_id: str, picked: Picked, reduce: Reduce) -> None:
    policy = store.policy()
    if picked.size > policy.max_photo_bytes:
        # Before it is decoded: a phone that unpacks a hundred megapixels is a phone that stops.
        raise Refusal(Code.FILE_TOO_LARGE, limit=policy.max_photo_bytes, length=picked.size)
    reduced = await reduce(picked.data, policy.photo_long_edge_px, policy.photo_quality_percent)
    case = store.get(Case, case_id)  # as it is now: another photo may have come meanwhile
    if case is None:
        raise Refusal(Code.RECORD_MISSING, entity="case")
    with store.unit() as unit:
        file = unit.attach(
            File(
                id=new_id(),
                customer_id=case.customer_id,
                case_id=case.id,
                sha256="",
                bytes=0,
                media_type=reduced.media_type,
                purpose="evidence",
                width=reduced.width,
                height=reduced.height,
                taken_at=store.now(),
            ),
            reduced.data,
        )
        unit.update(case, photo_ids=(*case.photo_ids, file.id))
        unit.commit()
