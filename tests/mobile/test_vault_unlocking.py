"""From a secret to an open vault, with a kill at each step of a re-keying."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from mobile.keys.keyring import Keyring
from mobile.keys.native import DirectoryRecords, FileShelf, NativePrimitives
from mobile.store.files import DirectoryFiles
from mobile.store.unlocking import create_vault, renew_key, unlock_vault
from mobile.store.vault import rekey, transaction
from shared.errors import Code, Refusal

PIN = "314159"

App = tuple[DirectoryFiles, Keyring]


@pytest.fixture
def start(tmp_path: Path) -> Callable[[], App]:
    def started() -> App:
        primitives = NativePrimitives(FileShelf(tmp_path / "k"), iterations=1, memory_kib=32)
        return DirectoryFiles(tmp_path / "v"), Keyring(primitives, DirectoryRecords(tmp_path / "r"))

    return started


async def filled(files: DirectoryFiles, keys: Keyring) -> apsw.Connection:
    connection = await create_vault(files, keys, "lin", PIN)
    with transaction(connection):
        connection.execute("create table note(text)")
        connection.execute("insert into note values ('周三上门')")
    return connection


async def killed(connection: apsw.Connection, files: DirectoryFiles) -> None:
    connection.close()
    await files.release("lin")


def notes(connection: apsw.Connection) -> list[str]:
    return [row[0] for row in connection.execute("select text from note")]


async def test_a_vault_opens_again_with_its_secret_and_with_no_other(start) -> None:
    files, keys = start()
    await killed(await filled(files, keys), files)
    files, keys = start()
    with pytest.raises(Refusal) as caught:
        await unlock_vault(files, keys, "lin", "271828")
    assert caught.value.code is Code.WRONG_SECRET
    connection = await unlock_vault(files, keys, "lin", PIN)
    assert notes(connection) == ["周三上门"]
    await killed(connection, files)


async def test_a_renewed_key_is_the_only_one_left(start) -> None:
    files, keys = start()
    connection = await filled(files, keys)
    (before,) = (await keys.unlock("lin", PIN)).in_order()
    await renew_key(connection, keys, "lin")
    (after,) = (await keys.unlock("lin", PIN)).in_order()
    assert after != before
    assert notes(connection) == ["周三上门"]
    await killed(connection, files)
    files, keys = start()
    connection = await unlock_vault(files, keys, "lin", PIN)
    assert notes(connection) == ["周三上门"]
    await killed(connection, files)


@pytest.mark.parametrize("rekeyed", [False, True])
async def test_a_kill_between_the_steps_of_a_renewal_is_settled_at_the_next_unlock(
    start, rekeyed: bool
) -> None:
    files, keys = start()
    connection = await filled(files, keys)
    new_key = await keys.stage_vault_key("lin")
    if rekeyed:
        rekey(connection, new_key)
    await killed(connection, files)
    files, keys = start()
    connection = await unlock_vault(files, keys, "lin", PIN)
    assert notes(connection) == ["周三上门"]
    (held,) = (await keys.unlock("lin", PIN)).in_order()
    assert (held == new_key) is rekeyed
    await killed(connection, files)


async def test_a_vault_that_lives_is_never_made_anew(start) -> None:
    files, keys = start()
    connection = await filled(files, keys)
    with pytest.raises(ValueError):
        await create_vault(files, keys, "lin", PIN)
    assert notes(connection) == ["周三上门"]
    await killed(connection, files)


async def test_a_vault_whose_key_is_gone_begins_anew_and_keeps_its_sealed_log(start) -> None:
    files, keys = start()
    connection = await filled(files, keys)
    files.log("lin", "a").write(b"unsent", 0)
    await killed(connection, files)
    await keys.forget("lin")
    connection = await create_vault(files, keys, "lin", PIN)
    assert connection.execute("select count(*) from sqlite_schema").get == 0
    assert files.log("lin", "a").read(9, 0) == b"unsent"
    await killed(connection, files)
