"""The PDF of a repair report: what a customer can read in it, copy from it and check with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from hashlib import sha256
from io import BytesIO

import pytest
from pypdf import PdfReader

from mobile.reports.document import (
    Attachment,
    ChecklistItem,
    Part,
    Photo,
    ReportDocument,
    Signature,
)
from mobile.reports.flow import AIRY, TIGHT
from mobile.reports.labels import EN, ZH_CN, labels_for
from mobile.reports.page import Pen, Picture
from mobile.reports.pdf import compose, fill, render, render_with_notes
from mobile.reports.tables import money
from mobile.reports.typeface import Typeface
from tests.mobile.report_samples import SEALED, chinese, english, font, photo, refused

pytestmark = pytest.mark.thorough


def read(document: ReportDocument) -> str:
    """All text of the report's PDF without blanks, since a line may end anywhere."""
    reader = PdfReader(BytesIO(render(document, font())))
    return "".join("".join(page.extract_text().split()) for page in reader.pages)


def words(value: object) -> Iterator[str]:
    """Every text that a document means to show."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from words(part)
    elif is_dataclass(value) and not isinstance(value, Attachment):
        for field in fields(value):
            if field.name not in ("language", "labels", "currency", "jpeg"):
                yield from words(getattr(value, field.name))


@pytest.mark.parametrize("document", [chinese(), english(), refused()], ids=["zh", "en", "refused"])
def test_every_text_of_the_report_can_be_copied_out_of_its_pdf(document: ReportDocument) -> None:
    text = read(document)
    shown = [word for word in words(document) if word.strip()]
    assert len(shown) > 30
    assert [word for word in shown if "".join(word.split()) not in text] == []


def test_ticks_have_words_since_a_drawing_cannot_be_searched() -> None:
    text = read(chinese())
    for item, word in (("挂牌", "已完成"), ("通水试验", "未完成"), ("电阻检测", "未填写")):
        assert re.search(f"{word}[^已未]*{item}", text)


def test_only_what_the_report_says_is_headed() -> None:
    bare = replace(
        chinese(),
        checklist=(),
        parts=(),
        photos=(),
        remarks="",
        training_given=None,
        training_note="",
        confirmed_working=None,
        fault=" ",
        seal=None,
        attachments=(),
    )
    text = read(bare)
    for heading in (
        "检查项目",
        "更换配件",
        "现场照片",
        "备注",
        "使用指导",
        "运行确认",
        "故障现象",
        "核验",
    ):
        assert heading not in text
    assert "故障原因" in text


def test_a_repair_that_did_not_work_is_not_printed_as_confirmed() -> None:
    text = read(replace(chinese(), confirmed_working=False))
    assert ZH_CN.works_not in text
    assert ZH_CN.works_normally not in text


def test_prices_are_added_up_and_stay_out_when_there_are_none() -> None:
    document = replace(
        chinese(), parts=(Part("滤网", amount_cents=16805), Part("阀", amount_cents=95))
    )
    assert "合计¥169.00" in read(document)
    free = read(replace(chinese(), parts=(Part("滤网"),)))
    assert "合计" not in free
    assert "金额" not in free


@pytest.mark.parametrize(
    ("cents", "currency", "printed"),
    [
        (123450, "CNY", "¥1,234.50"),
        (5, "HKD", "HK$0.05"),
        (-1990, "USD", "-US$19.90"),
        (700, "CHF", "CHF 7.00"),
    ],
)
def test_money_is_printed_in_units_and_cents(cents: int, currency: str, printed: str) -> None:
    assert money(cents, currency) == printed


def test_a_long_report_goes_on_under_a_running_head_with_pages_counted() -> None:
    document = replace(
        chinese(),
        method="更换压缩机。" * 400,
        checklist=tuple(ChecklistItem(f"检查项目 {i}", True) for i in range(80)),
        parts=tuple(Part(f"配件 {i}") for i in range(60)),
    )
    pages = [page.extract_text() for page in PdfReader(BytesIO(render(document, font()))).pages]
    assert len(pages) > 3
    for number, text in enumerate(pages, 1):
        assert f"第 {number} 页，共 {len(pages)} 页" in text
        assert ("维修服务报告·工单号 HF-2026-000417" in text) == (number > 1)
    whole = "".join("".join(pages).split())
    assert all(f"检查项目{i}" in whole and f"配件{i}" in whole for i in range(60))
    assert whole.count("名称编号数量") >= 2  # the table's head stands again after a page break


def test_the_signature_and_who_signed_are_on_one_page() -> None:
    """Whatever the length of what stands before, the pad never parts from the signer's name."""
    typeface = Typeface.of(font())
    for lines in range(0, 60, 3):
        document = replace(chinese(), remarks="\n".join(["备注"] * (lines + 1)))
        pages = compose(document, typeface)
        pens = [
            i
            for i, page in enumerate(pages)
            for m in page.marks
            if isinstance(m, Pen) and len(m.pieces) == 1 and m.width == 1.5
        ]
        names = [
            i
            for i, page in enumerate(pages)
            for m in page.marks
            if getattr(m, "text", "") == "工程部经理"
        ]
        assert pens, "the samples' signature has a straight stroke"
        assert set(pens) == set(names)


