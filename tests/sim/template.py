"""What every seed begins with: a company on the server, and phones that are enrolled and have
synced once. Made once per process; a seed gets copies."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from shared.clock import to_wire
from shared.ids import derived_id
from shared.policy import DEFAULTS
from sync_server.services import accounts, scopes
from sync_server.services.writing import Unit
from tests.server.phones import PASSWORD
from tests.sim import cast
from tests.sim.on_postgres import PostgresSite
from tests.sim.phone import Packed
from tests.sim.site import ORG, Site
from tests.sim.world import World

T = TypeVar("T")
W = TypeVar("W", bound=World)
POLICY = {
    "device_approval": "automatic",
    "max_push_changes": 4,
    "case_number_block": 3,
    "lease_hours": 24,
}


@dataclass
class Template:
    """A site that can be put back to its beginning, and the phones as they were then."""

    site: Site
    packed: dict[str, Packed]

    def world(self, seed: int, names: list[str]) -> World:
        return self.world_of(World, seed, names)

    def world_of(self, kind: type[W], seed: int, names: list[str]) -> W:
        """A world of another kind (one that looks closer, say)."""
        self.site.reset()
        return kind(self.site, {name: self.packed[name] for name in names}, seed)


def make(folder: Path, postgres: str | None = None) -> Template:
    """The template, in `folder` (best on a disk in memory), or in the empty PostgreSQL database
    of that URL."""
    site = Site(folder) if postgres is None else PostgresSite(folder, postgres)
    site.write(lambda unit: _found(unit))
    password = site.server.hashes.make(PASSWORD)
    with site.database.write() as connection:
        for name in cast.PEOPLE:
            accounts.add_account(
                connection,
                org_id=ORG,
                staff_id=cast.staff_id(name),
                username=name,
                password_hash=password,
                now=site.clock.now(),
            )
    packed = run(_phones(site))
    site.save_template()
    return Template(site, packed)


_loops: list[asyncio.AbstractEventLoop] = []


def run(work: Coroutine[Any, Any, T]) -> T:
    """One event loop for all seeds of a process: making one costs as much as a sync."""
    if not _loops:
        _loops.append(asyncio.new_event_loop())
    return _loops[0].run_until_complete(work)


def _found(unit: Unit) -> None:
    unit.create(
        "organisation", {"id": ORG, "name": "回访", "timezone": "Asia/Shanghai", "currency": "CNY"}
    )
    unit.create(
        "policy",
        {
            "id": derived_id("sim", "policy"),
            "version": 1,
            "holds_from": "2026-01-01T00:00:00.000Z",
            "settings": POLICY,
        },
    )
    for store in (cast.NORTH, cast.SOUTH):
        unit.create("store", {"id": store, "name": "门店"})
    people = {**cast.PEOPLE, "tu": ("technician", cast.NORTH)}
    for name, (role, store) in people.items():
        row = {"id": cast.staff_id(name), "name": name, "role": role, "store_id": store}
        unit.create("staff", row)
    for name in people:
        scopes.enrol(unit, cast.staff_id(name))
    for number, holder in enumerate(cast.HOLDERS):
        _customer(unit, number, holder)
    unit.create(
        "survey",
        {
            "id": cast.SURVEY,
            "title_zh": "问卷",
            "title_en": "Survey",
            "subject": "store",
            "open_from": "2026-01-01",
            "open_until": "2027-12-31",
            "questions": [{"key": "q", "asks": "nps", "zh": "会推荐我们吗？", "en": "Would you?"}],
        },
    )


def _customer(unit: Unit, number: int, holder: str) -> None:
    customer = cast.customer_id(number)
    unit.create(
        "customer",
        {
            "id": customer,
            "name": cast.mark("O", customer),
            "email": cast.mark("W", customer),
            "store_id": cast.PEOPLE[holder][1],
        },
    )
    scopes.assign_customer(unit, customer, cast.staff_id(holder))
    asset = {
        "id": cast.asset_id(number),
        "customer_id": customer,
        "product": cast.mark("O", customer),
    }
    unit.create("asset", asset)
    for n in range(2):
        unit.create(
            "visit",
            {
                "id": derived_id("sim", "visit", str(number), str(n)),
                "customer_id": customer,
                "owner_id": cast.staff_id(holder),
                "purpose": "care",
                "state": "planned",
                "planned_at": to_wire(unit.now),
                "notes": cast.mark("W", customer),
            },
        )
    if number % 2:
        unit.create(
            "tier_proposal",
            {
                "id": derived_id("sim", "proposal", str(number)),
                "customer_id": customer,
                "axis": "loyalty",
                "after": "loyal",
                "proposed_at": to_wire(unit.now),
                "state": "proposed",
            },
        )
    if number % 2 == 0:
        case = cast.case_id(number)
        unit.create(
            "case",
            {
                "id": case,
                "number": f"C-{number}",
                "customer_id": customer,
                "asset_id": cast.asset_id(number),
                "kind": "repair",
                "title": cast.mark("O", customer),
                "state": "new",
                "opened_at": to_wire(unit.now),
            },
        )
        scopes.dispatch_case(unit, case, cast.staff_id("wu"), DEFAULTS)
        callback = derived_id("sim", "callback", str(number))
        unit.create(
            "callback",
            {
                "id": callback,
                "customer_id": customer,
                "case_id": case,
                "kind": "after_repair",
                "state": "scheduled",
                "due_at": to_wire(unit.now),
            },
        )
        scopes.assign_callback(unit, callback, cast.staff_id("cai"), DEFAULTS)


async def _phones(site: Site) -> dict[str, Packed]:
    world = World(site, {}, 0)
    packed = {}
    for name in cast.PHONES:
        phone = await world.first_start(name)
        packed[name] = phone.pack()
    return packed
