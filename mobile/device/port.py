"""What screens ask of the device. Two halves speak it (`browser`, `native`), and fakes in tests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.entities import Position


@dataclass(frozen=True, slots=True)
class Picked:
    """A file that the user chose or the camera made. `size` is in bytes; `data` may be left empty
    for one that is too large to be read.
    """

    name: str
    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Reduced:
    """A photo made small enough to store and send. It carries no metadata of the original: no
    place, no time, no camera.
    """

    data: bytes
    media_type: str
    width: int
    height: int


class NoFix(StrEnum):
    """Why there is no position; the words of `Visit.no_position_because`."""

    NO_SIGNAL = "no_signal"
    NOT_PERMITTED = "not_permitted"


class Device(Protocol):
    """One device. Nothing here is asked before the user taps for it."""

    async def pick_photos(self) -> list[Picked]:
        """Lets the user take or choose photos, several at once; empty when they chose none."""
        ...

    async def reduce(self, data: bytes, long_edge: int, quality: int) -> Reduced:
        """The photo as JPEG, its longer edge at most `long_edge` pixels, upright, at `quality`
        percent. Refuses `file_not_image`.
        """
        ...

    async def fix(self) -> Position | NoFix:
        """Where the device is now: a new fix, never a remembered one. Takes up to half a minute."""
        ...

    async def save(self, name: str, data: bytes) -> bool:
        """Hands a file to the user, under this name unless they choose another: a browser's
        download, a desktop's dialog. False when they think better of it.
        """
        ...
