"""The printed report in the very font that the app ships."""

from __future__ import annotations

from dataclasses import astuple
from io import BytesIO
from pathlib import Path

from pypdf import PdfReader

import mobile.ui
from mobile.reports.labels import EN, ZH_CN
from mobile.reports.pdf import render_with_notes
from mobile.reports.typeface import Typeface
from tests.mobile.report_samples import chinese

FONT = Path(mobile.ui.__file__).parent / "assets" / "fonts" / "NotoSansSC-Regular.otf"


def test_the_shipped_font_holds_every_fixed_word_and_the_stand_in_box() -> None:
    typeface = Typeface.of(FONT)
    for labels in (ZH_CN, EN):
        typeface.printable("".join(astuple(labels)) + "¥,.%()[]{}…□")
    assert list(typeface.missing) == []


def test_a_report_in_the_shipped_font_reads_back_and_stays_small_enough_to_send() -> None:
    made = render_with_notes(chinese(), FONT)
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(made.pdf)).pages)
    assert made.missing == ()
    for phrase in (
        "室外机截止阀喇叭口微漏，导致制冷剂不足。",
        "王晓明",
        "SN-2023-8841",
        "真实性核验",
    ):
        assert phrase in text
    assert len(made.pdf) < 200_000