def test_a_report_is_set_more_tightly_where_that_saves_a_sheet() -> None:
    typeface = Typeface.of(font())
    saved = 0
    for lines in range(1, 60):
        document = replace(chinese(), remarks="\n".join(["备注"] * lines))
        airy = len(fill(document, typeface, AIRY).pages)
        tight = len(fill(document, typeface, TIGHT).pages)
        assert len(compose(document, typeface)) == min(airy, tight)
        saved += tight < airy
    assert saved > 0


def test_a_refusal_is_printed_with_its_reason_and_without_a_stroke() -> None:
    text = read(refused())
    assert "客户未签字" in text
    assert "客户要求先试运行一天" in text
    assert "签字人" not in text


def test_a_report_without_a_signature_says_that_it_is_not_signed() -> None:
    assert "尚未签字" in read(replace(chinese(), signing=None))


def test_the_signature_is_drawn_as_curves() -> None:
    def curves(document: ReportDocument) -> int:
        page = PdfReader(BytesIO(render(document, font()))).pages[-1]
        contents = page.get_contents()
        assert contents is not None
        return contents.get_data().split().count(b"c")

    signed = chinese()
    assert isinstance(signed.signing, Signature)
    blank = replace(signed, signing=replace(signed.signing, strokes=()))
    assert curves(signed) - curves(blank) == 3 + 1 + 1


def test_the_same_report_gives_the_same_bytes_in_another_process_and_time_zone() -> None:
    script = (
        "import hashlib; from tests.mobile.report_samples import chinese, font;"
        "from mobile.reports.pdf import render;"
        "print(hashlib.sha256(render(chinese(), font())).hexdigest())"
    )
    environment = os.environ | {"TZ": "Pacific/Auckland", "PYTHONHASHSEED": "7", "LANG": "C"}
    other = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == sha256(render(chinese(), font())).hexdigest()


def test_a_report_with_photos_is_made_where_there_is_no_pillow() -> None:
    """As in the browser. The photo is made beforehand, with the Pillow that this machine has."""
    script = """
import sys
sys.modules["PIL"] = None
from datetime import UTC, datetime
from mobile.reports.document import Asset, Customer, Photo, ReportDocument
from mobile.reports.flow import AIRY, TIGHT
from mobile.reports.labels import EN
from mobile.reports.pdf import render
font, jpeg = sys.stdin.buffer.read(int(sys.argv[1])), sys.stdin.buffer.read()
sys.stdout.buffer.write(render(ReportDocument(
    "en", EN, "Report", "1", datetime(2026, 1, 1, tzinfo=UTC), "Us", Customer("C"), Asset("A"), "T",
    photos=(Photo("a.jpg", "00", jpeg=jpeg),)), font))
"""
    given = font()
    made = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(len(given))],
        input=given + photo(),
        capture_output=True,
        check=True,
    )
    assert made.stderr == b""
    assert len(PdfReader(BytesIO(made.stdout)).pages[0].images) == 1


