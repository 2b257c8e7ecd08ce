"""A device whose camera and position a test lays ready."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from mobile.device.port import NoFix, Picked, Reduced
from mobile.usecases.services import Services
from shared.declare import Role
from shared.entities import Position
from shared.errors import Code, Refusal
from tests.mobile.ui.field import NOW, Field


@dataclass
class Senses:
    """Speaks `mobile.device.port.Device`."""

    photos: list[Picked] = field(default_factory=list)
    place: Position | NoFix = NoFix.NO_SIGNAL
    asked: int = 0

    async def pick_photos(self) -> list[Picked]:
        return self.photos

    async def reduce(self, data: bytes, long_edge: int, quality: int) -> Reduced:
        if not data.startswith(b"photo"):
            raise Refusal(Code.FILE_NOT_IMAGE)
        return Reduced(data + bytes([quality]), "image/jpeg", long_edge, 900)

    async def fix(self) -> Position | NoFix:
        self.asked += 1
        return self.place


def here(**facts: object) -> Position:
    """A fix of this moment."""
    known = {"latitude": 31.23, "longitude": 121.47, "accuracy_m": 18.0, "fixed_at": NOW}
    return Position(**(known | facts))


class SensingField(Field):
    """A phone whose camera and position are `senses`."""

    def __init__(self, folder: Path, role: Role = Role.ACCOUNT_MANAGER) -> None:
        super().__init__(folder, role)
        self.senses = Senses()

    def services(self) -> Services:
        return replace(super().services(), open_device=lambda: self.senses)
