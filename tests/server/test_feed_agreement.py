"""What a device holds after a sync is what the server would send afresh (L5), whatever happened
in which order."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from shared.access import parse_bucket, project
from shared.clock import to_wire
from shared.declare import ENTITIES
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.rows import body_text, digest
from shared.wire import PullRequest, SnapshotRequest
from sync_server.db.base import METADATA, Database
from sync_server.db.log import BUCKET_HEAD, FEED
from sync_server.db.records import RECORDS
from sync_server.services import scopes
from sync_server.services.epochs import backed_up, begin_epoch
from sync_server.services.pull import pull
from sync_server.services.snapshot import snapshot
from tests.server.field_org import ORG, PEOPLE, Device, World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def heads_agree_with_the_feed(world: World) -> None:
    """Each head's count and digest are those of its bucket's rows, and each row's digest that of
    its body."""
    with world.db.read() as connection:
        rows = connection.execute(select(FEED).where(FEED.c.org_id == ORG)).all()
        heads = connection.execute(select(BUCKET_HEAD).where(BUCKET_HEAD.c.org_id == ORG)).all()
    counted: dict[str, list[int]] = {}
    for row in rows:
        assert row.digest == digest(row.entity, row.record_id, row.body or "")
        head = counted.setdefault(row.bucket, [0, 0, 0])
        head[0] = max(head[0], row.seq)
        head[1] += row.body is not None
        head[2] = (head[2] + row.digest) % 2**40
    told = {h.bucket: [h.max_seq, h.row_count, h.digest] for h in heads}
    assert {b: h[1:] for b, h in told.items()} == {b: h[1:] for b, h in counted.items()}
    assert all(told[b][0] >= counted[b][0] for b in told)


def feed_says_what_the_tables_say(world: World) -> None:
    """Ready-made JSON and typed rows are two forms of the same record, in every bucket."""
    tables = {name: {row["id"]: row for row in world.rows(name)} for name in RECORDS}
    with world.db.read() as connection:
        fed = connection.execute(select(FEED).where(FEED.c.org_id == ORG, FEED.c.digest != 0)).all()
    assert fed
    for row in fed:
        record = tables[row.entity][row.record_id]
        shown = project(ENTITIES[row.entity], record, parse_bucket(row.bucket))
        assert row.body == body_text(shown), (row.bucket, row.entity)


def test_a_record_with_every_kind_of_value_is_the_same_in_both_its_forms(world: World) -> None:
    customer = world.customer("an", birthday="1980-02-29", vip=False, spend_12m_cents=-5)
    case = world.case(customer, "tan", reopened=0, waiting_for="parts", photo_ids=[new_id()])
    an = world.device("an")
    an.sync()
    visit = an.visit(
        customer,
        position={
            "latitude": 31,
            "longitude": 121.5,
            "accuracy_m": 10.0,
            "fixed_at": "2026-11-23T09:00:00+08:00",
            "mocked": False,
        },
        answers=[{"key": "a", "answer": "是\t\n“好”\\"}],
        satisfaction=100,
        next_step_on="2026-12-01",
        minutes=45,
    )
    assert [o.verdict for o in an.push(visit)] == ["applied"]
    asset = {"id": new_id(), "customer_id": customer, "product": "冷柜", "price_cents": 10**12}
    world.write(lambda unit: unit.create("asset", asset | {"bought_at": "2020-01-01"}))
    world.write(lambda unit: unit.update("case", case, {"asset_id": asset["id"]}))
    feed_says_what_the_tables_say(world)
    assert '"fixed_at":"2026-11-23T01:00:00.000Z"' in world_body(world, visit.record_id)


def world_body(world: World, record_id: str) -> str:
    with world.db.read() as connection:
        return str(connection.scalar(select(FEED.c.body).where(FEED.c.record_id == record_id)))


def test_a_pull_brings_pages_that_never_cut_through_a_number(world: World) -> None:
    customer = world.customer("an")
    an = world.device("an")
    an.sync()

    def work(unit: Any) -> None:
        for n in range(25):
            unit.create("contact", {"id": new_id(), "customer_id": customer, "name": f"联系人{n}"})

    world.write(work)
    an.sync()
    assert len(an.ids("contact")) == 25


def test_a_record_in_two_buckets_of_one_holder_comes_in_both_on_one_page(world: World) -> None:
    customer = world.customer("mei")
    case = world.case(customer)
    policy = world.policy()

    def plan(unit: Any) -> None:
        row = {
            "id": new_id(),
            "customer_id": customer,
            "case_id": case,
            "kind": "care",
            "state": "scheduled",
            "due_at": to_wire(world.now),
        }
        unit.create("callback", row)
        scopes.assign_callback(unit, row["id"], person("mei"), policy)

    world.write(plan)
    mei = world.device("mei")
    mei.sync()
    for title in "甲乙丙":
        world.write(lambda unit, title=title: unit.update("case", case, {"title": title}))
        row = {"case_id": case, "customer_id": customer, "kind": "noted", "note": title}
        row |= {"id": new_id(), "happened_at": to_wire(world.now)}
        world.write(lambda unit, row=row: unit.create("case_event", row))
    for limit in (1, 3, 5):
        request = PullRequest(
            app_version="1",
            cursor=mei.cursor,
            grants_digest=mei.lease.grants_digest if mei.lease else "",
            epoch=mei.epoch,
            limit=limit,
            case_numbers_left=99,
        )
        page = pull(world.db, mei.caller, request, world.now, mei._sign)
        seqs = [line.seq for line in page.lines]
        assert len(seqs) == limit + 1 and all(seqs.count(seq) == 2 for seq in seqs)
    mei.sync()
    assert "丙" in mei.shown("case", case, f"case:{case}")
    assert "丙" in mei.shown("case", case, f"customer:{customer}")


def test_a_sync_with_nothing_new_sends_no_row(world: World) -> None:
    world.customer("an")
    an = world.device("an")
    an.sync()
    before = len(an.texts)
    world.customer("bai")
    header = an.sync()
    assert len(an.texts) == before
    assert header.lease is not None and header.fetch == []


def test_a_snapshot_resumes_behind_any_row(world: World) -> None:
    customers = [world.customer("an", name=f"客户{n}") for n in range(3)]
    an = world.device("an")
    an.sync()
    buckets = [f"customer:{c}" for c in reversed(customers)]
    whole = snapshot(world.db, an.caller, SnapshotRequest(buckets=buckets, limit=5000), world.now)
    assert [line.bucket for line in whole.lines] == sorted(
        (line.bucket for line in whole.lines), key=buckets.index
    )
    for cut in range(len(whole.lines)):
        after = whole.lines[cut]
        request = SnapshotRequest(
            buckets=buckets, after=(after.bucket, after.entity, after.id), limit=5000
        )
        rest = snapshot(world.db, an.caller, request, world.now)
        assert rest.lines == whole.lines[cut + 1 :]


def test_a_snapshot_leaves_out_a_bucket_whose_grant_ended_between_two_pages(world: World) -> None:
    first, second = sorted([world.customer("an"), world.customer("an")])
    an = world.device("an")
    an.sync()
    buckets = [f"customer:{first}", f"customer:{second}"]
    page = snapshot(world.db, an.caller, SnapshotRequest(buckets=buckets, limit=1), world.now)
    assert page.trailer.after is not None
    world.assign(second, "bai")
    request = SnapshotRequest(buckets=buckets, after=page.trailer.after, limit=5000)
    rest = snapshot(world.db, an.caller, request, world.now)
    assert rest.header.refused == [f"customer:{second}"]
    assert second not in "".join(line.body for line in rest.lines)


def test_a_restored_server_begins_an_epoch_and_devices_start_over(world: World) -> None:
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    visit = an.visit(customer)
    an.push(visit)
    an.sync()
    before = an.cursor
    epoch = begin_epoch(world.db, ORG)
    with pytest.raises(Refusal) as refused:
        an.push(visit)
    assert refused.value.code is Code.EPOCH_CHANGED
    assert refused.value.details == {"epoch": epoch}
    an.epoch = epoch  # heard; what the backup lacked is sent again first
    again = an.push_reply(visit)
    assert again.epoch == epoch and again.outcomes[0].verdict == "applied"
    an.epoch = None
    header = an.sync()
    assert header.epoch == epoch and an.cursor > before + 1_000_000
    assert visit.record_id in an.ids("visit")


def test_numbers_of_a_lost_epoch_are_never_given_again(world: World) -> None:
    customer = world.customer("an", city="南京")
    an, mei = world.device("an"), world.device("mei")
    an.sync()
    stale = an.update("customer", customer, {"city": "苏州"}, f"customer:{customer}")
    # The restored server lost what the device had seen up to a much higher number.
    stale = type(stale)(**{**_fields(stale), "base": {"city": an.cursor + 500}})
    an.epoch = begin_epoch(world.db, ORG)
    mei.sync()
    for n in range(3):
        mei.push(mei.update("customer", customer, {"city": f"城{n}"}, f"customer:{customer}"))
        mei.sync()
    assert [o.verdict for o in an.push(stale)] == ["conflict"]


def _fields(change: Any) -> dict[str, Any]:
    return {name: getattr(change, name) for name in change.__dataclass_fields__}


def test_a_device_hears_how_far_the_backup_reaches(world: World) -> None:
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    reply = an.push_reply(an.visit(customer))
    assert reply.backed_up_to == 0
    seq = reply.outcomes[0].seq
    backed_up(world.db, ORG, seq)
    backed_up(world.db, ORG, seq - 1)
    assert an.sync().backed_up_to == seq


def test_devices_that_open_cases_get_numbers_that_nobody_else_has(world: World) -> None:
    blocks = []
    for name in ("an", "bai", "an", "hu"):
        device = world.device(name)
        request = PullRequest(app_version="1", cursor=0, grants_digest="", case_numbers_left=0)
        page = pull(world.db, device.caller, request, world.now, device._sign)
        blocks.append(page.header.case_numbers)
    assert blocks[3] is None
    spans = [(b.first, b.last) for b in blocks[:3] if b is not None]
    assert len(spans) == 3
    assert all(late[0] == early[1] + 1 for early, late in zip(spans, spans[1:], strict=False))
    well_off = PullRequest(app_version="1", cursor=0, grants_digest="", case_numbers_left=40)
    page = pull(world.db, world.device("an").caller, well_off, world.now, world.device("an")._sign)
    assert page.header.case_numbers is None


def test_an_outdated_app_hears_that_it_is_and_may_still_push(world: World) -> None:
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    request = PullRequest(app_version="0", cursor=0, grants_digest="", protocol=0)
    page = pull(world.db, an.caller, request, world.now, an._sign)
    assert page.header.outdated and page.lines == []
    assert [o.verdict for o in an.push(an.visit(customer))] == ["applied"]


@pytest.mark.parametrize("writers", [4])
def test_numbers_come_in_commit_order_with_many_writers(world: World, writers: int) -> None:
    """A reader that follows the feed while others write misses none of their rows (design §5,
    Feed)."""
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    devices = [world.device("an") for _ in range(writers)]
    for device in devices:
        device.sync()
    done = threading.Event()
    failures: list[BaseException] = []

    def write_many(device: Device) -> None:
        try:
            for _ in range(8):
                outcomes = device.push(device.visit(customer), device.visit(customer))
                assert [o.verdict for o in outcomes] == ["applied", "applied"]
        except BaseException as error:
            failures.append(error)

    seen: set[str] = set()

    def follow() -> None:
        try:
            while True:
                last = done.is_set()
                an.sync()
                seen.update(an.ids("visit"))
                if last:
                    return
        except BaseException as error:
            failures.append(error)

    reader = threading.Thread(target=follow)
    threads = [threading.Thread(target=write_many, args=(device,)) for device in devices]
    for thread in (reader, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    assert failures == []
    assert seen == {row["id"] for row in world.rows("visit")} and len(seen) == writers * 16
    heads_agree_with_the_feed(world)


def test_two_devices_that_make_the_same_record_at_once_make_one(world: World) -> None:
    customer = world.customer("an")
    devices = [world.device("an"), world.device("mei")]
    for device in devices:
        device.sync()
    made = new_id()
    fields = devices[0].visit(customer).fields
    verdicts: list[str] = []
    together = threading.Barrier(2)

    def make(device: Device) -> None:
        change = device.create("visit", fields, f"customer:{customer}", record_id=made)
        together.wait()
        verdicts.extend(o.verdict for o in device.push(change))

    threads = [threading.Thread(target=make, args=(device,)) for device in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == ["applied", "applied"]
    assert [row["id"] for row in world.rows("visit")] == [made]
    heads_agree_with_the_feed(world)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "visit",
                "city",
                "case",
                "dispatch",
                "assign",
                "note",
                "close",
                "days",
                "sync",
                "contact",
            ]
        ),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    min_size=5,
    max_size=25,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_copies_agree_after_anything_that_people_do(db: Database, steps: list[Any]) -> None:
    with db.engine.begin() as connection:
        for table in METADATA.sorted_tables:
            if not table.name.startswith("audit_"):  # nobody deletes from those
                connection.execute(table.delete())
    world = World(db)
    devices = {name: world.device(name) for name in ("an", "bai", "tan", "tu", "mei")}
    customers = [world.customer("an"), world.customer("bai")]
    cases = [world.case(customers[0], "tan")]
    for device in devices.values():
        device.sync()
    for step, i, j in steps:
        _step(world, devices, customers, cases, step, i, j)
    for name in PEOPLE:
        device = devices.get(name) or world.device(name)
        device.sync()
        fresh = world.device(name)
        fresh.sync()
        assert {k: b for k, (_, b) in device.rows.items()} == {
            k: b for k, (_, b) in fresh.rows.items()
        }
    heads_agree_with_the_feed(world)
    feed_says_what_the_tables_say(world)


def _step(
    world: World,
    devices: dict[str, Device],
    customers: list[str],
    cases: list[str],
    step: str,
    i: int,
    j: int,
) -> None:
    customer, case = customers[i % len(customers)], cases[j % len(cases)]
    managers = [devices["an"], devices["bai"], devices["mei"]]
    device = managers[j % 3]
    bucket = f"customer:{customer}"
    holds = any(grant.bucket == bucket for grant in device.grants.values())
    if step == "visit" and holds:
        device.push(device.visit(customer, notes=str(j)))
    elif step == "city" and holds:
        device.push(device.update("customer", customer, {"city": f"城{i}{j}"}, bucket))
    elif step == "contact":
        row = {"id": new_id(), "customer_id": customer, "name": "王五"}
        world.write(lambda unit: unit.create("contact", row))
        if world.row("case", case)["customer_id"] == customer:
            world.write(lambda unit: unit.update("case", case, {"contact_id": row["id"]}))
    elif step == "case":
        cases.append(world.case(customer))
    elif step == "dispatch":
        world.dispatch(case, ("tan", "tu")[i % 2])
    elif step == "assign":
        world.assign(customer, ("an", "bai")[j % 2])
    elif step == "note":
        world.write(lambda unit: unit.update("case", case, {"description": f"{i}{j}"}))
    elif step == "close":
        closed = {"state": "closed", "closed_at": to_wire(world.now)}

        def close(unit: Any) -> None:
            unit.update("case", case, closed)
            scopes.settle_case_grants(unit, case, world.policy())

        world.write(close)
    elif step == "days":
        world.now += timedelta(days=i + 1)
    elif step == "sync":
        list(devices.values())[j % 5].sync()
