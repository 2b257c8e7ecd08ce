"""A sync that brings nothing costs next to nothing, and cuts no corner: what counts is on disk,
the checksum is of the rows as they are, and the lease runs on."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile.store import arrivals, commits
from mobile.store.commits import Commits
from mobile.store.schema import index_columns
from shared.declare import ENTITIES
from shared.errors import Code
from shared.rows import body_text, digest, total
from tests.mobile.store_world import World, customer, visit

ZHANG = customer("张伟")
HERE = f"customer:{ZHANG['id']}"


@pytest.fixture
def world() -> World:
    return World()


def fresh_sum(world: World) -> tuple[int, int]:
    rows = world.db.execute("SELECT entity, id, body FROM server_row").fetchall()
    return len(rows), total(digest(*row) for row in rows)


def counted(world: World) -> tuple[int, int]:
    checksum = world.store.inbound.checksum()
    return checksum.rows, checksum.digest


def test_the_checksum_is_that_of_the_rows_after_whatever_touched_them(world: World) -> None:
    world.hold(HERE, rows=(world.line("customer", ZHANG),))
    assert counted(world) == fresh_sum(world) and counted(world)[0] > 0
    for statement in (
        "UPDATE server_row SET digest = digest + 1",
        "INSERT INTO server_row SELECT entity, 'stray', bucket, seq, customer_id, case_id, at,"
        " state, 7, round, body FROM server_row LIMIT 1",
        "DELETE FROM server_row WHERE id = 'stray'",
        "UPDATE bucket SET complete = 0",
        "UPDATE bucket SET complete = 1",
        "UPDATE held_grant SET listed = 0",
        "UPDATE held_grant SET listed = 1",
        "DELETE FROM held_grant",
        "INSERT INTO held_grant SELECT 'another', no, 'owner', 'owner', '', NULL, 1 FROM bucket",
        "DELETE FROM bucket",
    ):
        before = counted(world)
        world.db.execute(statement)
        assert counted(world) != before, statement


def test_many_rows_at_once_are_counted_like_few(world: World) -> None:
    lines = [world.line("visit", visit(ZHANG, f"visit {n}")) for n in range(500)]
    world.hold(HERE, rows=(lines[0],))
    assert counted(world) == fresh_sum(world)
    world.pull(*lines)
    assert counted(world) == fresh_sum(world) and counted(world)[0] == 500
    before = counted(world)
    world.db.execute("DELETE FROM server_row WHERE id = ?", (lines[7].id,))
    assert counted(world) != before  # what is forgotten row by row is so again


def test_a_count_that_was_undone_is_not_remembered(world: World) -> None:
    world.hold(HERE, rows=(world.line("customer", ZHANG),))
    before = counted(world)
    with pytest.raises(KeyError), world.store.parts.commits.begin():
        world.db.execute("DELETE FROM server_row")
        assert counted(world) == (0, 0)
        raise KeyError
    assert counted(world) == before


def test_only_a_reply_that_brings_nothing_is_not_flushed_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.hold(HERE, rows=(world.line("customer", ZHANG),))
    flushed: list[bool] = []
    begin = Commits.begin

    def noted(self: Commits, *, durable: bool = True) -> object:
        flushed.append(durable)
        return begin(self, durable=durable)

    monkeypatch.setattr(commits.Commits, "begin", noted)
    world.pull()
    world.pull(world.line("customer", {**ZHANG, "needs": "新的"}, HERE))
    world.pull(lease=world.lease())
    world.pull(lease=world.lease(HERE))
    world.pull(lease=world.lease(active=False))
    assert flushed == [False, True, False, True, True]


def test_what_is_not_flushed_at_once_is_with_the_next_that_is(tmp_path: Path) -> None:
    def settings() -> tuple[object, object]:
        return db.execute("PRAGMA synchronous").get, db.execute("PRAGMA journal_mode").get

    db = apsw.Connection(str(tmp_path / "v.db"))
    db.execute(
        "PRAGMA journal_mode=wal; PRAGMA synchronous=full; CREATE TABLE meta (key, value)"
    ).fetchall()
    kept = Commits(db)
    before = settings()
    with kept.begin(durable=False):
        db.execute("INSERT INTO meta VALUES ('a', '1')")
    assert settings() == before
    with pytest.raises(KeyError), kept.begin(durable=False):
        raise KeyError
    assert settings() == before
    assert db.execute("SELECT value FROM meta").get == "1"
    db.close()


def test_a_long_log_is_brought_in_when_there_is_time(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / "v.db"))
    db.execute("PRAGMA journal_mode=wal; CREATE TABLE t (x)").fetchall()
    kept = Commits(db)
    with kept.begin():
        db.execute(
            "INSERT INTO t SELECT zeroblob(4000) FROM json_each(?)",
            (str([0] * commits.TIDY_PAGES),),
        )
    before = (tmp_path / "v.db").stat().st_size
    kept.tidy()
    assert (tmp_path / "v.db").stat().st_size > before + 4000 * (commits.TIDY_PAGES - 1)
    db.close()


def test_a_renewed_lease_reads_on_and_one_that_is_not_ends(world: World) -> None:
    world.hold(HERE, rows=(world.line("customer", ZHANG),))
    for _ in range(3):
        world.clock.advance(hours=48)
        world.pull(lease=world.lease())
        assert world.store.suspended() is None
    world.clock.advance(hours=73)
    assert world.store.suspended() is Code.LEASE_ENDED


WORDS = st.text(max_size=12) | st.sampled_from(
    ['"state":"x"', '{"at":"y"}', "\\", '\\"customer_id":"', "2026-11-21T08:00:00.000Z", ""]
)


@given(
    st.sampled_from(sorted(ENTITIES)),
    st.dictionaries(st.sampled_from(["notes", "title", "reason"]), WORDS),
    st.dictionaries(
        st.sampled_from(["id", "customer_id", "case_id", "state", "planned_at", "created_at"]),
        WORDS,
    ),
    st.booleans(),
)
def test_columns_read_from_the_text_are_those_of_the_row(
    name: str, texts: dict[str, str], columns: dict[str, str], nested: bool
) -> None:
    entity = ENTITIES[name]
    row: dict[str, object] = {**texts, **columns}
    if nested:
        row["answers"] = [{"state": "inner", "customer_id": "inner"}]
    places = arrivals._places(entity)
    found = None if places is None else arrivals._columns(places, body_text(row).encode())
    if found is not None:
        read = tuple(None if value is None else value.decode() for value in found)
        assert read == tuple(index_columns(entity, row))
