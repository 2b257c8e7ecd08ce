"""The report while it is written: checklist, words, parts, photos, and what is still missing."""

from __future__ import annotations

import hashlib

import pytest

from mobile.device.port import Picked, Reduced
from mobile.usecases import photos
from mobile.usecases.report_writing import REQUIRED_TO_SIGN, draft_key
from shared.entities import File, PartUsed, Report
from shared.errors import Code, Refusal
from tests.mobile.repair_world import CASE, Job, unmarked

BEFORE, AFTER = photos.REPORT["before"], photos.REPORT["after"]


def refused(code: Code) -> pytest.RaisesExc[Refusal]:
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.code is code)


@pytest.fixture
def job() -> Job:
    return Job()


async def reduce(data: bytes, _edge: int, _quality: int) -> Reduced:
    if not data.startswith(b"photo"):
        raise Refusal(Code.FILE_NOT_IMAGE)
    return Reduced(b"small " + data, "image/jpeg", 640, 480)


def picked(name: str, data: bytes, size: int = 0) -> Picked:
    return Picked(name, size or len(data), data)


def test_a_report_begins_with_the_organisations_checklist_in_the_chosen_language(job: Job) -> None:
    report = job.writing.begin(job.case, "en")
    assert [(i.key, i.label, i.done) for i in report.checklist] == [
        ("before.called", "en called", None),
        ("before.tools", "en tools", None),
        ("on_site.safe", "en safe", None),
    ]
    assert job.writing.causes("zh-CN") == {"wear": "部件磨损老化"}


def test_beginning_twice_goes_on_with_the_same_report(job: Job) -> None:
    first = job.writing.begin(job.case, "zh-CN")
    assert unmarked(job.writing.begin(job.case, "en")) == unmarked(first)
    assert job.store.count(Report) == 1


def test_writing_the_report_on_site_is_the_beginning_of_the_work(job: Job) -> None:
    job.go("accepted", "on_site")
    job.writing.begin(job.case, "zh-CN")
    assert job.case.state == "in_progress"


def test_the_checklist_before_leaving_is_kept_in_the_report_to_come(job: Job) -> None:
    job.go("accepted")
    job.writing.tick(job.case, "before.tools", True, "zh-CN")
    report = job.writing.tick(job.case, "before.called", False, "zh-CN")
    assert [i.done for i in report.checklist] == [False, True, None]
    assert job.case.state == "accepted"
    assert job.writing.begin(job.case, "zh-CN").id == report.id


def test_a_saved_section_replaces_its_draft_and_a_refused_one_leaves_it(job: Job) -> None:
    report = job.writing.begin(job.case, "zh-CN")
    job.store.save_draft(draft_key(report), {"cause": "x"}, about=("report", report.id))
    with refused(Code.FIELD_TOO_LONG):
        job.writing.save(report, cause="长" * 4001)
    assert job.store.draft(draft_key(report)) == {"cause": "x"}
    saved = job.writing.save(report, cause="触点氧化", parts=[{"name": "电池", "quantity": 2}])
    assert job.store.draft(draft_key(report)) is None
    assert (saved.cause, saved.parts) == ("触点氧化", (PartUsed(name="电池", quantity=2),))


def test_a_draft_is_there_again_after_a_kill(job: Job) -> None:
    report = job.writing.begin(job.case, "zh-CN")
    typed = {"cause": "触点氧", "parts": [{"name": "电池", "quantity": 2}], "training_given": False}
    job.store.save_draft(draft_key(report), typed, about=("report", report.id))
    job.again()
    assert job.store.draft(draft_key(report)) == typed


def test_what_is_missing_to_sign_is_named_and_a_no_is_an_answer(job: Job) -> None:
    report = job.writing.begin(job.case, "zh-CN")
    assert job.writing.missing_to_sign(report) == REQUIRED_TO_SIGN
    report = job.writing.save(report, training_given=False, operation_confirmed=False, cause="")
    assert job.writing.missing_to_sign(report) == ("cause", "method", "checklist")
    no = [{"key": i.key, "label": i.label, "done": False} for i in report.checklist]
    assert "checklist" not in job.writing.missing_to_sign(job.writing.save(report, checklist=no))
    done = job.written()
    assert job.writing.missing_to_sign(done) == ()


async def test_photos_lie_in_the_report_reduced_and_by_their_hash(job: Job) -> None:
    report = job.writing.begin(job.case, "zh-CN")
    come = [picked("a.jpg", b"photo a"), picked("b.jpg", b"photo b")]
    added = await photos.add(job.store, BEFORE, report.id, come, reduce)
    assert added.refused == ()
    report = job.writing.begin(job.case, "zh-CN")
    first, second = photos.of(job.store, BEFORE, report)
    assert first.sha256 == hashlib.sha256(b"small photo a").hexdigest()
    assert job.store.blob(second.sha256) == b"small photo b"
    assert (first.purpose, first.report_id, first.width) == ("before", report.id, 640)
    assert photos.of(job.store, AFTER, report) == []


async def test_one_photo_that_is_none_stops_no_other(job: Job) -> None:
    report = job.writing.begin(job.case, "zh-CN")
    come = [
        picked("notes.txt", b"words"),
        picked("huge.jpg", b"photo", 60_000_000),
        picked("c.jpg", b"photo c"),
    ]
    added = await photos.add(job.store, AFTER, report.id, come, reduce)
    assert [(name, fault.code) for name, fault in added.refused] == [
        ("notes.txt", Code.FILE_NOT_IMAGE),
        ("huge.jpg", Code.FILE_TOO_LARGE),
    ]
    report = job.writing.begin(job.case, "zh-CN")
    assert [file.id for file in photos.of(job.store, AFTER, report)] == [added.files[0].id]


async def test_a_removed_photo_keeps_its_bytes_and_can_be_put_back(job: Job) -> None:
    report = job.writing.begin(job.case, "zh-CN")
    await photos.add(job.store, AFTER, report.id, [picked("a.jpg", b"photo a")], reduce)
    report = job.writing.begin(job.case, "zh-CN")
    (photo,) = photos.of(job.store, AFTER, report)
    report = photos.remove(job.store, AFTER, report, photo.id)
    assert report.photos_after == () and job.store.blob(photo.sha256) == b"small photo a"
    photos.restore(job.store, AFTER, report.id, photo.id)
    photos.restore(job.store, AFTER, report.id, photo.id)
    assert job.writing.begin(job.case, "zh-CN").photos_after == (photo.id,)
    assert job.store.count(File) == 1


def test_a_report_is_not_signed_from_the_road(job: Job) -> None:
    job.go("accepted", "en_route")
    assert not job.writing.may_sign(job.case)
    assert job.writing.may_sign(job.go("on_site"))
    assert job.store.get(Report, CASE["id"]) is None


def test_words_of_a_draft_that_the_report_lacks_are_not_signed_away(job: Job) -> None:
    report = job.written()
    assert not job.writing.unsaid(report)
    job.store.save_draft(draft_key(report), {"step": "review", "cause": report.cause})
    assert not job.writing.unsaid(report)
    job.store.save_draft(draft_key(report), {"step": "review", "remarks": "还有一句"})
    assert job.writing.unsaid(report)
