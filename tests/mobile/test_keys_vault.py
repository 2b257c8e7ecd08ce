"""Wraps of the vault key: the secret, the device, the ten tries, and a re-keying cut short."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mobile.keys.keyring import Keyring
from mobile.keys.native import DirectoryRecords, FileShelf, NativePrimitives
from mobile.keys.port import DeviceKeys
from mobile.keys.primitives import Box, KdfParameters
from shared.errors import Code, Refusal

PIN = "314159"
WRONG = "271828"
VAULT = "lin"


class KilledBeforeChecking(NativePrimitives):
    """Dies in the middle of a try: after it was counted, before the secret was looked at."""

    async def stretch(self, secret: bytes, kdf: KdfParameters) -> Box:
        raise KeyboardInterrupt(f"{len(secret)} bytes, {kdf.name}: never computed")


def keyring(folder: Path, device: str = "device", kind: type[NativePrimitives] = NativePrimitives):
    """The keys as a fresh process would find them: nothing is kept from the one before."""
    primitives = kind(FileShelf(folder / device), iterations=1, memory_kib=32)
    return Keyring(primitives, DirectoryRecords(folder / "records"))


async def refused(action, code: Code) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await action
    assert caught.value.code is code
    return caught.value


@pytest.fixture
def restart(tmp_path: Path) -> Callable[[], DeviceKeys]:
    return lambda: keyring(tmp_path)


async def test_the_right_secret_gives_the_same_key_after_a_restart(restart) -> None:
    key = await restart().create_vault_key(VAULT, PIN)
    keys = await restart().unlock(VAULT, PIN)
    assert len(key) == 32
    assert keys.in_order() == (key,)


async def test_a_full_width_keyboard_types_the_same_pin(restart) -> None:
    key = await restart().create_vault_key(VAULT, PIN)
    assert (await restart().unlock(VAULT, "３１４１５９")).key == key


async def test_a_wrong_secret_says_how_many_tries_remain_and_a_right_one_gives_them_back(
    restart,
) -> None:
    keys = restart()
    await keys.create_vault_key(VAULT, PIN)
    assert (await refused(keys.unlock(VAULT, WRONG), Code.WRONG_SECRET)).details["remaining"] == 9
    assert (await refused(keys.unlock(VAULT, WRONG), Code.WRONG_SECRET)).details["remaining"] == 8
    await keys.unlock(VAULT, PIN)
    assert await keys.tries_left(VAULT) == 10


async def test_the_tenth_wrong_try_destroys_the_key_even_with_a_restart_before_each(
    restart, tmp_path
) -> None:
    await restart().create_vault_key(VAULT, PIN)
    for remaining in range(9, 0, -1):
        refusal = await refused(restart().unlock(VAULT, WRONG), Code.WRONG_SECRET)
        assert refusal.details["remaining"] == remaining
    await refused(restart().unlock(VAULT, WRONG), Code.VAULT_DESTROYED)
    await refused(restart().unlock(VAULT, PIN), Code.VAULT_DESTROYED)
    assert not await restart().has_vault_key(VAULT)
    record = json.loads((tmp_path / "records" / f"wrap-{VAULT}").read_bytes())
    assert record["sealed"] == []
    assert not (tmp_path / "device" / f"vault-{VAULT}").exists()


async def test_the_organisations_own_number_of_tries_destroys_the_key(restart) -> None:
    keys = restart()
    await keys.create_vault_key(VAULT, PIN)
    await refused(keys.unlock(VAULT, WRONG), Code.WRONG_SECRET)
    await keys.allow_tries(VAULT, 4)
    assert await restart().tries_left(VAULT) == 3, "what was spent stays spent"
    await keys.change_secret(VAULT, PIN, "161803")
    assert await restart().tries_left(VAULT) == 4
    for remaining in (3, 2, 1):
        refusal = await refused(restart().unlock(VAULT, WRONG), Code.WRONG_SECRET)
        assert refusal.details["remaining"] == remaining
    await refused(restart().unlock(VAULT, WRONG), Code.VAULT_DESTROYED)


async def test_a_wrap_of_an_older_app_allows_ten_tries(restart, tmp_path) -> None:
    await restart().create_vault_key(VAULT, PIN)
    path = tmp_path / "records" / f"wrap-{VAULT}"
    record = json.loads(path.read_bytes())
    del record["tries"]
    path.write_bytes(json.dumps(record).encode())
    await refused(restart().unlock(VAULT, WRONG), Code.WRONG_SECRET)
    await restart().unlock(VAULT, PIN)
    assert await restart().tries_left(VAULT) == 10


async def test_a_try_that_was_killed_half_way_stays_spent(restart, tmp_path) -> None:
    await restart().create_vault_key(VAULT, PIN)
    for _ in range(10):
        with pytest.raises(KeyboardInterrupt):
            await keyring(tmp_path, kind=KilledBeforeChecking).unlock(VAULT, PIN)
    await refused(restart().unlock(VAULT, PIN), Code.VAULT_DESTROYED)
    assert not await restart().has_vault_key(VAULT)


async def test_a_copied_wrap_opens_nowhere_else_and_costs_no_try(restart, tmp_path) -> None:
    await restart().create_vault_key(VAULT, PIN)
    elsewhere = keyring(tmp_path, device="another-device")
    refusal = await refused(elsewhere.unlock(VAULT, PIN), Code.VAULT_WRONG_KEY)
    assert refusal.details["reason"] == "no_device_key"
    assert await restart().tries_left(VAULT) == 10


async def test_another_devices_key_in_the_same_place_is_no_wrong_secret(restart, tmp_path) -> None:
    await restart().create_vault_key(VAULT, PIN)
    (tmp_path / "device" / f"vault-{VAULT}").write_bytes(bytes(32))
    refusal = await refused(restart().unlock(VAULT, PIN), Code.VAULT_WRONG_KEY)
    assert refusal.details["reason"] == "other_device"


async def test_a_wrap_in_another_vaults_place_does_not_open(restart, tmp_path) -> None:
    await restart().create_vault_key(VAULT, PIN)
    for folder, name in (("records", "wrap-"), ("device", "vault-")):
        (tmp_path / folder / f"{name}wang").write_bytes(
            (tmp_path / folder / f"{name}{VAULT}").read_bytes()
        )
    await refused(restart().unlock("wang", PIN), Code.VAULT_WRONG_KEY)


async def test_a_new_secret_opens_the_same_key_and_the_old_one_opens_nothing(restart) -> None:
    key = await restart().create_vault_key(VAULT, PIN)
    await restart().change_secret(VAULT, PIN, "更长的口令一句")
    assert (await restart().unlock(VAULT, "更长的口令一句")).key == key
    await refused(restart().unlock(VAULT, PIN), Code.WRONG_SECRET)


async def test_changing_the_secret_with_a_wrong_old_one_costs_a_try_and_changes_nothing(
    restart,
) -> None:
    key = await restart().create_vault_key(VAULT, PIN)
    await refused(restart().change_secret(VAULT, WRONG, "another secret"), Code.WRONG_SECRET)
    assert await restart().tries_left(VAULT) == 9
    assert (await restart().unlock(VAULT, PIN)).key == key


async def test_a_short_secret_is_refused_before_anything_is_stored(restart) -> None:
    refusal = await refused(restart().create_vault_key(VAULT, "31415"), Code.SECRET_TOO_SHORT)
    assert refusal.details["minimum"] == 6
    assert not await restart().has_vault_key(VAULT)


async def test_a_living_key_is_never_overwritten(restart) -> None:
    key = await restart().create_vault_key(VAULT, PIN)
    with pytest.raises(ValueError):
        await restart().create_vault_key(VAULT, PIN)
    assert (await restart().unlock(VAULT, PIN)).key == key


async def test_a_re_keying_killed_between_its_steps_leaves_both_keys_in_order(restart) -> None:
    keys = restart()
    old = await keys.create_vault_key(VAULT, PIN)
    new = await keys.stage_vault_key(VAULT)
    assert new != old
    after_the_kill = restart()
    assert (await after_the_kill.unlock(VAULT, PIN)).in_order() == (old, new)
    assert await after_the_kill.stage_vault_key(VAULT) == new
    await after_the_kill.keep_vault_key(VAULT, new)
    assert (await restart().unlock(VAULT, PIN)).in_order() == (new,)


async def test_a_re_keying_given_up_keeps_the_old_key_alone(restart) -> None:
    keys = restart()
    old = await keys.create_vault_key(VAULT, PIN)
    await keys.stage_vault_key(VAULT)
    await keys.keep_vault_key(VAULT, old)
    assert (await restart().unlock(VAULT, PIN)).in_order() == (old,)


async def test_changing_the_secret_in_the_middle_of_a_re_keying_keeps_both_keys(restart) -> None:
    keys = restart()
    old = await keys.create_vault_key(VAULT, PIN)
    new = await keys.stage_vault_key(VAULT)
    await restart().change_secret(VAULT, PIN, "another secret")
    assert (await restart().unlock(VAULT, "another secret")).in_order() == (old, new)


async def test_a_foreign_key_is_never_kept(restart) -> None:
    keys = restart()
    old = await keys.create_vault_key(VAULT, PIN)
    with pytest.raises(ValueError):
        await keys.keep_vault_key(VAULT, bytes(32))
    assert (await restart().unlock(VAULT, PIN)).in_order() == (old,)


async def test_a_locked_vault_cannot_be_re_keyed(restart) -> None:
    keys = restart()
    await keys.create_vault_key(VAULT, PIN)
    await keys.lock(VAULT)
    with pytest.raises(ValueError):
        await keys.stage_vault_key(VAULT)


async def test_a_forgotten_key_is_gone_and_the_vault_can_begin_anew(restart, tmp_path) -> None:
    old = await restart().create_vault_key(VAULT, PIN)
    await restart().forget(VAULT)
    assert not (tmp_path / "device" / f"vault-{VAULT}").exists()
    await refused(restart().unlock(VAULT, PIN), Code.VAULT_WRONG_KEY)
    assert await restart().create_vault_key(VAULT, PIN) != old


async def test_a_damaged_record_is_said_to_be_damaged(restart, tmp_path) -> None:
    await restart().create_vault_key(VAULT, PIN)
    (tmp_path / "records" / f"wrap-{VAULT}").write_bytes(b'{"version": 1')
    await refused(restart().unlock(VAULT, PIN), Code.VAULT_DAMAGED)


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "-a", "a" * 65])
async def test_a_vault_name_that_could_leave_its_folder_is_refused(restart, name: str) -> None:
    with pytest.raises(ValueError):
        await restart().create_vault_key(name, PIN)


async def test_keys_do_not_show_themselves_when_printed(restart) -> None:
    key = await restart().create_vault_key(VAULT, PIN)
    shown = repr(await restart().unlock(VAULT, PIN))
    assert key.hex() not in shown
    assert repr(key) not in shown
