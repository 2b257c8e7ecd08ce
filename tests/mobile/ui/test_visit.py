"""A visit from its plan to its end, on a phone without a network."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mobile.device.port import NoFix, Picked
from shared.entities import Contact, Customer, File, Reference, Visit
from shared.ids import derived_id
from tests.mobile.ui.field import NOW, PIN, VAULT, Engine, customer, visit
from tests.mobile.ui.senses import SensingField, here
from tests.mobile.ui.written import looks, written

ACME = customer("甲公司")


@pytest.fixture
def field(tmp_path: Path) -> SensingField:
    """An account manager's phone, offline, with a customer on it."""
    phone = SensingField(tmp_path)
    phone.plant(ACME)
    phone.place.up = False
    return phone


async def under_way(app, shell) -> Visit:
    """Begins a visit from the customer's page."""
    await app.go(f"/customers/{ACME.id}")
    await app.tap("start-visit")
    (begun,) = shell.store.find(Visit, customer_id=ACME.id, state="started")
    return begun


# ── the plan ──────────────────────────────────────────────────────────────────────────────


async def test_a_visit_is_planned_with_one_tap_more_and_the_plan_can_be_taken_back(field, open_app):
    app, shell = await open_app(field)
    await app.go(f"/customers/{ACME.id}")

    await app.tap("plan-visit")
    await app.tap("save")

    (planned,) = shell.store.find(Visit, customer_id=ACME.id)
    assert planned.planned_at == NOW + timedelta(days=1), "Tuesday at ten"
    assert app.has(f"visit-{planned.id}") and app.says("已计划：明天 10:00")
    await app.undo()
    assert shell.store.get(Visit, planned.id).state == "cancelled"


async def test_a_planned_visit_is_moved(field, open_app):
    plan = visit(ACME, field.staff, NOW + timedelta(days=1))
    field.plant(plan)
    app, shell = await open_app(field)
    await app.go(f"/visits/{plan.id}")

    await app.tap("replan")
    await app.choose("channel-phone", True, "select")
    await app.tap("save")

    assert shell.store.get(Visit, plan.id).channel == "phone"


async def test_a_planned_visit_is_cancelled_with_a_reason_and_that_is_undone(field, open_app):
    plan = visit(ACME, field.staff, NOW + timedelta(days=1))
    field.plant(plan)
    app, shell = await open_app(field)
    await app.go(f"/visits/{plan.id}")

    await app.tap("cancel")
    await app.tap("cancel-yes")
    assert app.find("cancelled_because").error
    await app.type("cancelled_because", "客户出差")
    await app.tap("cancel-yes")

    assert shell.store.get(Visit, plan.id).state == "cancelled" and app.says("客户出差")
    await app.undo()
    assert shell.store.get(Visit, plan.id).state == "planned"


async def test_starting_now_begins_the_visit_that_was_planned_for_today(field, open_app):
    plan = visit(ACME, field.staff, NOW + timedelta(hours=2))
    field.plant(plan)
    app, shell = await open_app(field)

    begun = await under_way(app, shell)

    assert (begun.id, begun.started_at) == (plan.id, NOW)


# ── from beginning to end ─────────────────────────────────────────────────────────────────


async def test_a_visit_begins_on_the_customers_page_and_ends_with_what_was_said(field, open_app):
    app, shell = await open_app(field)
    await app.go("/customers")
    await app.tap(f"open-{ACME.id}")
    await app.tap("start-visit")

    await app.type("notes", "新设备运转正常")
    await app.choose("no-position-no_signal", True, "select")
    await app.tap("finish")
    assert app.says("完成后记录不能再修改")
    await app.tap("confirm-yes")

    (done,) = shell.store.find(Visit, customer_id=ACME.id)
    assert (done.state, done.notes) == ("finished", "新设备运转正常")
    assert app.says("新设备运转正常") and not app.has("finish") and not app.has("notes")


async def test_what_is_lacking_stops_finishing_and_is_said_at_its_place(field, open_app):
    app, shell = await open_app(field)
    begun = await under_way(app, shell)

    await app.tap("finish")

    assert app.find("notes").error and app.says("请取得位置，或说明原因")
    assert app.says("还差：记录、位置")
    assert shell.store.get(Visit, begun.id).state == "started"


async def test_a_finish_that_is_thought_better_of_changes_nothing(field, open_app):
    app, shell = await open_app(field)
    begun = await under_way(app, shell)
    await app.type("notes", "好")
    await app.choose("no-position-remote", True, "select")

    await app.tap("finish")
    await app.tap("confirm-no")

    assert shell.store.get(Visit, begun.id).state == "started"
    assert app.find("notes").value == "好"


