"""Visits: planned, begun, kept, finished; and what follows from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mobile.device.port import Picked, Reduced
from mobile.usecases import photos, visits
from mobile.usecases.visit_questions import (
    answer_to,
    answered,
    read_questions,
    shown_answers,
)
from shared.clock import to_wire
from shared.entities import Answer, Contact, Customer, Position, Visit
from shared.errors import Code, Refusal
from shared.policy import DEFAULTS
from shared.workdays import MONDAY_TO_FRIDAY
from tests.mobile.store_world import ME, MORNING, World, an_id, customer, visit

SHANGHAI = ZoneInfo("Asia/Shanghai")
ACME = customer("甲公司")
ENOUGH = {"notes": "运转正常", "no_position_because": "no_signal"}


@pytest.fixture
def world() -> World:
    """An account manager's store with one customer and one planned visit."""
    made = World()
    made.hold(
        f"customer:{ACME['id']}",
        rows=(made.line("customer", ACME), made.line("visit", visit(ACME))),
    )
    return made


@pytest.fixture
def planned(world: World) -> Visit:
    return world.store.get(Visit, an_id("visit"))


# ── planning ──────────────────────────────────────────────────────────────────────────────


def test_a_plan_begins_on_the_next_working_day_in_the_morning():
    friday = datetime(2026, 11, 27, 6, 0, tzinfo=UTC)

    plan = visits.plan_after(None, None, friday, SHANGHAI, MONDAY_TO_FRIDAY, DEFAULTS)

    assert plan["planned_at"] == "2026-11-30T02:00:00.000Z"  # Monday, 10:00 in Shanghai
    assert plan["minutes"] == DEFAULTS.visit_minutes


def test_a_plan_keeps_the_hour_the_purpose_and_the_contact_of_the_last_visit(planned):
    last = replace(planned, planned_at=datetime(2026, 10, 1, 7, 40, tzinfo=UTC),
                   purpose="business", channel="phone", contact_id=an_id("contact"))  # fmt: skip

    plan = visits.plan_after(last, None, MORNING, SHANGHAI, MONDAY_TO_FRIDAY, DEFAULTS)

    assert plan["planned_at"] == "2026-11-24T07:30:00.000Z"
    assert (plan["purpose"], plan["channel"]) == ("business", "phone")
    assert plan["contact_id"] == an_id("contact")


def test_a_plan_is_the_users_own_and_its_draft_is_gone(world):
    world.store.save_draft(visits.plan_draft(ACME["id"]), {"purpose": "care"})
    values = visits.suggested_plan(world.store, ACME["id"], SHANGHAI)

    made = visits.plan(world.store, ACME["id"], values)

    assert (made.state, made.owner_id) == ("planned", ME)
    assert world.store.draft(visits.plan_draft(ACME["id"])) is None


def test_a_second_tap_on_start_makes_no_second_visit(world):
    first = visits.start_now(world.store, ACME["id"], SHANGHAI)
    again = visits.start_now(world.store, ACME["id"], SHANGHAI)

    assert first.id == again.id
    assert len(world.store.find(Visit, customer_id=ACME["id"], state="started")) == 1


def test_a_moved_visit_keeps_everything_else(world, planned):
    later = to_wire(MORNING + timedelta(days=2))

    moved = visits.replan(world.store, planned, {"planned_at": later})

    assert moved.planned_at == MORNING + timedelta(days=2)
    assert (moved.purpose, moved.state) == (planned.purpose, "planned")


# ── where it takes place ──────────────────────────────────────────────────────────────────


def fix(age: timedelta = timedelta(0), **facts) -> Position:
    return Position(latitude=31.2, longitude=121.5, accuracy_m=12.0,
                    fixed_at=MORNING - age, **facts)  # fmt: skip


def test_a_fresh_fix_is_kept_with_its_accuracy_and_takes_the_place_of_the_reason(world, planned):
    reasoned = visits.set_no_position(world.store, planned, "no_signal")

    visits.set_position(world.store, reasoned, fix(mocked=True))

    now = world.store.get(Visit, planned.id)
    assert (now.position.accuracy_m, now.position.mocked) == (12.0, True)
    assert now.no_position_because is None


def test_a_stale_fix_is_refused(world, planned):
    with pytest.raises(Refusal) as refused:
        visits.set_position(world.store, planned, fix(age=timedelta(minutes=2)))

    assert refused.value.code is Code.FIELD_INVALID
    assert world.store.get(Visit, planned.id).position is None


# ── its end ───────────────────────────────────────────────────────────────────────────────


