"""Photos of a visit: reduced on the phone, stored with the visit at once, sent when there is a
network (S2 #104; ux.md, Camera).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.entities import File, Visit
from shared.errors import Code, Refusal
from shared.ids import new_id

if TYPE_CHECKING:
    from mobile.device.port import Picked, Reduced
    from mobile.store.store import Store

Reduce = Callable[[bytes, int, int], Awaitable["Reduced"]]


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a handful of picked photos: those stored, and what stood in the way of each
    of the others (file name, refusal).
    """

    files: tuple[File, ...]
    refused: tuple[tuple[str, Refusal], ...]


async def add_photos(store: Store, visit: Visit, picked: list[Picked], reduce: Reduce) -> Added:
    """Reduces and stores each photo by itself: one that is no picture, or too large, stops none
    of the others and nothing that was there before.
    """
    files: list[File] = []
    refused: list[tuple[str, Refusal]] = []
    for one in picked:
        try:
            files.append(await _add(store, visit.id, one, reduce))
        except Refusal as refusal:
            refused.append((one.name, refusal))
    return Added(tuple(files), tuple(refused))


async def _add(store: Store, visit_id: str, picked: Picked, reduce: Reduce) -> File:
    policy = store.policy()
    if picked.size > policy.max_photo_bytes:
        # Before it is decoded: a phone that unpacks a hundred megapixels is a phone that stops.
        raise Refusal(Code.FILE_TOO_LARGE, limit=policy.max_photo_bytes, length=picked.size)
    reduced = await reduce(picked.data, policy.photo_long_edge_px, policy.photo_quality_percent)
    visit = store.get(Visit, visit_id)  # as it is now: another photo may have come meanwhile
    if visit is None:
        raise Refusal(Code.RECORD_MISSING, entity="visit")
    with store.unit() as unit:
        file = unit.attach(
            File(
                id=new_id(),
                customer_id=visit.customer_id,
                visit_id=visit.id,
                sha256="",
                bytes=0,
                media_type=reduced.media_type,
                purpose="visit",
                width=reduced.width,
                height=reduced.height,
                taken_at=store.now(),
            ),
            reduced.data,
        )
        unit.update(visit, photo_ids=(*visit.photo_ids, file.id))
        unit.commit()
    return file


def remove_photo(store: Store, visit: Visit, file_id: str) -> Visit:
    """Takes a photo out of the visit; its file stays where it is stored, so that this can be taken
    back with `restore_photo`.
    """
    left = tuple(one for one in visit.photo_ids if one != file_id)
    with store.unit() as unit:
        changed = unit.update(visit, photo_ids=left)
        unit.commit()
    return changed


def restore_photo(store: Store, visit_id: str, file_id: str) -> None:
    """Puts a removed photo back at the end."""
    visit = store.get(Visit, visit_id)
    if visit is not None and file_id not in visit.photo_ids:
        with store.unit() as unit:
            unit.update(visit, photo_ids=(*visit.photo_ids, file_id))
            unit.commit()


def photos(store: Store, visit: Visit) -> list[File]:
    """The visit's photos in the order in which they were taken."""
    found = {file.id: file for file in store.find(File, customer_id=visit.customer_id)}
    return [found[file_id] for file_id in visit.photo_ids if file_id in found]
