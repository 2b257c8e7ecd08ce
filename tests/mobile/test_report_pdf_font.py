"""The printed report in the very font that the app ships."""

from __future__ import annotations

from dataclasses import astuple
from io import BytesIO
from pathlib import Path

import pytest
from fontTools.pens.areaPen import AreaPen
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont
from pypdf import PdfReader

import mobile.ui
from mobile.reports.labels import EN, ZH_CN
from mobile.reports.pdf import render_with_notes
from mobile.reports.typeface import Typeface
from shared.print_font import embeddable
from tests.mobile.report_samples import chinese

FONT = Path(mobile.ui.__file__).parent / "assets" / "fonts" / "NotoSansSC-Regular.otf"


def test_the_shipped_font_holds_every_fixed_word_and_the_stand_in_box() -> None:
    typeface = Typeface.of(FONT)
    for labels in (ZH_CN, EN):
        typeface.printable("".join(astuple(labels)) + "¥,.%()[]{}…□")
    assert list(typeface.missing) == []


def test_the_small_font_in_the_pdf_is_drawn_and_spaced_like_the_shipped_one() -> None:
    text = "回访维修g8，（”·¥□"
    small = TTFont(BytesIO(embeddable(FONT.read_bytes(), text + "\U0001f600")))
    with TTFont(FONT) as shipped:
        assert set(small.getBestCmap()) == set(map(ord, text))
        for character in text:
            one, other = (
                measured(font, font.getBestCmap()[ord(character)]) for font in (shipped, small)
            )
            assert other == pytest.approx(one, abs=1.5)


def test_the_small_font_does_not_depend_on_the_order_of_its_characters() -> None:
    font = FONT.read_bytes()
    assert embeddable(font, "维修A") == embeddable(font, ["A", "修", "维", "修"])


def measured(font: TTFont, glyph: str) -> tuple[float, ...]:
    """Where a glyph's ink begins and ends, its width, and its area (with the sense of turning left
    out, in which the two kinds of outline differ)."""
    glyphs = font.getGlyphSet()
    bounds, area = BoundsPen(glyphs), AreaPen(glyphs)
    glyphs[glyph].draw(bounds)
    glyphs[glyph].draw(area)
    return (*bounds.bounds, glyphs[glyph].width, abs(area.value) ** 0.5)


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
