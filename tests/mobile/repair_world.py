"""One technician's case with what it needs, over `store_world`: the organisation's checklist, a
customer, a device, and an agent's phone that calls back."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any, TypeVar

from mobile.store.store import Store
from mobile.usecases.repairs import Repairs
from mobile.usecases.report_writing import ReportWriting
from mobile.usecases.sign_off import SignOff
from shared.clock import to_wire
from shared.declare import Record, Role
from shared.entities import Callback, Case, Report
from tests.mobile.store_world import ME, MORNING, HandClock, World, an_id, case, customer

R = TypeVar("R", bound=Record)

ZHANG = customer("张伟", phone="138-0000-1234", address="示例路 1 号")
ASSET = {
    "id": an_id("asset"), "customer_id": ZHANG["id"], "product": "挂钟", "model": "RC-7",
    "serial": "SN-0417",
}  # fmt: skip
CASE = case(ZHANG, asset_id=ASSET["id"], assignee_id=ME, place="示例路 1 号 3 楼")
CALL = {
    "id": an_id("callback"), "customer_id": ZHANG["id"], "case_id": CASE["id"],
    "kind": "after_repair", "state": "scheduled", "due_at": to_wire(MORNING), "assignee_id": ME,
}  # fmt: skip

CHECKLIST = (
    ("before", ("called", "tools")),
    ("on_site", ("safe",)),
)
SIGNATURE = [[(0.1, 0.2), (0.3, 0.1), (0.5, 0.2)], [(0.6, 0.1)]]


def unmarked(record: R) -> R:
    """The record without the marks that whoever applies a change sets."""
    return replace(record, created_at=None, created_by=None, updated_at=None, updated_by=None)


class Keys:
    """A device's key for tests that look at the seal, not at the curve: what it
    signs is told by its hash."""

    async def public_jwk(self) -> dict[str, str]:
        return {"kty": "OKP", "crv": "Ed25519", "x": "QUJD"}

    async def sign(self, message: bytes) -> bytes:
        return sha256(message).digest()

    async def verify(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        return public_key == b"ABC" and signature == sha256(message).digest()


def references(world: World) -> tuple[Any, ...]:
    """The checklist and the causes as rows that the server sent."""
    lists = tuple(
        world.line(
            "reference",
            {
                "id": an_id("reference", key),
                "catalogue": "repair_checklist",
                "key": key,
                "order": place,
                "data": {
                    "key": key,
                    "title": {"zh-CN": key, "en": key},
                    "items": [
                        {"key": item, "label": {"zh-CN": f"中 {item}", "en": f"en {item}"}}
                        for item in items
                    ],
                },
            },
        )
        for place, (key, items) in enumerate(CHECKLIST)
    )
    cause = {"key": "wear", "title": {"zh-CN": "部件磨损老化", "en": "Worn part"}}
    row = {"id": an_id("cause"), "catalogue": "repair_cause", "key": "wear", "data": cause}
    return (*lists, world.line("reference", row))


class Job:
    """A phone with one case on it, and the use cases over its store."""

    def __init__(self, role: Role = Role.TECHNICIAN, **facts: Any) -> None:
        self.case_row = {**CASE, **facts}
        self.world = World(role)
        bucket = f"case:{CASE['id']}"
        self.world.hold(
            bucket,
            f"user:{ME}",
            "ref:policy",
            "ref:reference",
            rows=(
                self.world.line("customer", ZHANG, bucket),
                self.world.line("asset", ASSET, bucket),
                self.world.line("case", self.case_row, bucket),
                self.world.line("callback", CALL, bucket)
                if role is Role.CALLBACK_AGENT
                else self.world.line("asset", ASSET, bucket),
                *references(self.world),
            ),
        )

    @property
    def store(self) -> Store:
        return self.world.store

    @property
    def clock(self) -> HandClock:
        return self.world.clock

    @property
    def repairs(self) -> Repairs:
        return Repairs(self.store)

    @property
    def writing(self) -> ReportWriting:
        return ReportWriting(self.store)

    @property
    def sign_off(self) -> SignOff:
        return SignOff(self.store, Keys(), an_id("device"))  # type: ignore[arg-type]  # signs, no more

    @property
    def case(self) -> Case:
        found = self.store.get(Case, CASE["id"])
        assert found is not None
        return found

    @property
    def callback(self) -> Callback:
        found = self.store.get(Callback, CALL["id"])
        assert found is not None
        return found

    def go(self, *states: str) -> Case:
        """Takes the case through these states."""
        for state in states:
            self.repairs.move(self.case, state)
        return self.case

    def written(self) -> Report:
        """The report filled in so far that it can be signed, on site."""
        self.go("accepted", "en_route", "on_site")
        report = self.writing.begin(self.case, "zh-CN")
        return self.writing.save(
            report,
            cause="电池触点氧化",
            cause_code="wear",
            method="清洁触点并更换电池",
            training_given=True,
            operation_confirmed=True,
            checklist=[{"key": i.key, "label": i.label, "done": True} for i in report.checklist],
        )

    def looks(self) -> list[tuple[str, str, str]]:
        """(entity, id, what) of every look on its way to the server."""
        changes = [json.loads(text) for _, text in self.store.parts.outbox.unsettled(1000, 10**9)]
        seen = [change["fields"] for change in changes if change["entity"] == "look"]
        return [(look["entity"], look["record_id"], look["what"]) for look in seen]

    def again(self) -> None:
        """The app is killed and started again on the same file."""
        self.world.store = Store(self.world.db, self.clock)
