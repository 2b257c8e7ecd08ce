"""Pushing: exactly once, in any order, and nothing that came is lost (L1, L2)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shared.clock import to_wire
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.messages import dump
from shared.wire import Change
from sync_server.db.base import Database
from sync_server.db.log import ALARM, CHANGE_LOG
from sync_server.services import applying, judging
from sync_server.services.changes import read_push
from sync_server.services.push import push
from tests.server.field_org import Device, World, body_of, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def an(world: World) -> Device:
    return world.device("an")


def test_a_change_sent_again_has_one_effect_and_the_same_outcome(world: World, an: Device) -> None:
    customer = world.customer("an")
    an.sync()
    visit = an.visit(customer)
    (first,) = an.push(visit)
    (again,) = an.push(visit)
    assert again == first and first.verdict == "applied"
    assert len(world.rows("visit")) == 1
    assert world.count(CHANGE_LOG) == 1


def test_a_change_twice_in_one_batch_has_one_effect(world: World, an: Device) -> None:
    customer = world.customer("an")
    an.sync()
    visit = an.visit(customer)
    first, again = an.push(visit, visit)
    assert again == first
    assert len(world.rows("visit")) == 1


def test_a_lost_reply_and_a_longer_batch_later_settle_everything_once(
    world: World, an: Device
) -> None:
    customer = world.customer("an")
    an.sync()
    visit = an.visit(customer)
    an.push(visit)  # the reply is lost
    started = an.update("visit", visit.record_id, {"state": "started"}, f"customer:{customer}")
    outcomes = an.push(visit, started)
    assert [o.verdict for o in outcomes] == ["applied", "applied"]
    assert world.row("visit", visit.record_id)["state"] == "started"


def test_the_same_id_with_other_content_is_refused_and_kept_for_an_administrator(
    world: World, an: Device
) -> None:
    customer = world.customer("an")
    an.sync()
    visit = an.visit(customer, notes="第一次")
    an.push(visit)
    forged = Change(**{**dump(visit), "fields": {**visit.fields, "notes": "第二次"}})
    (outcome,) = an.push(forged)
    assert (outcome.verdict, outcome.code) == ("rejected", "change_id_reused")
    assert world.row("visit", visit.record_id)["notes"] == "第一次"
    with world.db.read() as connection:
        alarm = connection.execute(select(ALARM)).one()
    assert alarm.kind == "change_id_reused" and "第二次" in alarm.detail


def test_outcomes_come_in_the_order_of_the_changes_and_take_rising_numbers(
    world: World, an: Device
) -> None:
    customer = world.customer("an")
    an.sync()
    changes = [an.visit(customer) for _ in range(4)]
    bad = an.visit(customer, purpose="gossip")
    outcomes = an.push(*changes[:2], bad, *changes[2:])
    assert [o.change_id for o in outcomes][2] == bad.change_id
    assert [o.verdict for o in outcomes] == ["applied"] * 2 + ["rejected"] + ["applied"] * 2
    seqs = [o.seq for o in outcomes]
    assert seqs == sorted(seqs) and len(set(seqs)) == 5 and seqs[0] > 0


def test_a_rejected_change_is_kept_whole_with_its_code(world: World, an: Device) -> None:
    customer = world.customer("an")
    an.sync()
    (outcome,) = an.push(an.visit(customer, notes="x" * 9000))
    assert (outcome.verdict, outcome.code, outcome.field) == (
        "rejected",
        "field_too_long",
        "visit.notes",
    )
    with world.db.read() as connection:
        kept = connection.execute(select(CHANGE_LOG)).one()
    assert "x" * 9000 in kept.body and kept.code == "field_too_long"


def test_what_is_kept_of_a_change_is_not_readable_in_the_database(world: World, an: Device) -> None:
    customer = world.customer("an")
    an.sync()
    an.push(an.visit(customer, notes="胃口不好"))
    with world.db.read() as connection:
        for table in ("change_log", "feed", "visit_row"):
            stored = str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
            assert "胃口不好" not in stored and "胃口不好".encode().hex() not in stored
            assert str("胃口不好".encode())[2:-1] not in stored


def test_a_failing_change_holds_back_only_later_changes_to_the_same_record(
    world: World, an: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = world.customer("an")
    an.sync()
    stuck, fine = an.visit(customer), an.visit(customer)
    after = an.update("visit", stuck.record_id, {"state": "started"}, f"customer:{customer}")
    photo = an.create(
        "file",
        {
            "customer_id": customer,
            "visit_id": stuck.record_id,
            "sha256": "0" * 64,
            "bytes": 1,
            "media_type": "image/jpeg",
        },
        f"customer:{customer}",
    )
    real = judging.check_ties

    def fails(unit: object, entity: object, row: dict[str, object]) -> None:
        if row["id"] == stuck.record_id:
            raise RuntimeError("a fault of the server's own")
        real(unit, entity, row)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(applying, "check_ties", fails)
    outcomes = an.push(stuck, fine, after, photo)
    assert [o.verdict for o in outcomes] == ["retry", "applied", "retry", "retry"]
    monkeypatch.undo()
    outcomes = an.push(stuck, fine, after, photo)
    assert [o.verdict for o in outcomes] == ["applied"] * 4
    assert world.row("visit", stuck.record_id)["state"] == "started"


def test_a_change_that_the_database_refuses_does_not_take_the_others_with_it(
    world: World, an: Device
) -> None:
    customer = world.customer("an")
    an.sync()
    good = an.visit(customer)
    # More digits than the log's column holds: only the database finds out.
    bad = an.visit(customer)
    bad = Change(**{**dump(bad), "boot_id": "b", "number": 2**53 - 1, "grant_id": bad.grant_id})
    with world.db.write() as connection:
        if world.db.is_postgres:
            connection.exec_driver_sql(
                "ALTER TABLE change_log ADD CONSTRAINT narrow CHECK (number < 1000000)"
            )
        else:
            connection.exec_driver_sql(
                "CREATE TRIGGER narrow BEFORE INSERT ON change_log WHEN NEW.number >= 1000000"
                " BEGIN SELECT RAISE(ABORT, 'too large'); END"
            )
    try:
        outcomes = an.push(good, bad)
        assert [o.verdict for o in outcomes] == ["applied", "retry"]
        assert [v["id"] for v in world.rows("visit")] == [good.record_id]
    finally:
        with world.db.write() as connection:
            connection.exec_driver_sql(
                "ALTER TABLE change_log DROP CONSTRAINT narrow"
                if world.db.is_postgres
                else "DROP TRIGGER narrow"
            )


def test_a_batch_that_is_too_large_is_refused_whole(world: World, an: Device) -> None:
    world.write(
        lambda unit: unit.create(
            "policy",
            {
                "id": new_id(),
                "version": 1,
                "holds_from": to_wire(world.now),
                "settings": {"max_push_changes": 2},
            },
        )
    )
    customer = world.customer("an")
    an.sync()
    with pytest.raises(Refusal) as refused:
        an.push(*(an.visit(customer) for _ in range(3)))
    assert refused.value.code is Code.BATCH_TOO_LARGE
    assert world.rows("visit") == []


@pytest.mark.parametrize(
    ("spoiled", "code", "field"),
    [
        ({"number": "1"}, "malformed", "number"),
        ({"number": -1}, "malformed", "number"),
        ({"monotonic_ms": True}, "malformed", "monotonic_ms"),
        ({"grant_id": "mine"}, "malformed", "grant_id"),
        ({"record_id": None}, "malformed", "record_id"),
        ({"record_id": "0000"}, "malformed", "record_id"),
        ({"entity": "spaceship"}, "unknown_entity", None),
        ({"entity": ["visit"]}, "unknown_entity", None),
        ({"kind": "delete"}, "malformed", "kind"),
        ({"fields": [1]}, "malformed", "fields"),
        ({"base": {"notes": "new"}}, "malformed", "base"),
        ({"base": None}, "malformed", "base"),
        ({"claimed_at": "yesterday"}, "malformed", "claimed_at"),
        ({"claimed_at": "2026-11-21T08:00:00"}, "malformed", "claimed_at"),
        ({"boot_id": 5}, "malformed", "boot_id"),
        ({"colour": "red"}, "unknown_field", "colour"),
        ({"fields": {"colour": "red"}}, "unknown_field", "colour"),
        ({"fields": {"loyalty": "loyal"}}, "unknown_field", "loyalty"),
        ({"fields": {}}, "field_required", "customer_id"),
    ],
)
def test_a_change_that_cannot_be_read_is_rejected_with_its_code_and_the_next_applied(
    world: World, an: Device, spoiled: dict[str, object], code: str, field: str | None
) -> None:
    customer = world.customer("an")
    an.sync()
    bad, good = dump(an.visit(customer)), dump(an.visit(customer))
    data = dump(an.envelope([])) | {"changes": [bad | spoiled, good]}
    reply = push(world.db, an.caller, read_push(body_of(data)), world.now)
    assert [o.verdict for o in reply.outcomes] == ["rejected", "applied"]
    assert reply.outcomes[0].code == code
    if field:
        assert reply.outcomes[0].field is not None
        assert reply.outcomes[0].field.endswith(field)
    assert len(world.rows("visit")) == 1


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        ({"changes": None}, Code.MALFORMED),
        ({"changes": [7]}, Code.MALFORMED),
        ({"changes": [{"change_id": "seven"}]}, Code.MALFORMED),
        ({"sent_at": "now"}, Code.MALFORMED),
        ({"monotonic_ms": "9"}, Code.MALFORMED),
        ({"epoch": 4}, Code.MALFORMED),
        ({"colour": "red"}, Code.UNKNOWN_FIELD),
    ],
)
def test_an_envelope_that_cannot_be_read_is_refused(
    an: Device, spoiled: dict[str, object], code: Code
) -> None:
    with pytest.raises(Refusal) as refused:
        read_push(body_of(dump(an.envelope([])) | spoiled))
    assert refused.value.code is code


def test_half_a_character_is_rejected_and_kept(world: World, an: Device) -> None:
    customer = world.customer("an")
    an.sync()
    (outcome,) = an.push(an.visit(customer, notes="\ud83d"))
    assert (outcome.verdict, outcome.code) == ("rejected", "field_invalid")
    assert world.count(CHANGE_LOG) == 1


def test_a_record_that_is_too_large_is_rejected(world: World, an: Device) -> None:
    customer = world.customer("an")
    an.sync()
    answers = [{"key": f"k{n}", "answer": "很" * 2000} for n in range(40)]
    whole = an.visit(customer, answers=answers, notes="很" * 8000)
    (outcome,) = an.push(whole)
    assert (outcome.verdict, outcome.code) == ("rejected", "record_too_large")


def test_an_edit_of_a_record_that_is_not_there_is_rejected(world: World, an: Device) -> None:
    customer = world.customer("an")
    an.sync()
    lost = an.update("visit", new_id(), {"notes": "?"}, f"customer:{customer}")
    (outcome,) = an.push(lost)
    assert (outcome.verdict, outcome.code) == ("rejected", "record_missing")


def test_a_case_opened_in_the_field_stands_with_the_store_of_its_customer(
    world: World, an: Device
) -> None:
    customer = world.customer("an")
    an.sync()
    opened = an.create(
        "case",
        {
            "number": "C100001",
            "customer_id": customer,
            "kind": "repair",
            "title": "不制冷",
            "state": "new",
            "opened_at": to_wire(world.now),
        },
        f"customer:{customer}",
    )
    assert [o.verdict for o in an.push(opened)] == ["applied"]
    row = world.row("case", opened.record_id)
    assert row["store_id"] == world.row("staff", person("an"))["store_id"]
    assert row["created_by"] == person("an")
