"""Whatever happens in whatever order, in the end everyone holds what the server would send afresh
(L5), and nothing that anyone wrote is missing (L1) or there twice (L2)."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import func, select

from mobile.store.meta import CURSOR
from shared.entities import Customer, Visit
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.log import CHANGE_LOG
from sync_server.services import scopes
from tests.mobile.sync_world import CUSTOMERS, Handset, at_the_office, handset
from tests.server.phones import Field

FAULTS = (None, None, None, "never arrives", "answer lost", "answer cut", "fails", "is busy")
STEPS = 40


class Days:
    """Random days of work: what people write, where customers go, and how the network behaves."""

    def __init__(self, world: Field, phones: list[Handset], seed: int) -> None:
        self._world = world
        self._phones = phones
        self._chance = random.Random(seed)
        self.changes = 0
        self.visits: set[str] = set()

    async def live(self) -> None:
        for _ in range(STEPS):
            phone = self._chance.choice(self._phones)
            step = self._chance.choice((self._write, self._write, self._edit, self._sync))
            try:
                await step(phone)
            except Refusal as refusal:
                # The customer is someone else's by now: refused while the author holds the pen.
                assert refusal.code in (Code.OUT_OF_SCOPE, Code.GRANT_ENDED)
            if self._chance.random() < 0.1:
                self._hand_on()
            self._world.clock.pass_by(seconds=self._chance.randrange(1, 600))

    async def _write(self, phone: Handset) -> None:
        customer = self._chance.choice(CUSTOMERS)
        with phone.store.unit() as unit:
            visit = unit.create(
                Visit(
                    id=new_id(),
                    customer_id=customer,
                    owner_id=phone.id,
                    purpose="care",
                    state="planned",
                    planned_at=phone.store.now(),
                )
            )
            unit.commit()
        self.visits.add(visit.id)
        self.changes += 1

    async def _edit(self, phone: Handset) -> None:
        held = phone.store.find(Customer)
        if not held:
            return
        field = self._chance.choice(("needs", "city", "industry"))
        value = f"{phone.who} {self.changes}"
        with phone.store.unit() as unit:
            unit.update(self._chance.choice(held), **{field: value})
            unit.commit()
        self.changes += 1

    async def _sync(self, phone: Handset) -> None:
        await phone.sync(*self._chance.choices(FAULTS, k=8))

    def _hand_on(self) -> None:
        customer, to = self._chance.choice(CUSTOMERS), self._chance.choice(("lin", "he"))
        owner = next(phone.id for phone in self._phones if phone.who == to)
        at_the_office(self._world, lambda unit: scopes.assign_customer(unit, customer, owner))


@pytest.mark.parametrize("seed", range(6))
async def test_after_random_days_every_copy_is_the_servers(world: Field, seed: int) -> None:
    phones = [await handset(world, who) for who in ("lin", "he", "chen")]
    days = Days(world, phones, seed)
    await days.live()
    for phone in phones * 2:  # the second round brings everyone what the others sent in the first
        assert (await phone.sync()).ok
    for phone in phones:
        await phone.synced()
        assert phone.store.status().unsent == 0
        fresh = await handset(world, phone.who)
        assert rows_of(phone) == rows_of(fresh)
        assert phone.db.execute("SELECT count(*) FROM pending_row").get == 0
        assert phone.store.parts.meta.get(CURSOR) == fresh.store.parts.meta.get(CURSOR)
    with world.server.database.read() as connection:
        settled = connection.execute(select(func.count()).select_from(CHANGE_LOG)).scalar_one()
        verdicts = set(connection.execute(select(CHANGE_LOG.c.verdict)).scalars())
    assert settled == days.changes  # each once
    assert verdicts <= {"applied", "merged", "conflict", "late"}
    seen = {v.id for phone in phones for v in phone.store.find(Visit)}
    assert days.visits <= seen


def rows_of(phone: Handset) -> list[tuple[object, ...]]:
    """What a phone holds, without what is its own: numbers of buckets."""
    return phone.db.execute(
        "SELECT b.name, s.entity, s.id, s.seq, s.body, s.digest FROM server_row s"
        " JOIN bucket b ON b.no = s.bucket ORDER BY 1, 2, 3"
    ).fetchall()