async def test_what_was_typed_is_there_again_after_a_kill(field, start, open_app):
    app, shell = await open_app(field)
    begun = await under_way(app, shell)
    await app.type("notes", "半句话")
    await app.until(lambda: shell.store.draft(f"visit/{begun.id}"))
    shell.store.parts.db.close()  # the process is gone; nothing had a chance to say goodbye
    await field.files.release(VAULT)

    app, shell = await start(field)
    await shell.session.unlock(PIN)
    await app.go(f"/visits/{begun.id}")

    assert app.says("已恢复上次没写完的内容")
    assert app.find("notes").value == "半句话"


async def test_leaving_hands_what_was_written_to_the_record(field, open_app):
    app, shell = await open_app(field)
    begun = await under_way(app, shell)
    await app.type("notes", "先记到这里")

    await app.tap("back")

    assert shell.store.get(Visit, begun.id).notes == "先记到这里"
    assert shell.store.draft(f"visit/{begun.id}") is None
    await app.tap("start-visit")
    assert app.find("notes").value == "先记到这里" and not app.says("已恢复")


async def test_a_colleagues_change_meanwhile_is_not_taken_for_one_the_author_saw(field, open_app):
    app, shell = await open_app(field)
    begun = await under_way(app, shell)
    await app.type("notes", "我的记录")
    field.receive(shell.store, visit(
        ACME, field.staff, begun.planned_at, id=begun.id, purpose=begun.purpose,
        state="started", started_at=begun.started_at, notes="同事的记录",
    ))  # fmt: skip
    await app.settle()

    await app.tap("later")

    (change,) = [one for one in written(shell) if "notes" in one["fields"]]
    assert change["fields"]["notes"] == "我的记录"
    assert change["base"]["notes"] == 0, "not the colleague's row"


# ── position ──────────────────────────────────────────────────────────────────────────────


async def test_the_position_is_asked_for_by_a_tap_and_shown_with_accuracy_and_age(field, open_app):
    field.senses.place = here(mocked=True)
    app, shell = await open_app(field)
    begun = await under_way(app, shell)
    assert field.senses.asked == 0

    await app.tap("locate")

    assert shell.store.get(Visit, begun.id).position.accuracy_m == 18
    assert app.says("精度 ±18 米 · 刚刚") and app.says("模拟位置")


async def test_no_signal_is_said_and_the_reason_is_the_users_choice(field, open_app):
    field.senses.place = NoFix.NOT_PERMITTED
    app, shell = await open_app(field)
    begun = await under_way(app, shell)

    await app.tap("locate")
    assert app.says("未授权定位。") and shell.store.get(Visit, begun.id).position is None
    await app.choose("no-position-not_permitted", True, "select")

    assert shell.store.get(Visit, begun.id).no_position_because == "not_permitted"


async def test_a_position_that_was_remembered_is_refused(field, open_app):
    field.senses.place = here(fixed_at=NOW - timedelta(minutes=10))
    app, shell = await open_app(field)
    begun = await under_way(app, shell)

    await app.tap("locate")

    assert shell.store.get(Visit, begun.id).position is None
    assert app.says("「位置」")


# ── questions, points, photos ─────────────────────────────────────────────────────────────

TEMPLATE = Reference(
    id=derived_id("template"), catalogue="visit_template", key="experience",
    data={"questions": [
        {"key": "usage", "kind": "text", "label": {"zh-CN": "用得怎么样？", "en": "How is it?"}},
        {"key": "often", "kind": "choice", "options": ["daily", "rarely"],
         "label": {"zh-CN": "多久用一次？"}, "option_labels": {"daily": {"zh-CN": "每天"}}},
        {"key": "quality", "kind": "scale", "label": {"zh-CN": "质量"}},
    ]},
)  # fmt: skip


async def test_the_questions_follow_the_purpose_and_are_answered_in_any_order(field, open_app):
    field.plant(TEMPLATE)
    app, shell = await open_app(field)
    begun = await under_way(app, shell)

    await app.choose("answer-quality-80", True, "select")
    await app.tap("answer-quality-more")
    await app.choose("answer-often-daily", True, "select")
    await app.type("answer-usage", "顺手")
    await app.tap("later")

    kept = {a.key: a.answer for a in shell.store.get(Visit, begun.id).answers}
    assert kept == {"quality": "85", "often": "daily", "usage": "顺手"}


async def test_another_purpose_asks_other_questions(field, open_app):
    field.plant(TEMPLATE)
    app, shell = await open_app(field)
    await under_way(app, shell)
    assert app.has("answer-usage")

    await app.tap("about")
    await app.choose("purpose-care", True, "select")

    assert not app.has("answer-usage")


async def test_points_are_given_by_taps_and_taken_back(field, open_app):
    app, shell = await open_app(field)
    await under_way(app, shell)

    await app.choose("satisfaction-90", True, "select")
    await app.tap("satisfaction-less")
    assert app.find("satisfaction-points").value == "85 分"
    await app.choose("satisfaction-90", True, "select")
    await app.choose("satisfaction-90", True, "select")

    assert not app.has("satisfaction-points")


