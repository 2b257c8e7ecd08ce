"""The encrypted database: its key, its failures, and a power cut at every write of a re-keying."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from mobile.store.files import DirectoryFiles, VaultFiles, refuse_if_not_durable
from mobile.store.pool import MemoryDisk, MemoryFiles
from mobile.store.vault import checkpoint, close_vault, faults, open_vault, rekey, transaction
from shared.errors import Code, Refusal
from tests.mobile.failing_disk import WHAT_A_CUT_KEEPS, FailingDisk, FailingFiles, PowerCut

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
NAME = "林晓的客户：上海第一人民医院"

Make = Callable[[], VaultFiles]


@pytest.fixture(params=["folder", "memory"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Each call is the app started again over the same disk."""
    if request.param == "folder":
        return lambda: DirectoryFiles(tmp_path)
    disk = MemoryDisk()
    return lambda: MemoryFiles(disk=disk)


async def opened(files: VaultFiles, key: bytes = KEY) -> apsw.Connection:
    await files.claim("lin")
    return open_vault(files, "lin", key)


async def filled(files: VaultFiles, rows: int = 50) -> apsw.Connection:
    connection = await opened(files)
    with transaction(connection):
        connection.execute("create table customer(id integer primary key, name text)")
        connection.executemany("insert into customer(name) values (?)", [(NAME,)] * rows)
    return connection


def count(connection: apsw.Connection) -> int:
    return connection.execute("select count(*) from customer").get


def refusal_of(action: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        action()
    return caught.value


async def closed(connection: apsw.Connection, files: VaultFiles) -> None:
    connection.close()
    await files.release("lin")


async def test_what_was_committed_is_there_after_a_restart(fresh: Make) -> None:
    files = fresh()
    await closed(await filled(files), files)
    assert count(await opened(fresh())) == 50


async def test_the_store_runs_as_designed(fresh: Make) -> None:
    connection = await opened(fresh())
    settings = {
        name: connection.execute(f"pragma {name}").get
        for name in ("journal_mode", "synchronous", "locking_mode", "secure_delete", "foreign_keys")
    }
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "locking_mode": "exclusive",
        "secure_delete": 1,
        "foreign_keys": 1,
    }


async def test_no_file_of_the_vault_holds_plain_text(tmp_path: Path) -> None:
    files = DirectoryFiles(tmp_path)
    connection = await filled(files)
    assert (tmp_path / "lin.db-wal").stat().st_size > 0
    in_use = b"".join((tmp_path / name).read_bytes() for name in ("lin.db", "lin.db-wal"))
    checkpoint(connection)
    at_rest = files.database_bytes("lin")
    assert len(at_rest) > 4096
    for found in (NAME.encode(), b"customer", b"SQLite format 3"):
        assert found not in in_use
        assert found not in at_rest


async def test_a_wrong_key_is_refused_and_changes_nothing(fresh: Make) -> None:
    files = fresh()
    await closed(await filled(files), files)
    again = fresh()
    await again.claim("lin")
    before = again.database_bytes("lin")
    refusal = refusal_of(lambda: open_vault(again, "lin", OTHER_KEY))
    assert refusal.code is Code.VAULT_WRONG_KEY
    assert again.database_bytes("lin") == before
    assert count(open_vault(again, "lin", KEY)) == 50


async def test_even_an_empty_vault_knows_its_key(fresh: Make) -> None:
    files = fresh()
    await closed(await opened(files), files)
    again = fresh()
    await again.claim("lin")
    assert refusal_of(lambda: open_vault(again, "lin", OTHER_KEY)).code is Code.VAULT_WRONG_KEY


async def test_a_second_app_is_told_that_the_vault_is_in_use(fresh: Make) -> None:
    files, second = fresh(), fresh()
    connection = await filled(files)
    with pytest.raises(Refusal) as caught:
        await second.claim("lin")
    assert caught.value.code is Code.VAULT_LOCKED_ELSEWHERE
    await closed(connection, files)
    assert count(await opened(second)) == 50


async def test_files_are_claimed_before_they_are_used(fresh: Make) -> None:
    with pytest.raises(ValueError):
        open_vault(fresh(), "lin", KEY)


async def test_the_vaults_on_a_device_are_listed_without_opening_them(fresh: Make) -> None:
    files = fresh()
    await closed(await opened(files), files)
    assert await fresh().vaults() == ["lin"]
    await fresh().destroy("lin", keep_log=False)
    assert await fresh().vaults() == []


async def test_destroying_a_vault_may_keep_its_unsent_sealed_work(fresh: Make) -> None:
    files = fresh()
    connection = await opened(files)
    files.log("lin", "a").write(b"sealed", 0)
    await closed(connection, files)
    await fresh().destroy("lin", keep_log=True)
    again = fresh()
    await again.claim("lin")
    assert again.log("lin", "a").read(100, 0) == b"sealed"
    assert await again.vaults() == []
    await again.release("lin")
    await again.destroy("lin", keep_log=False)
    last = fresh()
    await last.claim("lin")
    assert last.log("lin", "a").size() == 0
    await last.release("lin")


