"""Writes that are gathered are the writes that were made: read back at once, on disk when flushed,
refused without harm when the disk is full."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile.store import gathering
from mobile.store.files import NoRoom
from mobile.store.gathering import GatheredFile
from mobile.store.pool import MemoryDisk, MemoryFile

OFFSETS = st.integers(0, 40)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), OFFSETS, st.binary(min_size=1, max_size=12)),
        st.tuples(st.just("append"), st.just(0), st.binary(min_size=1, max_size=12)),
        st.tuples(st.just("read"), OFFSETS, st.binary(min_size=1, max_size=30)),
        st.tuples(st.just("truncate"), OFFSETS, st.just(b"")),
        st.tuples(st.just("flush"), st.just(0), st.just(b"")),
    ),
    max_size=30,
)


class Noted(MemoryFile):
    """A file that counts its writes."""

    writes = 0

    def write(self, data: bytes, offset: int) -> None:
        self.writes += 1
        super().write(data, offset)


@given(STEPS, st.sampled_from([8, 20, 1000]))
def test_a_gathered_file_is_the_file(steps: list[tuple[str, int, bytes]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "MOST", most)
        plain, disk = MemoryFile(MemoryDisk(), "a"), MemoryDisk()
        gathered = GatheredFile(MemoryFile(disk, "a"))
        for verb, offset, data in steps:
            at = plain.size() if verb == "append" else offset
            for file in (plain, gathered):
                if verb in ("write", "append"):
                    file.write(data, at)
                elif verb == "truncate":
                    file.truncate(offset)
                elif verb == "flush":
                    file.flush()
            assert gathered.read(len(data), offset) == plain.read(len(data), offset)
            assert gathered.size() == plain.size()
            if verb == "flush":
                assert bytes(disk.files["a"]) == plain.read(plain.size(), 0)


def test_writes_that_follow_one_another_are_one() -> None:
    file = Noted(MemoryDisk(), "a")
    gathered = GatheredFile(file)
    for number in range(100):
        gathered.write(bytes([number]), number)
    assert file.writes == 0 and gathered.read(2, 50) == bytes([50, 51])
    gathered.flush()
    assert file.writes == 1 and gathered.read(100, 0) == bytes(range(100))


def test_a_full_disk_takes_back_nothing_that_was_taken() -> None:
    disk = MemoryDisk(room=8)
    gathered = GatheredFile(MemoryFile(disk, "a"))
    gathered.write(b"0123456789", 0)
    with pytest.raises(NoRoom):
        gathered.flush()
    assert gathered.read(10, 0) == b"0123456789"
    with pytest.raises(NoRoom):
        gathered.write(b"x", 3)
    disk.room = 100
    gathered.write(b"x", 3)
    gathered.flush()
    assert bytes(disk.files["a"]) == b"012x456789"
