"""Several server processes on one PostgreSQL: nobody misses a row, what the database undid is done
again, and one that has no connection left says so."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.base import Database, lock_organisation
from sync_server.db.limits import Limits, again
from sync_server.db.log import ALARM, ORG_STATE
from sync_server.db.records import RECORDS
from sync_server.services.writing import Unit, write
from tests.databases import RING, _empty
from tests.live_server import ROOT
from tests.server.field_org import ORG, Device, World
from tests.server.phones import Field, code

PROCESSES, THREADS, PUSHES = 4, 4, 3
VISITS = PROCESSES * THREADS * PUSHES * 2
PATIENCE = 60.0

pytestmark = pytest.mark.postgres


@pytest.fixture
def url(postgres_url: str, request: pytest.FixtureRequest) -> str:
    """The worker's PostgreSQL, emptied afterwards."""
    request.addfinalizer(lambda: _empty(postgres_url))
    return postgres_url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    made = Database(url, RING, limits=Limits(connections=6, wait_seconds=0.2, tries=4))
    yield made
    made.close()


class Follower(Device):
    """Holds a first copy, then pulls by its cursor and keeps what came, as it came."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.came: list[tuple[int, str]] | None = None
        self.sync()
        self.came = []

    def _take(self, line: Any) -> None:
        if self.came is None:
            super()._take(line)
            return
        assert line.seq > self.cursor, "a row from before the cursor"
        assert not self.came or line.seq >= self.came[-1][0], "rows out of their order"
        super()._take(line)
        if line.entity == "visit":
            self.came.append((line.seq, line.id))


@contextmanager
def writers(url: str, customer: str) -> Iterator[list[subprocess.Popen[str]]]:
    """The processes of sixteen writers, each waiting for a line."""
    command = [sys.executable, "-m", "tests.server.many_writers"]
    arguments = [url, customer, str(THREADS), str(PUSHES)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [*command, *arguments],
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(PROCESSES)
        ]
        stack.callback(lambda: [process.kill() for process in processes])
        for process in processes:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield processes


def test_a_cursor_misses_no_row_of_sixteen_writers_in_four_processes(
    database: Database, url: str
) -> None:
    """One transaction stays open the whole time and commits in the middle of the others."""
    world = World(database)
    customer = world.customer("an")
    follower = Follower(world, "an")
    half, under_way = threading.Event(), threading.Event()
    late = new_id()

    def long_one(unit: Unit) -> None:
        alarm = {
            "org_id": ORG,
            "id": new_id(),
            "kind": "x",
            "raised_at": "2026-11-23T01:00:00.000Z",
        }
        unit.connection.execute(insert(ALARM).values(alarm | {"staff_id": "x", "device_id": "x"}))
        visit = {"customer_id": customer, "owner_id": "x", "purpose": "care", "state": "planned"}
        unit.create("visit", visit | {"id": late})
        under_way.set()
        assert half.wait(PATIENCE)

    long_thread = threading.Thread(target=write, args=(database, ORG, world.now, long_one))
    long_thread.start()
    assert under_way.wait(PATIENCE)
    with ExitStack() as stack:
        stack.callback(long_thread.join)
        stack.callback(half.set)
        processes = stack.enter_context(writers(url, customer))
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        while any(process.poll() is None for process in processes):
            follower.sync()
            if len(follower.came) >= VISITS // 2:
                half.set()
        half.set()
        long_thread.join()
        follower.sync()
        made = {i for p in processes for i in json.loads(p.stdout.readline())} | {late}
        assert all(process.returncode == 0 for process in processes)
    ids = [i for _, i in follower.came]
    assert len(made) == VISITS + 1
    assert sorted(ids) == sorted(made)  # every one, and each once
    numbers = {i: seq for seq, i in follower.came}
    assert numbers == {row.id: row.seq for row in _visits(database)}


def _visits(database: Database) -> list[Any]:
    table = RECORDS["visit"]
    with database.read() as connection:
        return list(connection.execute(select(table.c.id, table.c.seq)))


@pytest.mark.parametrize("state", ["40001", "40P01"])
@pytest.mark.parametrize("times", [1, 3, 4])
def test_what_the_database_undid_is_done_again_and_not_for_ever(
    database: Database, state: str, times: int
) -> None:
    """With four tries."""
    world = World(database)
    made, ran = new_id(), []

    def work(unit: Unit) -> None:
        unit.create("store", {"id": made, "name": "二号店"})
        ran.append(1)
        if len(ran) <= times:
            unit.connection.execute(_raises(state))

    if times < 4:
        write(database, ORG, world.now, work)
        assert len(ran) == times + 1
    else:
        with pytest.raises(Refusal) as refused:
            write(database, ORG, world.now, work)
        assert refused.value.code is Code.SERVER_BUSY and len(ran) == 4
    assert (made in {row["id"] for row in world.rows("store")}) is (times < 4)


def _raises(state: str) -> Any:
    return text(f"DO $$ BEGIN RAISE EXCEPTION 'made by the test' USING ERRCODE = '{state}'; END $$")


def test_other_faults_are_not_tried_again() -> None:
    ran = []

    def work() -> None:
        ran.append(1)
        raise IntegrityError("x", {}, Exception())

    with pytest.raises(IntegrityError):
        again(work, 4)
    assert len(ran) == 1


def test_two_that_wait_for_each_other_both_go_through(database: Database) -> None:
    """A real deadlock: each holds the row that the other wants next."""
    world = World(database)
    with database.write() as connection:
        connection.execute(
            insert(ORG_STATE),
            [
                {"org_id": name, "last_seq": 0, "epoch": name, "backed_up_to": 0,
                 "next_case_number": 1}
                for name in ("left", "right")
            ],
        )  # fmt: skip
    together = threading.Barrier(2)
    ran, failures = [], []

    def work(first: str, second: str) -> Callable[[Unit], None]:
        met = []

        def touch(unit: Unit) -> None:
            ran.append(first)
            for name in (first, second):
                unit.connection.execute(
                    update(ORG_STATE)
                    .where(ORG_STATE.c.org_id == name)
                    .values(backed_up_to=ORG_STATE.c.backed_up_to + 1)
                )
                if not met:
                    met.append(1)
                    together.wait(PATIENCE)

        return touch

    def run(first: str, second: str) -> None:
        try:
            write(database, ORG, world.now, work(first, second))
        except BaseException as fault:
            failures.append(fault)

    threads = [
        threading.Thread(target=run, args=pair) for pair in (("left", "right"), ("right", "left"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and len(ran) == 3
    with database.read() as connection:
        counted = select(ORG_STATE.c.backed_up_to).where(ORG_STATE.c.org_id.in_(["left", "right"]))
        assert list(connection.scalars(counted)) == [2, 2]


@pytest.fixture
def field(database: Database, tmp_path: Path) -> Field:
    return Field.on(database, tmp_path)


@contextmanager
def undoing(database: Database, state: str, times: int) -> Iterator[None]:
    """The next `times` transactions that log a change are undone by the database. The count is a
    sequence's, which no rollback takes back."""
    with database.engine.begin() as connection:
        connection.execute(text("CREATE SEQUENCE undone"))
        connection.execute(
            text(
                "CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"IF nextval('undone') <= {times} THEN "
                f"RAISE EXCEPTION 'made by the test' USING ERRCODE = '{state}'; END IF; "
                "RETURN NEW; END $$"
            )
        )
        connection.execute(
            text(
                "CREATE TRIGGER undo BEFORE INSERT ON change_log "
                "FOR EACH STATEMENT EXECUTE FUNCTION undo()"
            )
        )
    try:
        yield
    finally:
        with database.engine.begin() as connection:
            connection.execute(text("DROP FUNCTION undo CASCADE"))
            connection.execute(text("DROP SEQUENCE undone"))


