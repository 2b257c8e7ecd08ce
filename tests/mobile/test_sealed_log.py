"""The sealed outbox: what was appended is there after any kill, cut or damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile.store.files import DirectoryFiles, VaultFiles
from mobile.store.pool import MemoryDisk, MemoryFiles
from mobile.store.sealed_log import SealedLog
from shared.errors import Code, Refusal
from tests.mobile.failing_disk import WHAT_A_CUT_KEEPS, FailingDisk, FailingFiles, PowerCut

Restart = Callable[[], SealedLog]


async def claimed(files: VaultFiles) -> VaultFiles:
    await files.claim("lin")
    return files


def contents(log: SealedLog) -> list[tuple[int, bytes]]:
    return [(entry.seq, entry.sealed) for entry in log.entries()]


async def log_on(disk: MemoryDisk) -> SealedLog:
    """The log as a fresh start finds it on a copy of `disk`."""
    return SealedLog(await claimed(MemoryFiles(disk=MemoryDisk(disk.files))), "lin")


async def test_what_was_appended_is_there_after_a_restart_in_a_folder(tmp_path: Path) -> None:
    files = DirectoryFiles(tmp_path)
    log = SealedLog(await claimed(files), "lin")
    assert [log.append(sealed) for sealed in (b"one", b"two" * 5000, b"three")] == [1, 2, 3]
    await files.release("lin")
    again = DirectoryFiles(tmp_path)
    log = SealedLog(await claimed(again), "lin")
    assert contents(log) == [(1, b"one"), (2, b"two" * 5000), (3, b"three")]
    assert log.append(b"four") == 4
    log.discard_through(3)
    assert contents(log) == [(4, b"four")]
    await again.release("lin")


async def test_entries_can_be_read_from_where_the_last_upload_ended() -> None:
    log = await log_on(MemoryDisk())
    for sealed in (b"one", b"two", b"three"):
        log.append(sealed)
    assert [entry.sealed for entry in log.entries(after=2)] == [b"three"]
    assert len(log) == 3


async def test_numbers_are_never_given_twice_even_when_the_log_is_empty() -> None:
    disk = MemoryDisk()
    log = SealedLog(await claimed(MemoryFiles(disk=disk)), "lin")
    log.append(b"one")
    log.append(b"two")
    log.discard_through(2)
    assert contents(log) == []
    assert (await log_on(disk)).append(b"three") == 3


async def test_discarding_gives_the_room_back() -> None:
    disk = MemoryDisk()
    log = SealedLog(await claimed(MemoryFiles(disk=disk)), "lin")
    for _ in range(100):
        log.append(bytes(1000))
    log.discard_through(99)
    assert disk.used() < 2000
    log.discard_through(99)
    assert contents(log) == [(100, bytes(1000))]


async def test_a_torn_last_entry_is_cut_off_wherever_it_was_torn() -> None:
    disk = MemoryDisk()
    log = SealedLog(await claimed(MemoryFiles(disk=disk)), "lin")
    log.append(b"whole")
    whole = disk.used()
    log.append(b"torn")
    (name,) = (name for name, data in disk.files.items() if data)
    for size in range(whole, disk.used()):
        torn = MemoryDisk({name: disk.files[name][:size]})
        found = await log_on(torn)
        assert contents(found) == [(1, b"whole")]
        assert found.damaged == 0
        assert found.append(b"after") == 2
        assert contents(found) == [(1, b"whole"), (2, b"after")]


@given(st.data())
async def test_damage_in_the_middle_costs_the_damaged_entries_alone(data: st.DataObject) -> None:
    disk = MemoryDisk()
    log = SealedLog(await claimed(MemoryFiles(disk=disk)), "lin")
    sealed = [b"entry-%d" % number * 3 for number in range(1, 6)]
    starts = []
    for one in sealed:
        starts.append(disk.used())
        log.append(one)
    (name,) = (name for name, found in disk.files.items() if found)
    at = data.draw(st.integers(0, disk.used() - 1), label="damaged byte")
    disk.files[name][at] ^= data.draw(st.integers(1, 255), label="by")
    hit = sum(start <= at for start in starts)  # 0: the header
    found = await log_on(disk)
    assert contents(found) == [(n, one) for n, one in enumerate(sealed, 1) if n != hit]
    if hit != len(sealed):  # a damaged end cannot be told from a torn one
        assert found.damaged == 1
    assert found.append(b"after") > max(n for n, _ in contents(found)[:-1])


async def test_a_full_disk_is_said_and_leaves_the_log_as_it_was() -> None:
    disk = MemoryDisk()
    log = SealedLog(await claimed(MemoryFiles(disk=disk)), "lin")
    log.append(b"one")
    used = disk.used()
    disk.room = used + 10
    for action in (lambda: log.append(b"two"), lambda: log.append(bytes(5000))):
        with pytest.raises(Refusal) as caught:
            action()
        assert caught.value.code is Code.DISK_FULL
        assert disk.used() == used
    assert contents(log) == contents(await log_on(disk)) == [(1, b"one")]
    disk.room = None
    assert log.append(b"two") == 2


@pytest.mark.parametrize("kept", WHAT_A_CUT_KEEPS)
async def test_a_power_cut_while_discarding_loses_nothing_that_was_kept(kept: str) -> None:
    before = [(n, b"%d" % n) for n in range(1, 6)]
    seen = set()
    done = False
    for step in range(100):
        disk = FailingDisk()
        log = SealedLog(await claimed(FailingFiles(disk)), "lin")
        for _, sealed in before:
            log.append(sealed)
        disk.steps_left = step
        try:
            log.discard_through(3)
        except PowerCut:
            pass
        else:
            done = True
        found = contents(await log_on(disk.after_the_cut(kept)))
        assert found in (before, before[3:]), f"step {step}"
        seen.add(len(found))
        if done:
            break
    assert done
    assert seen == {5, 2}


@pytest.mark.parametrize("kept", WHAT_A_CUT_KEEPS)
async def test_what_append_reported_survives_a_power_cut_right_after(kept: str) -> None:
    disk = FailingDisk()
    log = SealedLog(await claimed(FailingFiles(disk)), "lin")
    log.append(b"one")
    log.append(b"two")
    assert contents(await log_on(disk.after_the_cut(kept))) == [(1, b"one"), (2, b"two")]


@pytest.mark.parametrize("sealed", [b"", bytes(8 * 1024 * 1024 + 1)])
async def test_an_entry_that_could_not_be_read_again_is_never_written(sealed: bytes) -> None:
    log = await log_on(MemoryDisk())
    with pytest.raises(ValueError):
        log.append(sealed)
    assert contents(log) == []