def test_a_next_step_with_a_date_becomes_the_next_visit(world, planned):
    begun = visits.start(world.store, planned)
    world.clock.advance(minutes=40)
    step = {"next_step": "带样品来", "next_step_on": "2026-12-07"}

    done = visits.finish(world.store, begun, ENOUGH | step, SHANGHAI)

    assert done.visit.state == "finished"
    assert done.visit.finished_at - done.visit.started_at == timedelta(minutes=40)
    following = world.store.get(Visit, done.following.id)
    assert (following.state, following.notes) == ("planned", "带样品来")
    assert following.planned_at.astimezone(SHANGHAI).date().isoformat() == "2026-12-07"
    assert done.visit.next_visit_id == following.id


def test_a_visit_without_a_next_step_leads_to_no_other(world, planned):
    done = visits.finish(world.store, visits.start(world.store, planned), ENOUGH, SHANGHAI)

    assert done.following is None
    assert world.store.agenda(Visit) == []


def test_what_is_required_stops_finishing_and_loses_nothing(world, planned):
    begun = visits.start(world.store, planned)
    world.store.save_draft(visits.visit_draft(planned.id), {"needs_found": "要一台新的"})

    with pytest.raises(Refusal) as refused:
        visits.finish(world.store, begun, {"needs_found": "要一台新的"}, SHANGHAI)

    assert refused.value.code is Code.FIELD_REQUIRED
    assert world.store.get(Visit, planned.id).state == "started"
    assert world.store.draft(visits.visit_draft(planned.id)) == {"needs_found": "要一台新的"}


def test_a_visit_on_site_says_where_it_was_or_why_not_and_one_by_phone_does_not(planned):
    assert visits.missing(planned, {"notes": "好"}) == ("position",)
    assert visits.missing(planned, {"notes": "好", "no_position_because": "not_wanted"}) == ()
    assert visits.missing(planned, {"notes": "好", "channel": "phone"}) == ()


def test_a_satisfaction_visit_is_not_over_without_points(planned):
    values = ENOUGH | {"purpose": "satisfaction"}

    assert visits.missing(planned, values) == ("satisfaction",)
    assert visits.missing(planned, values | {"satisfaction": 0}) == ()


def test_a_next_step_in_the_past_is_refused(world, planned):
    begun = visits.start(world.store, planned)

    with pytest.raises(Refusal) as refused:
        visits.finish(world.store, begun, ENOUGH | {"next_step_on": "2026-11-22"}, SHANGHAI)

    assert refused.value.details["field"] == "visit.next_step_on"


def test_a_position_that_came_after_the_writing_began_counts(world, planned):
    began = visits.start(world.store, planned)
    visits.set_position(world.store, began, fix())

    done = visits.finish(world.store, began, {"notes": "好"}, SHANGHAI)

    assert done.visit.position is not None


def test_what_is_kept_travels_without_being_finished_and_a_finished_visit_stays(world, planned):
    begun = visits.start(world.store, planned)
    world.store.save_draft(visits.visit_draft(planned.id), {"notes": "半句"})

    kept = visits.keep(world.store, begun, {"notes": "半句"})

    assert (kept.state, kept.notes) == ("started", "半句")
    assert world.store.draft(visits.visit_draft(planned.id)) is None
    visits.finish(world.store, kept, ENOUGH, SHANGHAI)
    visits.keep(world.store, begun, {"notes": "晚了"})
    assert world.store.get(Visit, planned.id).notes == "运转正常"


def test_a_cancelled_visit_says_why_and_can_be_planned_again(world, planned):
    with pytest.raises(Refusal):
        visits.cancel(world.store, planned, "  ")

    cancelled = visits.cancel(world.store, planned, "客户出差")
    assert world.store.get(Visit, planned.id).cancelled_because == "客户出差"

    visits.uncancel(world.store, cancelled)
    after = world.store.get(Visit, planned.id)
    assert (after.state, after.cancelled_because) == ("planned", None)


# ── what was learned ──────────────────────────────────────────────────────────────────────


def test_what_was_learned_is_added_below_what_was_known_and_marks_the_review(world, planned):
    known = world.store.get(Customer, ACME["id"])
    with world.store.unit() as unit:
        known = unit.update(known, needs="每月保养")
        unit.commit()
    learned = replace(planned, needs_found="要备用机", preferences_found="上午联系")

    after = visits.write_into_profile(world.store, known, learned)

    assert after.needs == "每月保养\n要备用机"
    assert after.service_preferences == "上午联系"
    assert after.needs_reviewed_at == MORNING
    assert visits.learned(after, learned) == {}


