"""Writing the report: steps, drafts that outlive a kill, parts, photos, and what is missing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mobile.device.port import Picked
from mobile.usecases.report_writing import draft_key
from shared.entities import File, Report
from tests.mobile.report_samples import photo
from tests.mobile.ui.field import PIN
from tests.mobile.ui.repair_field import RepairField
from tests.mobile.ui.test_clock_back import set_back
from tests.mobile.ui.written import looks


@pytest.fixture
def phone(tmp_path):
    return RepairField(tmp_path)


@pytest.fixture
async def writing(phone, open_app):
    """The report of a case under way, opened at its first step."""
    case = phone.case(state="on_site")
    app, shell = await open_app(phone)
    await app.go(f"/cases/{case.id}")
    await app.tap("next-step")
    return app, shell, case


def stored(shell, case):
    (report,) = shell.store.find(Report, case_id=case.id)
    return report


async def drafted(app, shell, report, name):
    """Until what was typed is in the draft: that takes a moment after the last key."""
    await app.until(lambda: name in (shell.store.draft(draft_key(report)) or {}), turns=20_000)


async def test_a_kill_while_typing_costs_nothing(phone, writing, start):
    app, shell, case = writing
    await app.choose("cause-power", True, "select")
    await app.type("method", "清洁触点并更")
    await app.tap("step-parts")
    await app.tap("add-part")
    await app.type("part-name", "碱性电")
    report = stored(shell, case)
    assert (report.cause, report.method) == ("电源或电池", "清洁触点并更")
    await drafted(app, shell, report, "editing_part")
    await shell.close()  # nothing more is saved by anyone

    app, shell = await start(phone)
    await shell.session.unlock(PIN)
    await app.settle()
    await app.go(f"/cases/{case.id}/report")
    assert app.find("part-name").value == "碱性电"
    await app.tap("step-diagnosis")
    assert app.find("method").value == "清洁触点并更"
    assert app.find("cause-power").selected


async def test_a_draft_in_the_middle_of_a_word_is_not_yet_in_the_report(writing):
    app, shell, case = writing
    await app.type("cause", "触点氧")
    report = stored(shell, case)
    await drafted(app, shell, report, "cause")
    assert shell.store.draft(draft_key(report)) == {"cause": "触点氧"} and report.cause is None
    assert app.says("草稿已存在本机")


async def test_the_catalogues_words_never_replace_ones_own(writing):
    app, shell, case = writing
    await app.choose("cause-power", True, "select")
    assert app.find("cause").value == "电源或电池"
    await app.choose("cause-wear", True, "select")
    assert app.find("cause").value == "部件磨损老化"
    await app.type("cause", "齿轮磨损")
    await app.choose("cause-power", True, "select")
    assert app.find("cause").value == "齿轮磨损"
    await app.tap("step-on")
    assert (stored(shell, case).cause, stored(shell, case).cause_code) == ("齿轮磨损", "power")


async def test_a_no_on_the_checklist_asks_for_a_word_and_can_be_taken_back(writing):
    app, shell, case = writing
    await app.tap("step-checklist")
    assert not app.has("on_site.safe-text")
    await app.choose("on_site.safe-no", True, "select")
    await app.type("on_site.safe-text", "无法断电")
    await app.choose("before.tools-yes", True, "select")
    await app.tap("step-on")
    items = {i.key: (i.done, i.note) for i in stored(shell, case).checklist}
    assert items["on_site.safe"] == (False, "无法断电") and items["before.tools"] == (True, None)
    await app.tap("step-checklist")
    await app.choose("before.tools-yes", True, "select")
    await app.tap("step-on")
    items = {i.key: i.done for i in stored(shell, case).checklist}
    assert items["before.tools"] is None


async def test_parts_are_added_counted_changed_and_taken_out(writing):
    app, shell, case = writing
    await app.tap("step-parts")
    await app.tap("add-part")
    await app.tap("part-yes")
    assert app.says("请填写配件名称")
    await app.type("part-name", "电池")
    await app.type("part-price", "四块五")
    await app.tap("part-yes")
    assert app.says("请输入数字") and app.find("part-name").value == "电池"
    await app.type("part-price", "4.5")
    await app.tap("part-yes")
    assert app.says("¥4.50") and app.find("part-0-less").disabled
    await app.tap("part-0-more")
    await app.tap("part-0-edit")
    assert app.find("part-price").value == "4.50"
    await app.type("part-code", "LR6")
    await app.tap("part-yes")
    await app.tap("step-on")
    (part,) = stored(shell, case).parts
    assert (part.name, part.code, part.quantity, part.unit_price_cents) == ("电池", "LR6", 2, 450)
    await app.tap("step-parts")
    await app.tap("part-0-remove")
    await app.tap("step-on")
    assert stored(shell, case).parts == ()


async def test_photos_are_in_the_report_at_once_and_one_that_is_none_is_named(phone, writing):
    app, shell, case = writing
    await app.tap("step-photos")
    data = photo()
    phone.device.photos = [Picked("a.jpg", len(data), data), Picked("notes.txt", 5, b"words")]
    await app.tap("add-before")
    assert app.says("notes.txt 没有加入")
    (file,) = shell.store.find(File)
    assert stored(shell, case).photos_before == (file.id,)
    assert shell.store.blob(file.sha256) == data
    await set_back(phone, app, shell)
    assert app.has(f"photo-{file.id}"), "drawn though nothing may be read"
    phone.clock.move(timedelta(hours=5))
    await app.tap(f"remove-{file.id}")
    assert stored(shell, case).photos_before == ()


async def test_what_is_missing_leads_to_its_step_and_stops_only_the_signing(writing):
    app, shell, case = writing
    await app.tap("step-review")
    assert app.says("签字前还差 5 项") and app.find("to-sign").disabled
    await app.tap("missing-operation_confirmed")
    await app.choose("operation_confirmed-no", True, "select")
    assert app.says("工单不会关闭")
    await app.tap("step-review")
    assert app.says("签字前还差 4 项")
    assert stored(shell, case).operation_confirmed is False


async def test_a_value_that_is_refused_stays_typed_and_the_step_open(writing):
    app, shell, case = writing
    await app.type("cause", "坏\x07")
    await app.tap("step-on")
    assert app.says("故障原因") and app.find("cause").value == "坏\x07"
    assert stored(shell, case).cause is None


async def test_a_report_that_is_opened_by_its_address_is_on_record_as_any_detail(
    phone, writing, start
):
    app, shell, case = writing
    report = stored(shell, case)
    await shell.close()
    app, shell = await start(phone)
    await shell.session.unlock(PIN)
    await app.settle()
    before = looks(shell)
    for page in ("report", "sign"):
        await app.go(f"/cases/{case.id}/{page}")
        await app.settle()
    assert looks(shell)[len(before) :] == [("report", "opened"), ("report", "opened")]
    assert report.customer_id == case.customer_id
