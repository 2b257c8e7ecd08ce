"""A repair on a phone without a network: accepted, reached, reported, signed, handed over."""

from __future__ import annotations

import io

import pypdf
import pytest

from shared.codec import write
from shared.entities import Callback, Case, Report
from shared.seal import content_stands
from tests.mobile.ui.repair_field import RepairField, draw, measure_pad

STROKES = ([(40.0, 120.0), (120.0, 60.0), (200.0, 130.0)], [(240.0, 80.0), (320.0, 90.0)])


@pytest.fixture
def phone(tmp_path):
    return RepairField(tmp_path)


async def fill_in(app, checks=7):
    """Every step of the report, as one goes through them."""
    await app.choose("cause-power", True, "select")
    await app.type("cause", "电池触点氧化")
    await app.type("method", "清洁触点并更换电池")
    await app.tap("step-on")
    for key in ("before.called", "before.tools", "before.parts", "on_site.safe",
                "on_site.fault_shown", "on_site.repaired", "on_site.cleaned")[:checks]:  # fmt: skip
        await app.choose(f"{key}-yes", True, "select")
    await app.tap("step-on")
    await app.tap("add-part")
    await app.type("part-name", "碱性电池")
    await app.type("part-price", "4.50")
    await app.tap("part-yes")
    await app.tap("part-0-more")
    await app.tap("step-on")
    await app.tap("step-on")
    await app.choose("operation_confirmed-yes", True, "select")
    await app.choose("training_given-yes", True, "select")
    await app.type("remarks", "建议半年后检查")
    await app.tap("step-on")


async def test_a_repair_goes_from_the_list_to_the_sealed_report_and_its_pdf(phone, open_app):
    case = phone.case()
    phone.place.up = False
    app, shell = await open_app(phone)

    await app.go("/cases")
    await app.tap(f"case-{case.id}")
    for state in ("accepted", "en_route", "on_site"):
        await app.tap("next-step")
        assert shell.store.get(Case, case.id).state == state
    await app.tap("next-step")
    assert shell.store.get(Case, case.id).state == "in_progress"
    await fill_in(app)
    assert app.says("电池触点氧化") and not app.find("to-sign").disabled
    await app.tap("to-sign")
    await measure_pad(app)
    await draw(app, *STROKES)
    await app.type("signer-name", "王师傅")
    await app.choose("role-staff", True, "select")
    await app.tap("sign")
    await app.tap("confirm-yes")
    await app.until(lambda: app.says("核验通过"))

    (report,) = shell.store.find(Report, case_id=case.id)
    assert content_stands(write(report))
    assert (report.cause, report.cause_code, report.remarks) == (
        "电池触点氧化", "power", "建议半年后检查",
    )  # fmt: skip
    assert [(p.name, p.quantity, p.unit_price_cents, p.currency) for p in report.parts] == [
        ("碱性电池", 2, 450, "CNY")
    ]
    assert all(item.done for item in report.checklist) and len(report.checklist) == 7
    seal = report.signature
    assert (seal.signer_name, seal.signer_role, seal.aspect) == ("王师傅", "staff", 2.0)
    assert seal.strokes[0].points == (100, 300, 300, 150, 500, 325)
    assert shell.store.get(Case, case.id).state == "resolved"
    assert shell.store.count(Callback, case_id=case.id) == 1

    await app.tap("share")
    await app.until(lambda: phone.device.saved)
    ((name, data),) = phone.device.saved
    assert name == f"R2600-{seal.content_hash[:8]}.pdf"
    sent = [text for _, text in shell.store.parts.outbox.unsettled(1000, 10**9)]
    assert sum('"what":"shared"' in text and report.id in text for text in sent) == 1
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)
    assert "电池触点氧化" in text and "王师傅" in text and "甲公司" in text
