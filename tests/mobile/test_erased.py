"""A customer that the office erased leaves no trace on a phone that held them, unsent work apart,
which the server no longer takes."""

from __future__ import annotations

import apsw

from shared.entities import Customer, Visit
from shared.errors import Code
from sync_server.services import audit
from sync_server.services.erasing import erase
from tests.mobile.sync_world import CUSTOMERS, VISIT, handset
from tests.server.phones import ORG, Field


def all_text(db: apsw.Connection) -> str:
    """Every value of every table of the vault, its search index included."""
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return "\n".join(
        str(value)
        for name in names
        for row in db.execute(f'SELECT * FROM "{name}"')
        for value in row
    )


async def test_a_phone_drops_whoever_was_erased_and_finds_them_no_more(world: Field) -> None:
    lin, chen = [await handset(world, who) for who in ("lin", "chen")]
    assert "张伟" in all_text(lin.db) and lin.store.search("张伟")
    server = world.server
    who, now = audit.command_line(ORG), world.clock.now()
    erase(server.database, server.files.store, who, CUSTOMERS[0], "asked", None, now, ledger=None)
    for phone in (lin, chen):
        report = await phone.synced()
        assert report.dropped >= 1
        assert "张伟" not in all_text(phone.db)
        assert phone.store.search("张伟") == phone.store.search("zw") == []
        assert CUSTOMERS[0] not in {c.id for c in phone.store.find(Customer)}
        assert {c.id for c in phone.store.find(Customer)} == set(CUSTOMERS[1:])


async def test_work_on_whoever_was_erased_meanwhile_is_refused_with_a_word_of_why(
    world: Field,
) -> None:
    lin = await handset(world, "lin")
    with lin.store.unit() as unit:
        seen = lin.store.get(Visit, VISIT["id"])
        assert seen is not None
        unit.update(seen, notes="谈了续约")
        unit.commit()
    server = world.server
    who, now = audit.command_line(ORG), world.clock.now()
    erase(server.database, server.files.store, who, CUSTOMERS[0], "asked", None, now, ledger=None)
    await lin.synced()
    (told,) = lin.store.waiting()
    assert (told.verdict, told.code) == ("rejected", Code.CUSTOMER_ERASED.key)
    assert lin.store.get(Visit, VISIT["id"]) is None