async def test_several_photos_come_in_a_row_and_a_bad_one_is_told_apart(field, open_app):
    field.senses.photos = [
        Picked("a.jpg", 100, b"photo one"),
        Picked("notes.jpg", 10, b"hello"),
        Picked("huge.jpg", 60_000_000, b""),
        Picked("b.jpg", 100, b"photo two"),
    ]
    app, shell = await open_app(field)
    begun = await under_way(app, shell)
    await app.type("notes", "照片见下")

    await app.tap("add-photos")

    assert len(shell.store.get(Visit, begun.id).photo_ids) == 2
    assert app.says("notes.jpg 没有添加") and app.says("不是能识别的图片")
    assert app.says("照片有 60.0 MB，上限是 25.0 MB")
    assert app.find("notes").value == "照片见下"


async def test_a_photo_is_removed_and_the_removal_undone_and_opened_whole(field, open_app):
    field.senses.photos = [Picked("a.jpg", 100, b"photo one")]
    app, shell = await open_app(field)
    begun = await under_way(app, shell)
    await app.tap("add-photos")
    (file,) = shell.store.find(File, customer_id=ACME.id)

    await app.tap(f"remove-{file.id}")
    assert not app.has(f"photo-{file.id}")
    await app.undo()
    assert shell.store.get(Visit, begun.id).photo_ids == (file.id,)

    await app.tap(f"photo-{file.id}")
    assert app.says("照片 · 10 B")


async def test_a_photo_that_a_colleague_took_is_fetched_when_looked_at(field, open_app):
    theirs = File(
        id=derived_id("file"), customer_id=ACME.id, sha256="a" * 64, bytes=9, purpose="visit",
        media_type="image/jpeg", verified_at=NOW,
    )  # fmt: skip
    was = visit(
        ACME, field.staff, NOW, state="finished", finished_at=NOW, photo_ids=(theirs.id,)
    )  # fmt: skip
    field.plant(theirs, was)
    field.engine = FetchingEngine(b"the photo")
    app, _ = await open_app(field)
    await app.go(f"/visits/{was.id}")

    await app.tap(f"photo-{theirs.id}")
    assert app.says("照片不在这台手机上")
    await app.tap("fetch")

    assert not app.says("照片不在这台手机上") and app.says("9 B")


class FetchingEngine(Engine):
    """An engine whose server has the file."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = content

    async def file(self, _file: File) -> bytes:
        return self.content


# ── afterwards ────────────────────────────────────────────────────────────────────────────


async def test_what_was_learned_is_written_into_the_profile_when_wanted(field, open_app):
    app, shell = await open_app(field)
    await under_way(app, shell)
    await app.type("notes", "好")
    await app.type("needs_found", "要备用机")
    await app.choose("no-position-remote", True, "select")
    await app.tap("finish")
    await app.tap("confirm-yes")

    await app.tap("to-profile")

    assert shell.store.get(Customer, ACME.id).needs == "要备用机"
    assert not app.has("to-profile")


async def test_the_next_step_is_the_next_visit_and_stands_at_the_end(field, open_app):
    contact = Contact(id=derived_id("c"), customer_id=ACME.id, name="王", primary=True)
    field.plant(contact)
    app, shell = await open_app(field)
    begun = await under_way(app, shell)
    await app.type("notes", "好")
    await app.choose("no-position-remote", True, "select")
    await app.type("next_step", "带样品")
    await app.pick_day("next_step_on", NOW + timedelta(days=7))
    await app.tap("finish")
    await app.tap("confirm-yes")

    following = shell.store.get(Visit, shell.store.get(Visit, begun.id).next_visit_id)
    assert (following.state, following.contact_id) == ("planned", contact.id)
    assert app.says("拜访已完成。下次：11月30日 10:00")
    await app.tap("next-visit")
    assert app.says("带样品") and app.has("start")


async def test_looking_at_a_visit_is_on_record(field, open_app):
    plan = visit(ACME, field.staff, NOW)
    field.plant(plan)
    app, shell = await open_app(field)

    await app.go(f"/visits/{plan.id}")

    assert looks(shell) == [("visit", "opened")]


async def test_what_came_while_a_draft_lay_there_is_not_taken_for_seen_either(
    field, start, open_app
):
    app, shell = await open_app(field)
    begun = await under_way(app, shell)
    await app.type("notes", "我的记录")
    await app.until(lambda: shell.store.draft(f"visit/{begun.id}"))
    shell.store.parts.db.close()
    await field.files.release(VAULT)
    app, shell = await start(field)
    await shell.session.unlock(PIN)
    theirs = visit(
        ACME, field.staff, begun.planned_at, id=begun.id, purpose=begun.purpose,
        state="started", started_at=begun.started_at, notes="同事的记录",
    )  # fmt: skip
    field.receive(shell.store, theirs)

    await app.go(f"/visits/{begun.id}")
    assert app.find("notes").value == "我的记录"
    await app.tap("later")

    (change,) = [one for one in written(shell) if "notes" in one["fields"]]
    assert change["base"]["notes"] == 0
