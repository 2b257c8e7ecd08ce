"""The store's contract with use cases: what is read, what one unit of work does, what is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from mobile.store.meta import CASE_NUMBERS
from shared.codec import write
from shared.declare import Role
from shared.entities import Asset, Case, CaseEvent, Customer, File, Look, Policy, Reference, Visit
from shared.errors import Code, Refusal
from shared.looks import FIRST, entry_hash
from shared.messages import parse
from shared.wire import Change
from tests.mobile.store_world import ME, MORNING, World, an_id, case, customer, visit

ZHANG = customer("张伟", phone="138-0000-1234")
VISIT = visit(ZHANG)


@pytest.fixture
def world() -> World:
    world = World()
    world.hold(
        f"customer:{ZHANG['id']}",
        f"user:{ME}",
        "ref:policy",
        "ref:reference",
        rows=(world.line("customer", ZHANG), world.line("visit", VISIT)),
    )
    return world


def refused(code: Code) -> pytest.RaisesExc[Refusal]:
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.code is code)


def test_what_the_server_sent_is_read_as_a_record(world: World) -> None:
    found = world.store.get(Customer, ZHANG["id"])
    assert found is not None
    assert (found.name, found.phone, found.created_at) == ("张伟", "138-0000-1234", MORNING)
    assert world.store.get(Customer, an_id("nobody")) is None


def test_a_unit_lays_the_change_over_the_row_and_queues_it(world: World) -> None:
    store = world.store
    seen = store.get(Visit, VISIT["id"])
    assert seen is not None
    with store.unit() as unit:
        made = unit.update(seen, state="started", notes="到了")
        unit.commit()
    shown = store.row("visit", VISIT["id"])
    assert shown is not None
    assert made.state == store.get(Visit, VISIT["id"]).state == "started"
    assert shown.pending and shown.row["notes"] == "到了"
    (waiting,) = store.waiting()
    assert (waiting.number, waiting.kind, waiting.values) == (
        1,
        "update",
        {"state": "started", "notes": "到了"},
    )
    assert store.status().unsent == 1


def test_leaving_a_unit_without_commit_undoes_it(world: World) -> None:
    seen = world.store.get(Visit, VISIT["id"])
    assert seen is not None
    with world.store.unit() as unit:
        unit.update(seen, notes="算了")
    with pytest.raises(ZeroDivisionError), world.store.unit() as unit:
        unit.update(seen, notes="算了")
        raise ZeroDivisionError
    assert world.store.waiting() == []
    assert world.store.get(Visit, VISIT["id"]) == seen


def test_several_edits_of_one_record_in_a_unit_are_one_change(world: World) -> None:
    with world.store.unit() as unit:
        new = unit.create(planned("v2"))
        new = unit.update(new, minutes=30)
        unit.update(new, notes="带样品")
        unit.commit()
    (waiting,) = world.store.waiting()
    assert waiting.kind == "create"
    assert (waiting.values["minutes"], waiting.values["notes"]) == (30, "带样品")


def planned(word: str, **facts: object) -> Visit:
    base = Visit(
        id=an_id(word),
        customer_id=ZHANG["id"],
        owner_id=ME,
        purpose="care",
        state="planned",
        planned_at=MORNING + timedelta(hours=5),
    )
    return replace(base, **facts)


def test_a_change_names_the_number_that_its_author_saw(world: World) -> None:
    seen = world.store.get(Visit, VISIT["id"])
    assert seen is not None
    shown = world.store.row("visit", VISIT["id"])
    assert shown is not None
    world.pull(world.line("visit", {**VISIT, "notes": "别人写的"}))
    with world.store.unit() as unit:
        unit.update(seen, notes="我写的", minutes=20)
        unit.commit()
    base = sent(world)[0].base
    assert base["minutes"] == world.seq  # nobody else had touched it
    assert base["notes"] == 0  # it had moved on behind its author's back: a person must decide


def sent(world: World) -> list[Change]:
    return [
        parse(Change, json.loads(text))
        for _, text in world.store.parts.outbox.unsettled(100, 1_000_000)
    ]


def test_what_is_already_so_is_no_change(world: World) -> None:
    seen = world.store.get(Visit, VISIT["id"])
    assert seen is not None
    with world.store.unit() as unit:
        unit.update(seen, state="planned", notes=None, photo_ids=())
        unit.commit()
    assert world.store.waiting() == []


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"state": "cancelled", "notes": "x" * 8001}, Code.FIELD_TOO_LONG),
        ({"satisfaction": 101}, Code.FIELD_INVALID),
        ({"planned_at": None}, Code.FIELD_REQUIRED),
        ({"customer_id": an_id("other")}, Code.FIELD_INVALID),
        ({"surprise": 1}, Code.UNKNOWN_FIELD),
    ],
)
def test_a_bad_value_is_refused_where_it_is_authored(
    world: World, values: dict[str, object], code: Code
) -> None:
    seen = world.store.get(Visit, VISIT["id"])
    assert seen is not None
    with world.store.unit() as unit, refused(code):
        unit.update(seen, **values)


def test_a_move_that_may_not_follow_is_refused(world: World) -> None:
    world.pull(world.line("visit", {**VISIT, "state": "finished"}))
    seen = world.store.get(Visit, VISIT["id"])
    assert seen is not None
    with world.store.unit() as unit, refused(Code.MOVE_NOT_ALLOWED):
        unit.update(seen, state="planned")


def test_a_record_outside_every_grant_is_refused(world: World) -> None:
    with world.store.unit() as unit, refused(Code.OUT_OF_SCOPE):
        unit.create(planned("elsewhere", customer_id=an_id("a stranger")))


def test_a_role_creates_only_what_it_may(world: World) -> None:
    with world.store.unit() as unit, refused(Code.FIELD_NOT_YOURS):
        unit.create(Customer(id=an_id("n"), name="新", tier="high"))
    technician = World(Role.TECHNICIAN)
    technician.hold(f"customer:{ZHANG['id']}")
    with technician.store.unit() as unit, refused(Code.ROLE_NOT_ALLOWED):
        unit.create(planned("v3"))


def test_a_new_customer_goes_up_under_its_authors_own_bucket_with_all_that_follows(
    world: World,
) -> None:
    new = Customer(id=an_id("neu"), name="新客户")
    with world.store.unit() as unit:
        unit.create(new)
        unit.commit()
    with world.store.unit() as unit:
        unit.create(planned("v4", customer_id=new.id))
        unit.commit()
    assert {change.grant_id for change in sent(world)} == {an_id("grant", f"user:{ME}")}
    assert world.store.find(Visit, customer_id=new.id)[0].id == an_id("v4")


def test_a_technician_writes_an_asset_and_a_look_under_the_case() -> None:
    technician = World(Role.TECHNICIAN)
    repair = case(ZHANG)
    bucket = f"case:{repair['id']}"
    technician.hold(
        bucket,
        rows=(
            technician.line("case", repair, bucket),
            technician.line("customer", ZHANG, bucket),
        ),
    )
    with technician.store.unit() as unit:
        unit.create(Asset(id=an_id("asset"), customer_id=ZHANG["id"], product="冰箱", serial="SN1"))
        unit.look(ZHANG["id"], "case", repair["id"])
        unit.commit()
    assert {change.grant_id for change in sent(technician)} == {an_id("grant", bucket)}
    assert technician.store.search("SN1")[0].id == an_id("asset")


def test_looks_form_a_chain_over_units(world: World) -> None:
    for _ in range(2):
        with world.store.unit() as unit:
            first = unit.look(ZHANG["id"], "customer", ZHANG["id"])
            second = unit.look(ZHANG["id"], "visit", VISIT["id"], "unmasked")
            unit.commit()
    looks = [change.fields for change in sent(world)]
    assert [entry["number"] for entry in looks] == [1, 2, 3, 4]
    assert looks[0]["previous"] == FIRST
    for change, after in zip(sent(world), looks[1:], strict=False):
        assert after["previous"] == entry_hash({"id": change.record_id, **change.fields})
    assert isinstance(first, Look) and write(second)["previous"] == entry_hash(write(first))
    assert world.store.waiting() == []  # nobody's work


def test_a_file_is_kept_with_its_hash_and_read_again(world: World) -> None:
    data = bytes(range(256)) * 3000
    with world.store.unit() as unit:
        made = unit.attach(
            File(id=an_id("f"), customer_id=ZHANG["id"], media_type="image/jpeg"), data
        )
        unit.commit()
    assert made.bytes == len(data)
    assert world.store.blob(made.sha256) == data
    assert world.store.status().unsent_files == 1


def test_a_photo_over_the_limit_is_refused_and_nothing_is_stored(world: World) -> None:
    big = File(id=an_id("f"), customer_id=ZHANG["id"], media_type="image/jpeg")
    with world.store.unit() as unit, refused(Code.FILE_TOO_LARGE):
        unit.attach(big, bytes(60_000_000))
    assert world.store.status().unsent_files == 0


def test_a_record_over_the_limit_is_refused(world: World) -> None:
    policy = {
        "id": an_id("policy"),
        "version": 2,
        "holds_from": "2026-01-01T00:00:00.000Z",
        "settings": {"max_record_bytes": 400},
    }
    world.pull(world.line("policy", policy))
    seen = world.store.get(Visit, VISIT["id"])
    assert seen is not None
    with world.store.unit() as unit, refused(Code.RECORD_TOO_LARGE):
        unit.update(seen, notes="很长" * 200)


def test_case_numbers_come_from_the_block_and_then_from_the_devices_own_series(
    world: World,
) -> None:
    world.store.parts.meta.put(CASE_NUMBERS, [{"prefix": "R26-", "first": 8, "last": 9}])
    with world.store.unit() as unit:
        taken_and_left = unit.case_number()
    with world.store.unit() as unit:
        taken = [unit.case_number(), unit.case_number(), unit.case_number()]
        unit.commit()
    with world.store.unit() as unit:
        taken.append(unit.case_number())
        unit.commit()
    assert taken_and_left == "R26-8"
    assert taken[:2] == ["R26-8", "R26-9"]
    assert taken[2].startswith("D") and taken[2].endswith("-1") and taken[3].endswith("-2")


def test_agenda_holds_what_is_open_by_time(world: World) -> None:
    early = visit(ZHANG, "early", planned_at="2026-11-20T01:00:00.000Z")
    done = visit(ZHANG, "done", planned_at="2026-11-20T02:00:00.000Z", state="finished")
    world.pull(world.line("visit", early), world.line("visit", done))
    agenda = world.store.agenda(Visit)
    assert [v.id for v in agenda] == [early["id"], VISIT["id"]]
    assert [v.id for v in world.store.agenda(Visit, until=MORNING)] == [early["id"]]
    assert world.store.agenda(Visit, limit=1)[0].id == early["id"]


def test_find_narrows_orders_and_pages(world: World) -> None:
    for day in (1, 2, 3):
        done = visit(ZHANG, f"d{day}", planned_at=f"2026-11-0{day}T01:00:00.000Z", state="finished")
        world.pull(world.line("visit", done))
    find = world.store.find
    newest = find(Visit, customer_id=ZHANG["id"], newest_first=True, limit=2)
    assert [v.id for v in newest] == [VISIT["id"], an_id("d3")]
    assert [v.id for v in find(Visit, state="finished", offset=1)] == [an_id("d2"), an_id("d3")]
    assert find(Visit, purpose="care", owner_id=ME, notes=None, limit=1)[0].id == an_id("d1")
    assert find(Visit, planned_at=MORNING) == []
    assert world.store.count(Visit, state="finished") == 3
    with pytest.raises(TypeError):
        find(Visit, nonsense=1)


def test_drafts_are_kept_replaced_and_go_with_the_unit_that_used_them(world: World) -> None:
    key = f"visit/{VISIT['id']}"
    world.store.save_draft(key, {"notes": "半"})
    world.store.save_draft(key, {"notes": "半句", "minutes": 20})
    assert world.store.draft(key) == {"notes": "半句", "minutes": 20}
    assert world.store.drafts("visit/") == [key]
    seen = world.store.get(Visit, VISIT["id"])
    assert seen is not None
    with world.store.unit() as unit:
        unit.update(seen, notes="整句")
        unit.discard_draft(key)
        unit.commit()
    assert world.store.draft(key) is None
    assert world.store.drafts() == []


def test_listeners_hear_of_each_commit_until_they_leave(world: World) -> None:
    heard: list[frozenset[tuple[str, str]]] = []
    leave = world.store.subscribe(heard.append)
    world.pull(world.line("visit", {**VISIT, "minutes": 15}))
    leave()
    world.pull(world.line("visit", {**VISIT, "minutes": 20}))
    assert heard == [frozenset({("visit", VISIT["id"])})]


def test_policy_calendar_and_catalogues_come_from_the_reference_buckets(world: World) -> None:
    assert world.store.policy().lease_hours == 72
    assert world.store.calendar().is_provisional(MORNING.date())
    world.pull(
        world.line(
            "policy",
            {
                "id": an_id("p"),
                "version": 3,
                "holds_from": "2026-01-01T00:00:00.000Z",
                "settings": {"lease_hours": 24},
            },
        ),
        world.line(
            "reference",
            {
                "id": an_id("cal"),
                "catalogue": "calendar",
                "key": "cn-2026",
                "data": {"known_until": "2026-12-31", "holidays": ["2026-11-23"]},
            },
        ),
        *(
            world.line(
                "reference",
                {
                    "id": an_id(key),
                    "catalogue": "visit_template",
                    "key": key,
                    "order": order,
                    "data": {},
                },
            )
            for key, order in (("b", 2), ("a", 3), ("c", 1))
        ),
    )
    assert world.store.policy().lease_hours == 24
    assert not world.store.calendar().is_workday(MORNING.date())
    assert [r.key for r in world.store.references("visit_template")] == ["c", "b", "a"]
    assert world.store.find(Policy)[0].version == 3
    assert world.store.count(Reference) == 4


def test_case_records_are_found_by_case(world: World) -> None:
    repair = case(ZHANG)
    event = {
        "id": an_id("event"),
        "case_id": repair["id"],
        "customer_id": ZHANG["id"],
        "kind": "moved",
        "happened_at": "2026-11-22T01:00:00.000Z",
    }
    world.pull(world.line("case", repair), world.line("case_event", event))
    assert world.store.find(CaseEvent, case_id=repair["id"])[0].id == event["id"]
    assert world.store.agenda(Case)[0].number == "C-1001"
