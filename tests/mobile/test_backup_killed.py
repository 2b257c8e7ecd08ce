"""The server is killed while it backs itself up, at every point; the machine is lost, the newest
whole backup is restored on another, and the phones that had synced since send their work again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from shared.entities import Visit
from shared.errors import Code
from shared.ids import new_id
from sync_server.app import create_app
from sync_server.bootstrap import build
from sync_server.db.log import CHANGE_LOG
from sync_server.db.migrate import upgrade
from sync_server.db.records import RECORDS
from sync_server.services.backup_manifest import whole_backups
from sync_server.services.backups import back_up, restore_sqlite, restored
from sync_server.settings import SQLITE_FILE, Settings
from tests.live_server import ROOT
from tests.mobile.sync_world import CUSTOMERS, VISIT, Handset, Line, furnish, handset
from tests.server.phones import ORG, AppClient, Field, HandClock, found_company

pytestmark = pytest.mark.processes


@dataclass
class Office:
    """One installation after another, each on a machine of its own: only backups and the key file
    are carried over."""

    folder: Path
    clock: HandClock = field(default_factory=HandClock)
    machines: int = 0

    def __post_init__(self) -> None:
        self.backups = self.folder / "backups"
        self.keys = self.folder / "in the safe" / "huifang.keys"
        self.world = self._started()
        found_company(self.world.server)
        furnish(self.world.server)

    def settings(self) -> Settings:
        return Settings(
            data_dir=self.folder / f"machine {self.machines}",
            key_file=self.keys,
            backup_dir=self.backups,
            password_memory_kib=64,
            password_iterations=1,
        )

    def lose_the_machine(self) -> None:
        """Another one is set up with what is left."""
        self.world.close()
        shutil.rmtree(self.settings().data_dir)
        self.machines += 1
        fresh = self.settings()
        restore_sqlite(self.backups, fresh.data_dir / SQLITE_FILE, fresh.files_path)
        self.world = self._started()
        restored(self.world.server.database, self.clock.now())

    def _started(self) -> Field:
        server = build(self.settings(), clock=self.clock)
        upgrade(server.database.engine)
        app = create_app(server)
        return Field(server, self.clock, AppClient(app), app)

    def back_up(self) -> None:
        server = self.world.server
        back_up(server.database, server.settings.files_path, self.backups, self.clock.now())


@dataclass
class Killer:
    """Takes backups in processes that die on their way."""

    program: subprocess.Popen[str]

    def back_up(self, office: Office, **where: int) -> str:
        asked = {
            "settings": office.settings().model_dump(mode="json", exclude_none=True),
            "now": office.clock.now().isoformat(),
            **where,
        }
        assert self.program.stdin is not None and self.program.stdout is not None
        self.program.stdin.write(json.dumps(asked) + "\n")
        self.program.stdin.flush()
        return self.program.stdout.readline().strip()


@pytest.fixture
def killer() -> Iterator[Killer]:
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.server.killed_backups"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with _ended(program):
        yield Killer(program)


@contextmanager
def _ended(program: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        assert program.stdin is not None and program.stdout is not None
        program.stdin.close()
        program.wait(60)
        program.stdout.close()


class Oracle:
    """What was written, by whom, and what must therefore be everywhere."""

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}
        self.first: dict[str, str] = {}

    def work(self, phone: Handset, words: str) -> None:
        """A new visit, and an edit of the phone's first one."""
        with phone.store.unit() as unit:
            made = {"purpose": "care", "state": "planned", "planned_at": VISIT["planned_at"]}
            visit = unit.create(
                Visit(id=new_id(), customer_id=CUSTOMERS[0], owner_id=phone.id, notes=words, **made)
            )
            first = phone.store.get(Visit, self.first.get(phone.who, ""))
            if first is not None:
                unit.update(first, notes=words)
                self.notes[first.id] = words
            unit.commit()
        self.notes[visit.id] = words
        self.first.setdefault(phone.who, visit.id)

    def holds(self, office: Office, *phones: Handset) -> None:
        """Nothing is lost, nothing is doubled, nothing is disputed."""
        table = RECORDS["visit"]
        with office.world.server.database.read() as connection:
            rows = connection.execute(select(table.c.id, table.c.notes)).all()
            log = select(func.count(), func.count(CHANGE_LOG.c.change_id.distinct()))
            logged, changes = connection.execute(log.where(CHANGE_LOG.c.org_id == ORG)).one()
        assert len(rows) == len({row.id for row in rows}) == len(self.notes) + 1
        assert {row.id: row.notes for row in rows if row.id != VISIT["id"]} == self.notes
        assert logged == changes
        for phone in phones:
            assert {v.id: v.notes for v in phone.store.find(Visit) if v.id != VISIT["id"]} == (
                self.notes
            )
            assert phone.store.status().unsent == 0
            assert phone.store.conflicts() == [] and phone.store.waiting() == []


async def synced(phone: Handset) -> None:
    """One sync that goes through. A restored server knows no token that was renewed after its
    backup: the person signs in again."""
    report = await phone.sync()
    if report.code is Code.SIGN_IN_REQUIRED:
        await phone.sign_in()
        report = await phone.sync()
    assert report.ok and report.agreed, report


async def carried_over(office: Office, *phones: Handset) -> None:
    """The phones reach the new machine at the old address, and sync until all have heard all."""
    for phone in phones:
        phone.line._transport = Line(office.world)._transport
    for phone in (*phones, *phones):
        await synced(phone)


# A backup takes some thirty steps there, the last of them when it is whole already; a file that is
# cut in its middle is the copy of the database.
POINTS: list[dict[str, int]] = [
    *({"step": step} for step in (0, 4, 8, 12, 16, 20, 22, 24, 25, 26, 27, 28, 29, 30, 60)),
    *({"bytes": most} for most in (1, 70_000, 400_000)),
]


async def test_a_backup_that_was_killed_anywhere_costs_nobody_any_work(
    tmp_path: Path, killer: Killer
) -> None:
    office, oracle = Office(tmp_path), Oracle()
    phones = [await handset(office.world, who) for who in ("lin", "chen")]
    store = office.world.server.files.store
    store.keep(ORG, "a" * 64, b"a photo")
    office.back_up()
    ends: list[tuple[str, int]] = []
    for point in POINTS:
        for phone in phones:
            oracle.work(phone, f"{point} {phone.who}")
            await synced(phone)
        office.clock.pass_by(minutes=10)
        ended = killer.back_up(office, **point)
        whole = whole_backups(office.backups)[-1].taken_at == office.clock.now()
        ends.append((ended, whole))
        assert whole or ended != "whole"
        for phone in phones:  # hears how far the backup reaches, and forgets what it holds
            oracle.work(phone, f"after {point} {phone.who}")
            await synced(phone)
        office.lose_the_machine()
        await carried_over(office, *phones)
        oracle.holds(office, *phones)
        assert office.world.server.files.store.read(ORG, "a" * 64) == b"a photo"
    assert ("killed", False) in ends and ("killed", True) in ends and ("whole", True) in ends


async def test_a_backup_that_was_cut_short_is_cleared_away_by_the_next_one(
    tmp_path: Path, killer: Killer
) -> None:
    office = Office(tmp_path)
    assert killer.back_up(office, bytes=70_000) == "killed"
    assert whole_backups(office.backups) == []
    assert list(office.backups.glob("huifang-*.new")) != []
    office.clock.pass_by(minutes=10)
    office.back_up()
    assert len(whole_backups(office.backups)) == 1
    assert list(office.backups.glob("huifang-*.new")) == []
    told: Any = whole_backups(office.backups)[0]
    assert told.taken_at == office.clock.now()
