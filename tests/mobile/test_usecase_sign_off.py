"""The customer's signature: sealed to what they read, with all that follows, in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mobile.usecases.report_writing import draft_key
from mobile.usecases.sign_off import callback_of
from mobile.usecases.sign_off import draft_key as signature_draft
from shared.codec import write
from shared.entities import Callback, CaseEvent, Report
from shared.errors import Code, Refusal
from shared.seal import content_hash, sealed_bytes
from tests.mobile.repair_world import CASE, SIGNATURE, Job
from tests.mobile.store_world import MORNING, an_id


def refused(code: Code) -> pytest.RaisesExc[Refusal]:
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.code is code)


@pytest.fixture
def job() -> Job:
    return Job()


async def signed(job: Job) -> Report:
    return await job.sign_off.sign(job.written(), SIGNATURE, 2.5, "王师傅", "owner")


async def test_a_signature_seals_the_report_resolves_the_case_and_schedules_the_call(
    job: Job,
) -> None:
    report = await signed(job)
    assert report == job.store.get(Report, report.id)
    assert report.signature.content_hash == content_hash(write(report))
    assert (report.signature.signer_name, report.signature.signer_role) == ("王师傅", "owner")
    assert report.finished_at == report.signature.signed_at == MORNING
    assert job.case.state == "resolved" and job.case.resolved_at == MORNING
    (call,) = job.store.find(Callback)
    assert (call.kind, call.report_id, call.state) == ("after_repair", report.id, "scheduled")
    assert call.due_at == MORNING + timedelta(days=2)
    assert callback_of(job.store, report) == call
    assert await job.sign_off.verify(report)


async def test_strokes_are_stored_in_thousandths_of_the_pads_width_without_idle_points(
    job: Job,
) -> None:
    slow = [[(0.1, 0.2), (0.15, 0.2), (0.2, 0.2), (0.5, 0.2), (0.5, 0.3)], [(0.7, 0.1)]]
    report = await job.sign_off.sign(job.written(), slow, 2.5, "王师傅", None)
    first, dot = report.signature.strokes
    assert first.points == (100, 200, 500, 200, 500, 300)
    assert dot.points == (700, 100)


async def test_an_empty_pad_or_a_nameless_signer_is_refused_and_nothing_is_stored(job: Job) -> None:
    report = job.written()
    before = len(job.store.waiting())
    for strokes, name in (([], "王师傅"), ([[(0.5, 0.1)]], "王师傅"), (SIGNATURE, "  ")):
        with refused(Code.FIELD_REQUIRED):
            await job.sign_off.sign(report, strokes, 2.5, name, "owner")
    assert len(job.store.waiting()) == before and job.case.state == "in_progress"


async def test_a_kill_before_the_commit_leaves_neither_seal_nor_resolution_nor_call(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = job.written()
    job.store.save_draft(signature_draft(report.id), {"strokes": [[[0.1, 0.2]]]})
    events = job.store.count(CaseEvent)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    # In the middle of the transaction: after the change is queued, before its row is laid over.
    monkeypatch.setattr("mobile.store.overlay.refresh", killed)
    with pytest.raises(KeyboardInterrupt):
        await job.sign_off.sign(report, SIGNATURE, 2.5, "王师傅", "owner")
    monkeypatch.undo()
    job.again()
    assert job.store.get(Report, report.id) == report
    assert job.case.state == "in_progress" and job.store.find(Callback) == []
    assert job.store.count(CaseEvent) == events
    assert job.store.draft(signature_draft(report.id)) == {"strokes": [[[0.1, 0.2]]]}


async def test_signing_ends_the_drafts_of_report_and_pad(job: Job) -> None:
    report = job.written()
    for key in (draft_key(report), signature_draft(report.id)):
        job.store.save_draft(key, {"x": 1})
    await job.sign_off.sign(report, SIGNATURE, 2.5, "王师傅", "owner")
    assert job.store.drafts() == []


async def test_what_was_changed_between_showing_and_signing_is_not_signed_unseen(job: Job) -> None:
    shown = job.written()
    job.writing.save(shown, cause="另一个原因")
    with refused(Code.SEAL_BROKEN):
        await job.sign_off.sign(shown, SIGNATURE, 2.5, "王师傅", "owner")
    assert job.case.state == "in_progress" and job.store.find(Callback) == []


async def test_a_sealed_report_takes_no_second_signature_and_no_edit(job: Job) -> None:
    report = await signed(job)
    with refused(Code.REPORT_SEALED):
        await job.sign_off.sign(report, SIGNATURE, 2.5, "李四", "family")
    with refused(Code.REPORT_SEALED):
        job.writing.save(report, cause="别的")


async def test_any_change_of_content_signer_or_device_shows(job: Job) -> None:
    report = await signed(job)
    seal = report.signature
    forged = [
        replace(report, cause="别的原因"),
        replace(report, signature=replace(seal, signer_name="李四")),
        replace(report, signature=replace(seal, device_id=an_id("other device"))),
        replace(report, signature=replace(seal, device_key="QUJE")),
        replace(report, signature=replace(seal, device_key="not base64!")),
        replace(report, signature=None),
    ]
    assert [await job.sign_off.verify(one) for one in forged] == [False] * len(forged)


async def test_a_refusal_with_its_reason_stands_in_the_signatures_place(job: Job) -> None:
    report = job.written()
    with refused(Code.FIELD_REQUIRED):
        await job.sign_off.refuse(report, " ")
    report = await job.sign_off.refuse(report, "客户要求先试运行一天", "王师傅")
    assert report.signature.refused_because == "客户要求先试运行一天"
    assert report.signature.strokes == () and await job.sign_off.verify(report)
    assert job.case.state == "resolved"


async def test_a_device_that_does_not_work_yet_is_signed_for_but_not_resolved(job: Job) -> None:
    report = job.writing.save(job.written(), operation_confirmed=False)
    await job.sign_off.sign(report, SIGNATURE, 2.5, "王师傅", "owner")
    assert job.case.state == "in_progress" and job.store.find(Callback) == []


async def test_an_amendment_begins_with_the_signed_content_and_schedules_no_second_call(
    job: Job,
) -> None:
    first = await signed(job)
    amendment = job.writing.begin(job.case, "en")
    assert (amendment.amends_id, amendment.cause, amendment.language) == (
        first.id, first.cause, "zh-CN",
    )  # fmt: skip
    assert amendment.operation_confirmed is None and amendment.signature is None
    open_report = job.repairs.job(CASE["id"]).open_report
    assert open_report is not None and open_report.id == amendment.id
    amendment = job.writing.save(amendment, operation_confirmed=True, remarks="更正：触点")
    amendment = await job.sign_off.sign(amendment, SIGNATURE, 2.5, "王师傅", "owner")
    assert await job.sign_off.verify(first) and await job.sign_off.verify(amendment)
    assert job.repairs.job(CASE["id"]).signed == (first, amendment)
    (call,) = job.store.find(Callback)
    assert call.report_id == first.id and callback_of(job.store, amendment) == call


async def test_a_repair_after_reopening_is_asked_about_once_more(job: Job) -> None:
    first = await signed(job)
    (call,) = job.store.find(Callback)
    with job.store.unit() as unit:
        unit.update(call, state="done")
        job.repairs.reopen(unit, job.case, None)
        unit.commit()
    job.clock.advance(days=1)
    job.go("accepted", "on_site")
    again = job.writing.save(job.writing.begin(job.case, "zh-CN"), operation_confirmed=True)
    again = await job.sign_off.sign(again, SIGNATURE, 2.5, "王师傅", "owner")
    assert again.amends_id == first.id and job.case.state == "resolved"
    assert [c.state for c in job.store.find(Callback)] == ["done", "scheduled"]


async def test_the_sealed_bytes_are_what_the_fingerprint_is_of(job: Job) -> None:
    import hashlib

    report = await signed(job)
    content = sealed_bytes(write(report))
    assert hashlib.sha256(content).hexdigest() == report.signature.content_hash
    assert "电池触点氧化".encode() in content and b"signature" not in content