def _push(field: Field) -> Any:
    lin = field.phone("lin")
    now = "2026-11-21T08:00:00.000Z"
    change = {
        "change_id": new_id(), "number": 1, "grant_id": new_id(), "entity": "customer",
        "record_id": new_id(), "kind": "create", "fields": {"name": "新客户"},
        "claimed_at": now, "boot_id": "b", "monotonic_ms": 5,
    }  # fmt: skip
    told = {"app_version": "1", "sent_at": now, "boot_id": "b", "monotonic_ms": 9}
    return lin.send("POST", "/v1/sync/push", told | {"changes": [change]})


def test_a_push_that_the_database_undid_gets_its_outcome_all_the_same(
    database: Database, field: Field
) -> None:
    with undoing(database, "40P01", times=2):
        answer = _push(field)
    assert answer.status_code == 200, answer.text
    assert [o["verdict"] for o in answer.json()["outcomes"]] != ["retry"]


def test_a_push_that_never_goes_through_is_asked_for_patience(
    database: Database, field: Field
) -> None:
    with undoing(database, "40001", times=1000):
        answer = _push(field)
        assert (answer.status_code, code(answer)) == (503, Code.SERVER_BUSY.key)
        assert int(answer.headers["retry-after"]) > 0
    assert _push(field).status_code == 200


def test_a_server_without_a_connection_left_says_so_and_recovers(
    database: Database, field: Field
) -> None:
    lin = field.phone("lin")
    with ExitStack() as taken:
        for _ in range(database.limits.connections):
            taken.enter_context(database.engine.connect())
        with pytest.raises(NoConnectionLeft):
            database.engine.connect()
        for method, path, body in (
            ("GET", "/v1/auth/who", None),
            ("POST", "/v1/sync/pull", {"app_version": "1", "cursor": 0, "grants_digest": ""}),
            ("GET", "/v1/sync/poke", None),
        ):
            answer = lin.send(method, path, body)
            assert (answer.status_code, code(answer)) == (503, Code.SERVER_BUSY.key), path
            assert int(answer.headers["retry-after"]) > 0
    assert lin.who().status_code == 200


def test_a_lock_that_does_not_come_free_is_no_hang(url: str) -> None:
    """One writer holds the organisation's lock and does not move."""
    with ExitStack() as stack:
        stuck, waiting = (Database(url, RING, limits=Limits(lock_seconds=0.1)) for _ in range(2))
        stack.callback(stuck.close)
        stack.callback(waiting.close)
        world = World(stuck)
        held = stack.enter_context(stuck.write())
        held.execute(select(1))
        lock_organisation(held, ORG)
        with pytest.raises(DBAPIError) as fault:
            write(
                waiting,
                ORG,
                world.now,
                lambda unit: unit.create("store", {"id": new_id(), "name": "x"}),
            )
        assert fault.value.orig.sqlstate == "55P03"


def test_an_error_of_the_database_quotes_nothing_that_a_person_wrote(db: Database) -> None:
    secret = "客户的秘密"
    with pytest.raises(DBAPIError) as fault, db.write() as connection:
        connection.execute(text("SELECT :secret FROM nowhere"), {"secret": secret})
    assert secret not in str(fault.value)
