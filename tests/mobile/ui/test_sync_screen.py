"""What waits and why, what needs attention, and conflicts."""

from __future__ import annotations

from datetime import timedelta

from mobile.store.unlocking import unlock_vault
from shared.clock import to_wire
from shared.entities import Conflict, File, Staff
from shared.errors import Code
from shared.ids import derived_id
from shared.wire import Outcome, PushReply
from tests.mobile.ui.field import NOW, PIN, VAULT, Report, customer

COLLEAGUE = derived_id("staff", "zhao")


def conflict(of, field, **more):
    facts = {
        "id": derived_id("conflict", "1"), "customer_id": of.id, "entity": "customer",
        "record_id": of.id, "field": "needs", "kept_value": "季度检修", "kept_by": COLLEAGUE,
        "kept_at": NOW - timedelta(hours=5), "other_value": "年度保养",
        "other_by": field.staff.id, "other_at": NOW - timedelta(hours=6),
        "found_at": NOW - timedelta(hours=4),
    }  # fmt: skip
    return Conflict(**(facts | more))


def write_needs(shell, one, text="年度保养"):
    with shell.store.unit() as unit:
        unit.update(one, needs=text)
        unit.commit()


async def test_a_saved_change_is_listed_with_its_customer_until_it_is_received(field, open_app):
    one = customer("甲公司")
    field.plant(one)
    app, shell = await open_app(field)
    await app.go("/sync")
    assert app.says("没有等待上传的内容")
    write_needs(shell, one)
    await app.until(lambda: app.says("客户：甲公司"))
    assert app.find("count-saved").value == "1"

    change = shell.store.waiting()[0]
    done = Outcome(change_id=change.change_id, verdict="applied", seq=50)
    shell.store.inbound.pushed(
        PushReply(epoch="first", outcomes=[done], backed_up_to=0, server_time=to_wire(NOW))
    )
    await app.until(lambda: app.find("count-received").value == "1")
    assert app.find("count-saved").value == "0"


async def test_a_photo_says_what_its_sealed_copy_takes_until_the_backup(field, open_app):
    one = customer("甲公司")
    field.plant(one)
    app, shell = await open_app(field)
    about = {"customer_id": one.id, "media_type": "image/jpeg", "purpose": "visit"}
    with shell.store.unit() as unit:
        unit.attach(File(id=derived_id("file", "1"), **about), bytes(150_000))
        unit.commit()
    await shell.syncing.settled()
    await app.go("/sync")
    await app.settle()
    assert app.says("照片的封存副本（备份后删除）：150.")


async def test_the_chip_counts_what_waits_and_leads_here(field, open_app):
    one = customer("甲公司")
    field.plant(one)
    app, shell = await open_app(field)
    write_needs(shell, one)
    await app.settle()
    assert "1 项待上传" in app.find("sync-chip").tooltip
    await app.tap("sync-chip")
    await app.settle()
    assert shell.page.route == "/sync"


async def test_a_rejected_change_is_shown_until_its_author_has_seen_it(field, open_app):
    one = customer("甲公司")
    field.plant(one)
    app, shell = await open_app(field)
    await app.go("/sync")
    write_needs(shell, one)
    number, change = shell.store.waiting()[0].number, shell.store.waiting()[0].change_id
    no = Outcome(change_id=change, verdict="rejected", seq=50, code="field_too_long")
    shell.store.inbound.pushed(
        PushReply(epoch="first", outcomes=[no], backed_up_to=0, server_time=to_wire(NOW))
    )
    await app.until(lambda: app.says("服务器没有接受这项改动"))
    assert app.says("文字超过了长度限制")
    await app.tap(f"seen-{number}")
    await app.until(lambda: not app.says("服务器没有接受这项改动"))


async def test_trouble_on_the_way_is_worded_and_being_offline_is_no_trouble(field, open_app):
    app, shell = await open_app(field)
    await app.go("/sync")
    field.engine.answers = [Report(Code.SERVER_FAULT)]
    await app.tap("sync-now")
    await app.until(lambda: app.says("应用会再试"))
    field.engine.answers = [Report(Code.OFFLINE)]
    await app.tap("sync-now")
    await app.until(lambda: not app.says("应用会再试"))
    assert shell.sync.state == "offline"


async def test_a_conflict_is_decided_for_mine(field, open_app):
    one = customer("甲公司")
    held = conflict(one, field)
    colleague = Staff(id=COLLEAGUE, name="赵国栋", role="account_manager")
    field.plant(one, held, colleague)
    app, shell = await open_app(field)
    await app.go("/sync")
    await app.tap(f"conflict-{held.id}")
    await app.go(f"/sync/conflicts/{held.id}")
    assert {"年度保养", "季度检修", "我的", "赵国栋"} <= app.texts()
    assert app.says("赵国栋")
    await app.tap("take-mine")
    decided = shell.store.get(Conflict, held.id)
    assert decided is not None and decided.resolution == "other"
    assert shell.store.conflicts() == []


async def test_a_conflict_is_decided_for_a_third_wording(field, open_app):
    one = customer("甲公司")
    held = conflict(one, field)
    field.plant(one, held)
    app, shell = await open_app(field)
    await app.go(f"/sync/conflicts/{held.id}")
    await app.type("edited", "")
    shell.gate.wrong_ahead += 1  # all is rendered anew
    await app.settle()
    assert app.find("edited").value == ""
    await app.type("edited", "年度保养，每季检修")
    await app.tap("take-edited")
    await app.settle()
    await shell.close()
    db = await unlock_vault(field.files, field.keys, VAULT, PIN)
    decided = field.store(db).get(Conflict, held.id)
    db.close()
    await field.files.release(VAULT)
    assert decided is not None
    assert (decided.resolution, decided.edited_value) == ("edited", "年度保养，每季检修")


async def test_a_conflict_that_someone_else_resolved_says_so(field, open_app):
    one = customer("甲公司")
    field.plant(one, conflict(one, field, resolution="kept"))
    app, _ = await open_app(field)
    await app.go(f"/sync/conflicts/{derived_id('conflict', '1')}")
    assert app.says("这个冲突已经处理过了")