async def test_a_changed_byte_is_noticed(fresh: Make) -> None:
    files = fresh()
    connection = await filled(files, rows=2000)
    checkpoint(connection)
    assert faults(connection) == []
    raw = bytearray(files.database_bytes("lin"))
    await closed(connection, files)
    raw[len(raw) // 2] ^= 1
    damaged = MemoryFiles(disk=MemoryDisk({"lin.db": raw}))
    again = await opened(damaged)
    assert faults(again) != []
    with pytest.raises(Refusal) as caught, transaction(again):
        again.execute("update customer set name = name || '.'")
    assert caught.value.code is Code.VAULT_DAMAGED


async def test_an_exception_rolls_everything_back(fresh: Make) -> None:
    connection = await filled(fresh())
    with pytest.raises(KeyError), transaction(connection):
        connection.execute("delete from customer")
        raise KeyError
    assert count(connection) == 50


async def test_a_full_disk_is_said_and_loses_nothing() -> None:
    disk = MemoryDisk()
    connection = await filled(MemoryFiles(disk=disk))
    disk.room = disk.used() + 20_000
    saved = 50
    with pytest.raises(Refusal) as caught:
        while True:
            with transaction(connection):
                connection.execute("insert into customer(name) values (?)", (NAME * 10,))
            saved += 1
    assert caught.value.code is Code.DISK_FULL
    assert count(connection) == saved > 50
    after = MemoryDisk({name: bytes(data) for name, data in disk.files.items()})
    assert count(await opened(MemoryFiles(disk=after))) == saved
    disk.room = None
    with transaction(connection):
        connection.execute("insert into customer(name) values (?)", (NAME,))
    assert count(connection) == saved + 1


async def test_closing_on_a_full_disk_keeps_what_was_committed() -> None:
    disk = MemoryDisk()
    files = MemoryFiles(disk=disk)
    connection = await filled(files)
    assert disk.files["lin.db-wal"]
    disk.room = disk.used()
    close_vault(connection)
    close_vault(connection)
    await files.release("lin")
    disk.room = None
    assert count(await opened(MemoryFiles(disk=disk))) == 50


async def test_sqlites_own_limit_counts_as_a_full_disk_too(fresh: Make) -> None:
    connection = await filled(fresh())
    connection.execute("pragma max_page_count=5")
    with pytest.raises(Refusal) as caught, transaction(connection):
        connection.executemany("insert into customer(name) values (?)", [(NAME * 99,)] * 99)
    assert caught.value.code is Code.DISK_FULL
    assert count(connection) == 50


async def test_after_re_keying_only_the_new_key_opens_and_nothing_is_lost(fresh: Make) -> None:
    files = fresh()
    connection = await filled(files)
    rekey(connection, OTHER_KEY)
    assert connection.execute("pragma journal_mode").get == "wal"
    with transaction(connection):
        connection.execute("insert into customer(name) values (?)", (NAME,))
    await closed(connection, files)
    again = fresh()
    await again.claim("lin")
    assert refusal_of(lambda: open_vault(again, "lin", KEY)).code is Code.VAULT_WRONG_KEY
    assert count(open_vault(again, "lin", OTHER_KEY)) == 51


async def test_a_disk_that_fills_while_re_keying_leaves_the_old_key_and_a_working_store() -> None:
    disk = MemoryDisk()
    connection = await filled(MemoryFiles(disk=disk), rows=2000)
    checkpoint(connection)
    for room in (1_000, 20_000, 60_000):
        disk.room = disk.used() + room
        assert refusal_of(lambda: rekey(connection, OTHER_KEY)).code is Code.DISK_FULL
        disk.room = None
        with transaction(connection):
            connection.execute("delete from customer where id = 1")
        assert connection.execute("pragma journal_mode").get == "wal"
        copy = MemoryFiles(disk=MemoryDisk(disk.files))
        await copy.claim("lin")
        again = open_vault(copy, "lin", KEY)
        assert count(again) == 1999
        assert faults(again) == []
        close_vault(again)
    rekey(connection, OTHER_KEY)
    assert count(connection) == 1999


async def test_a_deleted_row_cannot_be_read_from_an_old_copy_with_the_new_key(fresh: Make) -> None:
    files = fresh()
    connection = await filled(files)
    checkpoint(connection)
    copy = files.database_bytes("lin")
    rekey(connection, OTHER_KEY)
    thief = MemoryFiles(disk=MemoryDisk({"lin.db": copy}))
    await thief.claim("lin")
    assert refusal_of(lambda: open_vault(thief, "lin", OTHER_KEY)).code is Code.VAULT_WRONG_KEY


@pytest.mark.parametrize("kept", WHAT_A_CUT_KEEPS)
async def test_a_power_cut_at_any_step_of_a_re_keying_leaves_one_of_the_two_keys(kept: str) -> None:
    ended_under = {KEY: 0, OTHER_KEY: 0}
    survived = False
    for step in range(1000):
        disk = FailingDisk()
        connection = await filled(FailingFiles(disk))
        disk.steps_left = step
        try:
            rekey(connection, OTHER_KEY)
        except (PowerCut, Refusal, apsw.Error):
            pass
        else:
            survived = True
        files = MemoryFiles(disk=disk.after_the_cut(kept))
        disk.steps_left = None
        connection.close(True)
        await files.claim("lin")
        try:
            key, again = KEY, open_vault(files, "lin", KEY)
        except Refusal as refusal:
            assert refusal.code is Code.VAULT_WRONG_KEY, f"step {step}: {refusal}"
            key, again = OTHER_KEY, open_vault(files, "lin", OTHER_KEY)
        assert count(again) == 50, f"step {step}"
        assert faults(again) == [], f"step {step}"
        ended_under[key] += 1
        if survived:
            break
    assert survived
    assert ended_under[KEY] > 5
    assert ended_under[OTHER_KEY] > 1


async def test_memory_alone_is_no_place_to_author_in(tmp_path: Path) -> None:
    refuse_if_not_durable(DirectoryFiles(tmp_path))
    refusal = refusal_of(lambda: refuse_if_not_durable(MemoryFiles("private_browsing")))
    assert refusal.code is Code.STORAGE_NOT_DURABLE
    assert refusal.details["reason"] == "private_browsing"
