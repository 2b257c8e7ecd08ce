"""The customer's signature on the phone: sealed, kept through a kill and a turn, or refused."""

from __future__ import annotations

import pytest

from mobile.usecases.sign_off import draft_key
from shared.entities import Callback, Case, Report
from tests.mobile.ui.field import PIN
from tests.mobile.ui.repair_field import RepairField, draw, measure_pad
from tests.mobile.ui.test_clock_back import set_back
from tests.mobile.ui.test_repair import STROKES, fill_in


@pytest.fixture
def phone(tmp_path):
    return RepairField(tmp_path)


@pytest.fixture
async def at_the_pad(phone, open_app):
    """A complete report in front of the customer."""
    case = phone.case(state="on_site")
    app, shell = await open_app(phone)
    await app.go(f"/cases/{case.id}")
    await app.tap("next-step")
    await fill_in(app)
    await app.tap("to-sign")
    await measure_pad(app)
    return app, shell, case


def written(shell, case):
    return shell.store.find(Report, case_id=case.id)


async def test_what_is_signed_stands_beside_the_pad(at_the_pad):
    app, _, _ = at_the_pad
    assert app.says("电池触点氧化") and app.says("碱性电池 × 2")
    assert app.says("本人已阅读上述内容，确认属实。") and app.says("签字时间：今天 10:00")


async def test_an_empty_pad_or_a_nameless_signer_is_not_sealed(at_the_pad):
    app, shell, case = at_the_pad
    await app.type("signer-name", " ")
    await app.tap("sign")
    assert app.find("signer-name").error == "必填" and not app.has("confirm-yes")
    await app.type("signer-name", "王师傅")
    await app.tap("sign")
    assert not app.has("confirm-yes") and written(shell, case)[0].signature is None


async def test_a_second_thought_before_sealing_leaves_everything_as_it_was(at_the_pad):
    app, shell, case = at_the_pad
    await draw(app, *STROKES)
    await app.type("signer-name", "王师傅")
    await app.tap("sign")
    await app.tap("confirm-no")
    assert app.has("pad") and written(shell, case)[0].signature is None


async def test_strokes_outlive_a_kill(phone, at_the_pad, start):
    app, shell, case = at_the_pad
    await app.choose("role-family", True, "select")
    await app.type("signer-name", "王师傅")
    await draw(app, *STROKES)  # the pen is the last to be lifted before the kill
    kept = shell.store.draft(draft_key(written(shell, case)[0].id))
    assert len(kept["strokes"]) == 2
    await shell.close()

    app, shell = await start(phone)
    await shell.session.unlock(PIN)
    await app.settle()
    await app.go(f"/cases/{case.id}/sign")
    await measure_pad(app)
    assert app.find("signer-name").value == "王师傅" and app.find("role-family").selected
    await app.tap("pad-undo")
    await app.tap("sign")
    await app.tap("confirm-yes")
    await app.until(lambda: app.says("核验通过"))
    seal = written(shell, case)[0].signature
    assert len(seal.strokes) == 1 and seal.signer_role == "family"
    assert shell.store.drafts("signature:") == []


async def test_a_turned_phone_keeps_the_strokes_and_their_shape(at_the_pad):
    app, shell, case = at_the_pad
    await draw(app, STROKES[0])
    await app.resize(915, 412)
    await measure_pad(app, 500, 150)
    await draw(app, [(250.0, 75.0), (300.0, 90.0)])
    await app.type("signer-name", "王师傅")
    await app.tap("sign")
    await app.tap("confirm-yes")
    await app.until(lambda: app.says("核验通过"))
    seal = written(shell, case)[0].signature
    assert seal.aspect == 2.0  # of the pad as the first stroke found it
    assert seal.strokes[0].points == (100, 300, 300, 150, 500, 325)
    assert seal.strokes[1].points == (500, 250, 667, 300)  # 300 wide, in the middle of 500


async def test_words_not_yet_saved_are_not_signed_away(at_the_pad):
    app, shell, case = at_the_pad
    report_draft = f"report:{written(shell, case)[0].id}"
    shell.store.save_draft(report_draft, {"remarks": "还有一句"})
    await app.go(f"/cases/{case.id}")
    await app.go(f"/cases/{case.id}/sign")
    assert app.has("to-report") and not app.has("pad")
    await app.tap("to-report")
    await app.tap("step-handover")
    assert app.find("remarks").value == "还有一句"


async def test_a_customer_who_does_not_sign_says_why(phone, at_the_pad):
    app, shell, case = at_the_pad
    await app.tap("refuse")
    await app.tap("refuse-yes")
    assert app.find("refused_because").error == "必填"
    await app.type("refused_because", "要先试运行一天")
    await app.tap("refuse-yes")
    await app.tap("confirm-yes")
    await app.until(lambda: app.says("核验通过"))
    assert app.says("客户未签字") and app.says("要先试运行一天")
    assert shell.store.get(Case, case.id).state == "resolved"
    await set_back(phone, app, shell)
    assert app.says("客户未签字"), "drawn though nothing may be read"


async def test_a_sealed_report_is_locked_and_a_correction_is_a_report_beside_it(at_the_pad):
    app, shell, case = at_the_pad
    await draw(app, *STROKES)
    await app.type("signer-name", "王师傅")
    await app.tap("sign")
    await app.tap("confirm-yes")
    await app.until(lambda: app.says("核验通过"))
    assert app.says("回访安排在")
    await app.go(f"/cases/{case.id}/sign")
    assert not app.has("pad")
    await app.go(f"/reports/{written(shell, case)[0].id}")
    await app.tap("amend")
    assert app.says("这是更正报告")
    assert app.find("cause").value == "电池触点氧化"
    first, second = sorted(written(shell, case), key=lambda r: r.signature is None)
    assert second.amends_id == first.id and second.operation_confirmed is None
    assert shell.store.count(Callback) == 1


async def test_a_report_that_no_longer_says_what_was_signed_is_called_out(at_the_pad):
    app, shell, case = at_the_pad
    await draw(app, *STROKES)
    await app.type("signer-name", "王师傅")
    await app.tap("sign")
    await app.tap("confirm-yes")
    await app.until(lambda: app.says("核验通过"))
    (report,) = written(shell, case)
    await app.go("/cases")
    with shell.store.parts.commits.begin():
        shell.store.parts.db.execute(
            "UPDATE pending_row SET body = replace(body, '电池触点氧化', '人为损坏')"
        )
    await app.go(f"/reports/{report.id}")
    await app.until(lambda: app.says("核验不通过"))
    assert app.says("人为损坏")
