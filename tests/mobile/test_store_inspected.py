"""Looking into a vault from the command line: enough to help someone, nothing of a customer."""

import asyncio
from pathlib import Path

import pytest

from mobile.keys.native import native_keys
from mobile.keys.port import Profile
from mobile.store import inspect_native
from mobile.store.files import DirectoryFiles
from mobile.store.unlocking import create_vault
from mobile.store.vault import close_vault
from shared.entities import Visit
from tests.mobile.store_world import MORNING, World, an_id, customer

PIN = "271828"
NAME = "上海晨光贸易有限公司"


def test_tables_and_waiting_work_are_counted_and_no_customer_is_named() -> None:
    world = World()
    known = customer(NAME)
    world.hold(f"customer:{known['id']}", rows=(world.line("customer", known),))
    with world.store.unit() as unit:
        unit.create(
            Visit(
                id=an_id("visit"),
                customer_id=known["id"],
                owner_id=world.store.staff().id,
                purpose="care",
                state="planned",
                planned_at=MORNING,
                notes=f"{NAME} 要求上午到访",
            )
        )
        unit.commit()
    facts = {table.name: table for table in inspect_native.tables(world.db)}
    assert (facts["server_row"].rows, facts["outbox"].rows) == (1, 1)
    assert "entity+id+bucket" in facts["server_row"].indexes
    (row,) = inspect_native.waiting(world.db)
    assert (row["entity"], row["verdict"], row["changes"]) == ("visit", "unsent", 1)
    assert NAME not in repr(facts) + repr(row)


async def _made(folder: Path) -> None:
    keys, files = native_keys(folder / "keys"), DirectoryFiles(folder / "vaults")
    connection = await create_vault(files, keys, "lin", PIN)
    connection.execute("CREATE TABLE outbox (entity, verdict, code, held_by, made_at, dismissed)")
    await keys.save_profile(Profile("lin", "http://127.0.0.1", "lin", "林"))
    close_vault(connection)
    await files.release("lin")


def test_the_right_pin_opens_and_a_wrong_one_is_answered_in_plain_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(_made(tmp_path))
    monkeypatch.setattr("getpass.getpass", lambda _prompt: PIN)
    assert inspect_native.main(tmp_path) == 0
    assert "sound" in capsys.readouterr().out
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "000000")
    assert inspect_native.main(tmp_path) == 1
    assert "wrong_secret" in capsys.readouterr().err