def test_a_photo_can_be_taken_out_unchanged_and_checked_against_its_digest() -> None:
    jpeg = photo(300, 200)
    digest = sha256(jpeg).hexdigest()
    document = replace(chinese(), photos=(Photo("前.jpg", digest, jpeg=jpeg),))
    reader = PdfReader(BytesIO(render(document, font())))
    stored = [
        x.get_object()
        for page in reader.pages
        for x in page["/Resources"].get("/XObject", {}).values()
    ]
    assert [sha256(x._data).hexdigest() for x in stored if x["/Subtype"] == "/Image"] == [digest]
    text = read(document)
    assert digest in text
    assert f"前.jpg({ZH_CN.photo_reduced})" not in text


def test_a_reduced_photo_is_marked_as_one() -> None:
    document = replace(chinese(), photos=(Photo("前.jpg", "ab" * 32, jpeg=photo()),))
    assert f"前.jpg({ZH_CN.photo_reduced})" in read(document)


def test_a_photo_that_cannot_be_shown_is_listed_by_name_size_and_digest() -> None:
    broken = Photo("图.jpg", "ab" * 32, 2_340_000, "维修前", photo()[:60])
    text = read(replace(chinese(), photos=(broken,)))
    assert "维修前·图.jpg·2,340kB" in text
    assert "SHA-256" + "ab" * 32 in text


def test_a_camera_held_upright_gives_an_upright_picture() -> None:
    document = replace(
        chinese(), photos=(Photo("前.jpg", "ab" * 32, jpeg=photo(400, 300, orientation=6)),)
    )
    pages = compose(document, Typeface.of(font()))
    (picture,) = [m for page in pages for m in page.marks if isinstance(m, Picture)]
    assert picture.jpeg.turned == 90
    assert picture.width / picture.height == pytest.approx(300 / 400)
    drawn = b"".join(
        contents.get_data()
        for page in PdfReader(BytesIO(render(document, font()))).pages
        if (contents := page.get_contents()) is not None
    )
    turn = re.search(rb"(\S+) (\S+) (\S+) (\S+) \S+ \S+ cm\s[^Q]*Do", drawn)
    assert turn is not None
    assert [round(float(n)) for n in turn.groups()] == [0, -1, 1, 0]  # a quarter turn clockwise


def test_the_sealed_bytes_travel_inside_and_have_the_printed_fingerprint() -> None:
    reader = PdfReader(BytesIO(render(chinese(), font())))
    (content,) = reader.attachments["report.json"]
    assert content == SEALED
    assert sha256(content).hexdigest() in read(chinese())


def test_characters_that_the_font_lacks_become_boxes_and_are_named() -> None:
    document = replace(chinese(), technician="李𠮷喆😀")
    made = render_with_notes(document, font(without="喆"))
    text = "".join(PdfReader(BytesIO(made.pdf)).pages[-1].extract_text().split())
    assert made.missing == ("𠮷", "喆", "😀")
    assert "U+20BB7,U+5586,U+1F600" in text
    assert "李□□□" in read(replace(document, technician="李𠮷🀄😀"))


def test_a_font_without_even_the_box_shows_a_question_mark() -> None:
    typeface = Typeface.of(font(without="□"))
    assert typeface.printable("李𠮷") == "李?"


def test_the_language_and_the_title_are_told_to_the_viewer() -> None:
    reader = PdfReader(BytesIO(render(chinese(), font())))
    assert reader.metadata is not None
    assert reader.metadata.title == "维修服务报告 HF-2026-000417"
    assert reader.metadata.author == "华东暖通设备服务有限公司"
    assert reader.metadata.creation_date == chinese().issued_at
    assert reader.trailer["/Root"]["/Lang"] == "zh-CN"


def test_a_report_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        render(replace(chinese(), issued_at=chinese().issued_at.replace(tzinfo=None)), font())


def test_labels_follow_the_readers_language() -> None:
    assert labels_for("zh") is labels_for("zh-CN") is labels_for("zh_TW") is ZH_CN
    assert labels_for("en-GB") is labels_for("") is labels_for("zhx") is EN


@pytest.mark.parametrize("labels", [ZH_CN, EN])
def test_no_label_is_missing_and_places_for_numbers_are_there(labels: object) -> None:
    values = {field.name: getattr(labels, field.name) for field in fields(type(labels))}
    assert all(value.strip() for value in values.values())
    assert "{page}" in values["page_of"]
    assert "{pages}" in values["page_of"]
    assert "{list}" in values["missing_glyphs"]
