"""A technician's and an agent's phone with one repair on it, a device that picks and keeps files,
and a pen."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mobile.device.port import NoFix, Picked, Reduced
from mobile.usecases.services import Services
from shared.declare import Role
from shared.entities import Asset, Case, Organisation, Reference, Staff
from shared.errors import Code, Refusal
from shared.ids import derived_id
from tests.mobile.ui.field import NOW, Field, customer
from tests.mobile.ui.headless import Headless

CATALOGUES = Path(__file__).parents[3] / "sync_server" / "importing" / "reference.json"
PAD = (400.0, 200.0)


@dataclass
class TestDevice:
    """Picks what the test laid ready; keeps what it is handed."""

    __test__ = False
    photos: list[Picked] = field(default_factory=list)
    saved: list[tuple[str, bytes]] = field(default_factory=list)

    async def pick_photos(self) -> list[Picked]:
        picked, self.photos = self.photos, []
        return picked

    async def reduce(self, data: bytes, _edge: int, _quality: int) -> Reduced:
        if not data.startswith(b"\xff\xd8"):
            raise Refusal(Code.FILE_NOT_IMAGE)
        return Reduced(data, "image/jpeg", 40, 30)

    async def fix(self) -> NoFix:
        return NoFix.NO_SIGNAL

    async def save(self, name: str, data: bytes) -> bool:
        self.saved.append((name, data))
        return True


class RepairField(Field):
    """`Field` with the organisation's catalogues and a device of the test."""

    def __init__(self, folder: Path, role: Role = Role.TECHNICIAN) -> None:
        super().__init__(folder, role, name="李强")
        self.device = TestDevice()
        self.customer = customer("甲公司", kind="company")
        self.asset = Asset(
            id=derived_id("asset"), customer_id=self.customer.id, product="挂钟", serial="SN-0417"
        )
        self.plant(self.customer, self.asset, *catalogues())
        self.plant(
            Staff(id=self.staff.id, name=self.staff.name, role=role),
            Organisation(
                id=derived_id("o"), name="示范公司", timezone="Asia/Shanghai", currency="CNY"
            ),
        )

    async def prepare(self) -> None:
        await super().prepare()
        (profile,) = await self.keys.profiles()
        await self.keys.save_profile(replace(profile, device_id=derived_id("device")))

    def services(self) -> Services:
        return replace(super().services(), open_device=lambda: self.device)

    def case(self, **facts: Any) -> Case:
        """Plants a dispatched repair."""
        given: dict[str, Any] = {
            "id": derived_id("case", facts.get("number", "R2600")), "number": "R2600",
            "customer_id": self.customer.id, "asset_id": self.asset.id, "kind": "repair",
            "title": "指针不走", "state": "assigned", "opened_at": NOW, "appointment_at": NOW,
            "assignee_id": self.staff.id, "place": "示例路 1 号 3 楼", "priority": "high",
        }  # fmt: skip
        made = Case(**(given | facts))
        self.plant(made)
        return made


def catalogues() -> list[Reference]:
    """The catalogues that every organisation begins with."""
    data = json.loads(CATALOGUES.read_text(encoding="utf-8"))
    return [
        Reference(
            id=derived_id("reference", catalogue, entry["key"]),
            catalogue=catalogue, key=entry["key"], order=place, data=entry,
        )
        for catalogue, entries in data.items()
        for place, entry in enumerate(entries)
    ]  # fmt: skip


async def draw(app: Headless, *strokes: list[tuple[float, float]]) -> None:
    """Draws on the pad, in its own units."""
    for stroke in strokes:
        await pen(app, "pan_start", *stroke[0])
        for point in stroke[1:]:
            await pen(app, "pan_update", *point)
        await pen(app, "pan_end", *stroke[-1])


async def pen(app: Headless, what: str, x: float, y: float) -> None:
    """One event of the pen, as the client reports it."""
    at = {"x": x, "y": y}
    data: dict[str, Any] = {"l": at, "g": at, "k": "touch"}
    if what == "pan_update":
        del data["k"]
    if what == "pan_end":
        data = {"l": at, "g": at, "v": {"x": 0, "y": 0}, "pv": 0}
    await _send(app, app.find("pad"), what, data)


async def measure_pad(app: Headless, width: float = PAD[0], height: float = PAD[1]) -> None:
    """The client reports the size of the pad, as it does once it has laid it out."""
    import flet.canvas as cv

    sized = next(c for c in app.controls() if isinstance(c, cv.Canvas) and c.on_resize)
    await _send(app, sized, "resize", {"w": width, "h": height})


async def _send(app: Headless, control: Any, name: str, data: Any) -> None:
    await app.page.session.dispatch_event(control._i, name, data)
    await app.settle()
