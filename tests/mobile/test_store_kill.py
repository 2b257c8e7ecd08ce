"""A process killed at any statement: what was reported as saved is there, and nothing is half
there (L1).

Each case runs in a forked child that ends itself without warning before its n-th statement, for
every n.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mobile.store.files import DirectoryFiles
from mobile.store.meta import CURSOR, LOOKS
from mobile.store.vault import open_vault
from shared.entities import File, Visit
from shared.wire import Drop
from tests.mobile.store_world import ME, World, an_id, customer, visit

ZHANG = customer("张伟")
VISIT = visit(ZHANG)
DRAFT = f"visit/{VISIT['id']}"
KEY = bytes(range(32))
DATA = os.urandom(600_000)
BUCKETS = (f"customer:{ZHANG['id']}", f"user:{ME}")

Work = Callable[[World], None]


class VaultWorld(World):
    """A world over an encrypted vault on the disk."""

    def __init__(self, folder: Path, seq: int = 600) -> None:
        self._files = DirectoryFiles(folder)
        asyncio.run(self._files.claim("vault"))
        super().__init__(db=open_vault(self._files, "vault", KEY), seq=seq)

    def close(self) -> None:
        self.db.close()
        asyncio.run(self._files.release("vault"))


@pytest.fixture
def seeded(tmp_path: Path) -> Path:
    """A vault as after a first sync, with a draft in it."""
    folder = tmp_path / "seeded"
    folder.mkdir()
    world = VaultWorld(folder, seq=500)
    rows = (world.line("customer", ZHANG), world.line("visit", VISIT))
    world.hold(*BUCKETS, rows=rows)
    world.store.save_draft(DRAFT, {"notes": "半句"})
    world.close()
    return folder


def killed_everywhere(seeded: Path, folder: Path, work: Work) -> Iterator[tuple[World, bool]]:
    """For each statement of `work`: the world as it is found after a kill before it, and whether
    `work` had reported that it was done. Ends with the first run that nothing killed."""
    number, survived = 0, False
    while not survived:
        number += 1
        place = folder / f"run {number}"
        shutil.copytree(seeded, place)
        reported, report = os.pipe()
        child = os.fork()
        if child == 0:
            _live_until(number, place, work, report)
        os.close(report)
        with os.fdopen(reported, "rb") as told:
            done = told.read() == b"done"
        _, status = os.waitpid(child, 0)
        survived = os.waitstatus_to_exitcode(status) == 0
        assert survived or os.waitstatus_to_exitcode(status) == KILLED
        world = VaultWorld(place)
        yield world, done
        world.close()


KILLED = 9


def _live_until(number: int, place: Path, work: Work, report: int) -> None:
    """In the child: never returns."""
    try:
        world = VaultWorld(place)
        left = number

        def count(*_statement: object) -> bool:
            nonlocal left
            left -= 1
            if left == 0:
                os._exit(KILLED)
            return True

        world.db.exec_trace = count
        work(world)
        os.write(report, b"done")
        world.db.exec_trace = None
    except BaseException:
        os._exit(1)
    os._exit(0)


def one_tap(world: World) -> None:
    seen = world.store.get(Visit, VISIT["id"])
    assert seen is not None
    with world.store.unit() as unit:
        unit.update(seen, state="started", notes="整句")
        unit.attach(File(id=an_id("f"), customer_id=ZHANG["id"], media_type="image/jpeg"), DATA)
        unit.look(ZHANG["id"], "customer", ZHANG["id"])
        unit.discard_draft(DRAFT)
        unit.commit()


def test_a_tap_is_whole_or_not_at_all(seeded: Path, tmp_path: Path) -> None:
    outcomes = set()
    for world, reported in killed_everywhere(seeded, tmp_path, one_tap):
        store = world.store
        changes = int(store.parts.db.execute("SELECT count(*) FROM outbox").get)
        saved = changes == 3
        assert saved or changes == 0
        assert saved or not reported
        shown = store.get(Visit, VISIT["id"])
        assert shown is not None and (shown.notes == "整句") is saved
        assert (store.draft(DRAFT) is None) is saved
        assert store.status().unsent_files == int(saved)
        assert (store.parts.meta.get(LOOKS) is not None) is saved
        file = store.get(File, an_id("f"))
        assert (file is not None) is saved
        assert file is None or store.blob(file.sha256) == DATA
        outcomes.add((saved, reported))
    # Killed before, and after the commit but before the report, and not at all.
    assert {(False, False), (True, True)} <= outcomes


def a_page(world: World) -> None:
    world.pull(
        world.line("visit", {**VISIT, "notes": "服务器的"}),
        world.line("visit", visit(ZHANG, "second")),
    )


def test_a_page_and_its_cursor_are_stored_together(seeded: Path, tmp_path: Path) -> None:
    seen = set()
    for world, reported in killed_everywhere(seeded, tmp_path, a_page):
        arrived = world.store.parts.meta.get(CURSOR) == 602
        shown = world.store.get(Visit, VISIT["id"])
        assert shown is not None and (shown.notes == "服务器的") is arrived
        assert (world.store.get(Visit, an_id("second")) is not None) is arrived
        assert arrived or not reported
        seen.add(arrived)
    assert seen == {False, True}


def a_drop(world: World) -> None:
    grant = an_id("grant", BUCKETS[0])
    drop = Drop(grant_id=grant, bucket=BUCKETS[0], reason="reassigned")
    world.pull(lease=world.lease(BUCKETS[1], drops=[drop]))


def test_a_drop_is_whole_and_remembers_that_the_key_must_change(
    seeded: Path, tmp_path: Path
) -> None:
    for world, reported in killed_everywhere(seeded, tmp_path, a_drop):
        gone = world.store.inbound.rekey_due() is not None
        rows = int(world.db.execute("SELECT count(*) FROM server_row").get)
        assert (rows == 0) is gone
        assert gone or not reported
