"""From a signed report to the PDF in the customer's hands: complete, verifiable, offline."""

from __future__ import annotations

import hashlib
import io
import json

import pypdf
import pytest

from mobile.device.port import Picked
from mobile.reports.document import Refusal, Signature
from mobile.reports.pdf import render
from mobile.usecases import photos
from mobile.usecases.report_document import (
    FONT,
    PHOTO_BYTES,
    Words,
    file_name,
    key_thumbprint,
    report_document,
)
from shared.codec import write
from shared.entities import Report
from shared.seal import seal_bytes
from tests.mobile.repair_world import CASE, SIGNATURE, Job
from tests.mobile.report_samples import photo
from tests.mobile.test_usecase_repairs_report import reduce

WORDS = Words(
    statement="本人已阅读上述内容，确认属实。",
    roles={"owner": "本人"},
    purposes={"before": "维修前", "after": "维修后"},
)


@pytest.fixture
def job() -> Job:
    return Job()


async def signed(job: Job) -> Report:
    parts = [
        {"name": "电池", "quantity": 2, "unit_price_cents": 450, "currency": "CNY"},
        {"name": "螺丝", "quantity": 4},
    ]
    report = job.writing.save(job.written(), parts=parts, remarks="建议半年后检查")
    return await job.sign_off.sign(report, SIGNATURE, 2.5, "王师傅", "owner")


async def test_the_document_says_all_that_was_written_signed_and_sealed(job: Job) -> None:
    report = await signed(job)
    made = report_document(job.store, job.repairs.job(CASE["id"]), report, WORDS)
    assert (made.case_number, made.customer.name, made.customer.address) == (
        "C-1001", "张伟", "示例路 1 号 3 楼",
    )  # fmt: skip
    assert (made.asset.product, made.asset.serial) == ("挂钟", "SN-0417")
    assert [(p.name, p.quantity, p.amount_cents) for p in made.parts] == [
        ("电池", "2", 900),
        ("螺丝", "4", None),
    ]
    assert [f.value for f in made.times] == ["2026-11-23 08:30 (UTC+08:00)"] * 3
    assert isinstance(made.signing, Signature)
    assert (made.signing.signer, made.signing.role) == ("王师傅", "本人")
    assert made.signing.statement == WORDS.statement
    assert made.confirmed_working and made.training_given and made.remarks == "建议半年后检查"


async def test_strokes_keep_their_shape_on_paper(job: Job) -> None:
    report = await signed(job)
    made = report_document(job.store, job.repairs.job(CASE["id"]), report, WORDS)
    assert isinstance(made.signing, Signature)
    first, dot = made.signing.strokes
    assert first == ((0.1, 0.5), (0.3, 0.25), (0.5, 0.5)) and dot == ((0.6, 0.25),)


async def test_the_first_attachment_is_what_the_fingerprint_is_of_and_the_second_what_was_signed(
    job: Job,
) -> None:
    report = await signed(job)
    made = report_document(job.store, job.repairs.job(CASE["id"]), report, WORDS)
    content, signed_bytes = made.attachments
    assert made.seal is not None
    assert hashlib.sha256(content.content).hexdigest() == made.seal.sha256
    assert json.loads(content.content)["cause"] == "电池触点氧化"
    assert signed_bytes.content == seal_bytes(report.id, write(report)["signature"])


async def test_the_same_report_makes_the_same_pdf_and_chinese_is_read_back(job: Job) -> None:
    report = await signed(job)

    def pdf() -> bytes:
        found = job.repairs.job(CASE["id"])
        return render(report_document(job.store, found, report, WORDS), FONT)

    first = pdf()
    job.clock.advance(days=30)
    # A lease ends in 30 days; the same phone, connected again.
    job.world.pull(lease=job.world.lease(f"case:{CASE['id']}", "ref:policy", "ref:reference"))
    assert pdf() == first
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(first)).pages)
    for words in ("电池触点氧化", "清洁触点并更换电池", "王师傅", "建议半年后检查"):
        assert words in text


async def test_a_small_photo_is_embedded_and_a_large_one_is_named_by_its_fingerprint(
    job: Job,
) -> None:
    report = job.written()
    small, large = photo(), photo() + b"\0" * PHOTO_BYTES
    for data in (small, large):

        async def as_it_is(_data: bytes, edge: int, quality: int, kept: bytes = data) -> object:
            made = await reduce(b"photo", edge, quality)
            return type(made)(kept, "image/jpeg", 40, 30)

        come = [Picked("p.jpg", len(data), data)]
        added = await photos.add(job.store, photos.REPORT["after"], report.id, come, as_it_is)
        assert added.refused == ()
    found = job.repairs.job(CASE["id"])
    assert found.report is not None
    shown = report_document(job.store, found, found.report, WORDS).photos
    assert [(p.jpeg, p.caption) for p in shown] == [(small, "维修后 1"), (None, "维修后 2")]
    assert shown[1].sha256 == hashlib.sha256(large).hexdigest()


async def test_a_refusal_is_printed_with_its_reason_and_an_amendment_names_what_it_corrects(
    job: Job,
) -> None:
    first = await signed(job)
    amendment = job.writing.begin(job.case, "zh-CN")
    amendment = await job.sign_off.refuse(amendment, "客户不在场")
    made = report_document(job.store, job.repairs.job(CASE["id"]), amendment, WORDS)
    assert isinstance(made.signing, Refusal) and made.signing.reason == "客户不在场"
    assert made.amends.endswith(first.signature.content_hash[:12])


async def test_an_unsigned_report_prints_without_seal_and_attachments(job: Job) -> None:
    report = job.written()
    made = report_document(job.store, job.repairs.job(CASE["id"]), report, WORDS)
    assert (made.signing, made.seal, made.attachments) == (None, None, ())
    assert file_name(job.repairs.job(CASE["id"]), report) == "C-1001.pdf"


def test_the_thumbprint_of_a_key_is_that_of_rfc_8037() -> None:
    known = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert key_thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo") == known