# ── questions ─────────────────────────────────────────────────────────────────────────────

TEMPLATE = {
    "questions": [
        {"key": "usage", "kind": "text", "label": {"zh-CN": "怎么样？", "en": "How is it?"}},
        {"key": "often", "kind": "choice", "options": ["daily", "rarely"],
         "label": {"en": "Often?"},
         "option_labels": {"daily": {"zh-CN": "每天", "en": "Daily"}}},
        {"key": "sketch", "kind": "drawing", "label": "from a later version"},
        "not a question",
    ]
}  # fmt: skip


def test_a_template_is_read_in_the_users_language_and_what_is_unknown_is_left_out():
    text, often = read_questions(TEMPLATE, "zh-CN")

    assert (text.label, often.label) == ("怎么样？", "Often?")
    assert often.options == (("daily", "每天"), ("rarely", "rarely"))
    assert read_questions({"questions": None}, "en") == () == read_questions(None, "en")


def test_an_answer_replaces_the_one_before_and_an_empty_one_takes_it_back():
    text, _ = read_questions(TEMPLATE, "zh-CN")

    once = answered([], text, "顺手")
    twice = answered(once, text, "不顺手")

    assert twice == [{"key": "usage", "question": "怎么样？", "answer": "不顺手"}]
    assert answer_to(twice, "usage") == "不顺手"
    assert answered(twice, text, " ") == []


def test_a_finished_visit_reads_choices_in_words_and_old_questions_as_they_were_asked(planned):
    said = replace(
        planned,
        answers=(
            Answer(key="often", question="Often?", answer="daily"),
            Answer(key="gone", question="旧问题？", answer="是"),
        ),
    )

    assert shown_answers(said, read_questions(TEMPLATE, "zh-CN")) == [
        ("Often?", "每天"),
        ("旧问题？", "是"),
    ]


# ── photos ────────────────────────────────────────────────────────────────────────────────


async def shrink(data: bytes, long_edge: int, quality: int) -> Reduced:
    if data == b"no picture":
        raise Refusal(Code.FILE_NOT_IMAGE)
    return Reduced(data[:10] + bytes([quality]), "image/jpeg", long_edge, 100)


async def test_photos_are_stored_with_the_visit_one_by_one(world, planned):
    picked = [Picked("a.jpg", 30, b"first photo....."), Picked("b.jpg", 30, b"second photo....")]

    added = await photos.add(world.store, photos.VISIT, planned.id, picked, shrink)

    now = world.store.get(Visit, planned.id)
    assert [file.id for file in photos.of(world.store, photos.VISIT, now)] == [
        file.id for file in added.files
    ]
    assert world.store.blob(added.files[0].sha256) == b"first phot" + bytes([82])
    assert (added.files[0].width, added.files[0].purpose) == (2048, "visit")


async def test_one_bad_photo_stops_none_of_the_others(world, planned):
    picked = [
        Picked("huge.jpg", 60_000_000, b""),
        Picked("fine.jpg", 30, b"a fine photo...."),
        Picked("notes.txt", 10, b"no picture"),
    ]

    added = await photos.add(world.store, photos.VISIT, planned.id, picked, shrink)

    assert [(name, refusal.code) for name, refusal in added.refused] == [
        ("huge.jpg", Code.FILE_TOO_LARGE),
        ("notes.txt", Code.FILE_NOT_IMAGE),
    ]
    assert len(world.store.get(Visit, planned.id).photo_ids) == len(added.files) == 1


async def test_a_removed_photo_can_be_put_back(world, planned):
    added = await photos.add(
        world.store, photos.VISIT, planned.id, [Picked("a.jpg", 9, b"a" * 20)], shrink
    )
    now = world.store.get(Visit, planned.id)

    photos.remove(world.store, photos.VISIT, now, added.files[0].id)
    assert world.store.get(Visit, planned.id).photo_ids == ()

    photos.restore(world.store, photos.VISIT, planned.id, added.files[0].id)
    photos.restore(world.store, photos.VISIT, planned.id, added.files[0].id)
    assert world.store.get(Visit, planned.id).photo_ids == (added.files[0].id,)


def test_the_main_contact_is_whom_a_new_plan_is_to(world):
    with world.store.unit() as unit:
        main = unit.create(
            Contact(id=an_id("main"), customer_id=ACME["id"], name="王", primary=True)
        )
        unit.commit()

    assert visits.suggested_plan(world.store, ACME["id"], SHANGHAI)["contact_id"] == main.id
