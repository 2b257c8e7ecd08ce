"""Photos of a record: reduced on the phone, stored and listed by the record at once, sent when
there is a network (S2 #104; ux.md, Camera).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from shared.declare import ENTITIES, Record
from shared.entities import File
from shared.errors import Code, Refusal
from shared.ids import new_id

if TYPE_CHECKING:
    from mobile.device.port import Picked, Reduced
    from mobile.store.store import Store

Reduce = Callable[[bytes, int, int], Awaitable["Reduced"]]
R = TypeVar("R", bound=Record)
Refused = tuple[tuple[str, Refusal], ...]
"""(file name, why) of photos that could not be stored."""


@dataclass(frozen=True, slots=True)
class Album:
    """Where a kind of record lists its photos. `purpose` as in `File.purpose`; `refers` are the
    fields by which a photo's own record says what it belongs to, beside that record's id."""

    entity: str
    purpose: str
    listed: str = "photo_ids"
    refers: tuple[str, ...] = ("customer_id",)


VISIT = Album("visit", "visit")
EVIDENCE = Album("case", "evidence")
"""What a complaint is about (S2 #113)."""
REPORT = {
    purpose: Album("report", purpose, f"photos_{purpose}", ("customer_id", "case_id"))
    for purpose in ("before", "after")
}


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a handful of picked photos."""

    files: tuple[File, ...]
    refused: Refused


async def add(
    store: Store, album: Album, record_id: str, picked: list[Picked], reduce: Reduce
) -> Added:
    """Reduces and stores each photo by itself, with its mention in one transaction: one that is no
    picture, or too large, stops none of the others and nothing that was there before.
    """
    files: list[File] = []
    refused: list[tuple[str, Refusal]] = []
    for one in picked:
        try:
            files.append(await _add(store, album, record_id, one, reduce))
        except Refusal as refusal:
            refused.append((one.name, refusal))
    return Added(tuple(files), tuple(refused))


async def _add(store: Store, album: Album, record_id: str, picked: Picked, reduce: Reduce) -> File:
    policy = store.policy()
    if picked.size > policy.max_photo_bytes:
        # Before it is decoded: a phone that unpacks a hundred megapixels is a phone that stops.
        raise Refusal(Code.FILE_TOO_LARGE, limit=policy.max_photo_bytes, length=picked.size)
    reduced = await reduce(picked.data, policy.photo_long_edge_px, policy.photo_quality_percent)
    record = _there(store, album, record_id)  # as it is now: another may have come meanwhile
    if record is None:
        raise Refusal(Code.RECORD_MISSING, entity=album.entity)
    belongs: dict[str, Any] = {name: getattr(record, name) for name in album.refers}
    with store.unit() as unit:
        file = unit.attach(
            File(
                id=new_id(),
                **{**belongs, f"{album.entity}_id": record_id},
                sha256="",
                bytes=0,
                media_type=reduced.media_type,
                purpose=album.purpose,
                width=reduced.width,
                height=reduced.height,
                taken_at=store.now(),
            ),
            reduced.data,
        )
        unit.update(record, **{album.listed: (*_ids(record, album), file.id)})
        unit.commit()
    return file


def remove(store: Store, album: Album, record: R, file_id: str) -> R:
    """Takes a photo out of the list; its record and bytes stay (L1), so that `restore` can take
    this back. `record` is what the author saw."""
    left = tuple(one for one in _ids(record, album) if one != file_id)
    with store.unit() as unit:
        changed = unit.update(record, **{album.listed: left})
        unit.commit()
    return changed


def restore(store: Store, album: Album, record_id: str, file_id: str) -> None:
    """Puts a removed photo back at the end. Harmless when it is there."""
    record = _there(store, album, record_id)
    if record is not None and file_id not in _ids(record, album):
        with store.unit() as unit:
            unit.update(record, **{album.listed: (*_ids(record, album), file_id)})
            unit.commit()


def of(store: Store, album: Album, record: Record) -> list[File]:
    """The record's photos in the order in which they were taken, as far as they may be read."""
    found = (store.get(File, one) for one in _ids(record, album))
    return [file for file in found if file is not None]


def _there(store: Store, album: Album, record_id: str) -> Record | None:
    found: Record | None = store.get(ENTITIES[album.entity].cls, record_id)
    return found


def _ids(record: Record, album: Album) -> tuple[str, ...]:
    ids: tuple[str, ...] = getattr(record, album.listed)
    return ids
