"""A stolen native data folder, with the PIN known: what opens elsewhere, and what does not."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from mobile.keys.keyring import Keyring
from mobile.keys.native import (
    DirectoryRecords,
    FileShelf,
    KeyringShelf,
    NativePrimitives,
    Shelf,
    native_keys,
)
from mobile.keys.native_machine import this_machine
from mobile.store.files import DirectoryFiles
from mobile.store.unlocking import create_vault, unlock_vault
from shared.errors import Code, Refusal
from tests.mobile.test_keys_device import SystemKeyring

PIN = "314159"
VAULT = "lin"
SECRET = "上海第一人民医院"
MINE, THEIRS = b"a3f1 the machine it was stolen from", b"77c0 the thief's machine"


def keys_in(folder: Path, shelf: Shelf) -> Keyring:
    primitives = NativePrimitives(shelf, iterations=1, memory_kib=32)
    return Keyring(primitives, DirectoryRecords(folder / "keys" / "records"))


def in_files(folder: Path, machine: bytes) -> Keyring:
    return keys_in(folder, FileShelf(folder / "keys" / "device", lambda: machine))


async def filled(folder: Path, keys: Keyring) -> None:
    """A vault with a customer in it, locked again."""
    files = DirectoryFiles(folder / "vaults")
    db = await create_vault(files, keys, VAULT, PIN)
    db.execute("create table customer(name)")
    db.execute("insert into customer values (?)", (SECRET,))
    db.close()
    await files.release(VAULT)
    await keys.lock(VAULT)


async def read(folder: Path, keys: Keyring) -> str:
    files = DirectoryFiles(folder / "vaults")
    try:
        db = await unlock_vault(files, keys, VAULT, PIN)
        with closing(db):
            return str(db.execute("select name from customer").get)
    finally:
        await files.release(VAULT)


async def opens_nothing(folder: Path, keys: Keyring) -> None:
    with pytest.raises(Refusal) as refused:
        await read(folder, keys)
    assert refused.value.code is Code.VAULT_WRONG_KEY
    found = all_bytes(folder)
    assert found and SECRET.encode() not in found


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_a_copied_folder_opens_nothing_where_the_systems_keyring_is_another(
    tmp_path: Path,
) -> None:
    mine, copy = tmp_path / "mine", tmp_path / "copy"
    system = SystemKeyring()
    await filled(mine, keys_in(mine, KeyringShelf(system, "here")))
    shutil.copytree(mine, copy)
    await opens_nothing(copy, keys_in(copy, KeyringShelf(SystemKeyring(), "here")))
    assert await read(mine, keys_in(mine, KeyringShelf(system, "here"))) == SECRET


async def test_a_copied_folder_with_its_key_files_opens_nothing_on_another_machine(
    tmp_path: Path,
) -> None:
    mine, copy = tmp_path / "mine", tmp_path / "copy"
    await filled(mine, in_files(mine, MINE))
    shutil.copytree(mine, copy)
    await opens_nothing(copy, in_files(copy, THEIRS))
    await opens_nothing(copy, in_files(copy, b""))
    assert await read(mine, in_files(mine, MINE)) == SECRET


async def test_who_reads_the_machine_as_well_as_the_folder_opens_the_copy(tmp_path: Path) -> None:
    """The truth about key files, as the threat model tells it: they are as safe as the account."""
    mine, copy = tmp_path / "mine", tmp_path / "copy"
    await filled(mine, in_files(mine, MINE))
    shutil.copytree(mine, copy)
    assert await read(copy, in_files(copy, MINE)) == SECRET


async def test_a_machine_that_got_another_name_can_still_hand_in_its_sealed_work(
    tmp_path: Path,
) -> None:
    before = await in_files(tmp_path, MINE).public_jwk()
    await filled(tmp_path, in_files(tmp_path, MINE))
    assert await in_files(tmp_path, THEIRS).public_jwk() == before


async def test_keys_that_an_earlier_version_stored_go_on_opening(tmp_path: Path) -> None:
    await filled(tmp_path, in_files(tmp_path, b""))
    assert await read(tmp_path, in_files(tmp_path, MINE)) == SECRET


async def test_the_app_binds_its_key_files_to_this_machine(tmp_path: Path) -> None:
    if not this_machine():
        pytest.skip("this machine has no name of its own (/etc/machine-id)")
    keys = native_keys(tmp_path / "keys")
    key = await keys.create_vault_key(VAULT, PIN)
    stored = (tmp_path / "keys" / "device" / f"vault-{VAULT}").read_bytes()
    assert stored.startswith(b"\x01bound") and key not in stored
    assert (await native_keys(tmp_path / "keys").unlock(VAULT, PIN)).key == key
