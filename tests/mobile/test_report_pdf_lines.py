"""Lines and pages of the report: where text may break, and that nothing leaves the paper."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile.reports.document import (
    Asset,
    ChecklistItem,
    Customer,
    Fact,
    Part,
    Photo,
    Refusal,
    ReportDocument,
    Seal,
    Signature,
)
from mobile.reports.flow import BOTTOM, LEFT, RIGHT, TOP
from mobile.reports.linebreak import NEVER_FIRST, NEVER_LAST, may_break, wrap
from mobile.reports.page import Box, Line, Pen, Picture, Text
from mobile.reports.pdf import compose, render
from mobile.reports.typeface import Typeface
from tests.mobile.report_samples import chinese, font

pytestmark = pytest.mark.thorough


def em(character: str) -> float:
    return 1.0 if ord(character) > 0x2E80 else 0.5


MIXED = st.text(st.sampled_from("维修报告，。（）《》“”—…abcXYZ019 .,-/()¥%\n"), max_size=80)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("更换压缩机", 3, ["更换压", "缩机"]),
        ("更换压，缩机", 3, ["更换", "压，缩", "机"]),
        ("见（附件）表", 2, ["见", "（附", "件）", "表"]),
        ("测得 0.32 MPa 低压", 4, ["测得", "0.32 MPa", "低压"]),
        ("充注R410A制冷剂", 4, ["充注", "R410A制", "冷剂"]),
        ("a long word", 3, ["a long", "word"]),
        ("heat-exchanger", 5, ["heat-", "exchanger"]),
        ("等等……好", 2.5, ["等", "等……", "好"]),
        ("一\n\n二", 5, ["一", "", "二"]),
        ("尾随空格  \n下", 9, ["尾随空格", "下"]),
        ("", 5, [""]),
    ],
)
def test_chinese_and_latin_break_as_a_printer_would(
    text: str, width: float, lines: list[str]
) -> None:
    assert wrap(text, width, em) == lines


def test_a_word_longer_than_the_line_is_cut_where_the_line_is_full() -> None:
    assert wrap("见WWWWWWW", 2, em) == ["见", "WWWW", "WWW"]


@given(MIXED, st.floats(1, 12))
def test_breaking_loses_nothing_but_blanks(text: str, width: float) -> None:
    assert "".join("".join(wrap(text, width, em)).split()) == "".join(text.split())


@given(MIXED, st.floats(1, 12))
def test_no_line_is_wider_than_its_column(text: str, width: float) -> None:
    for line in wrap(text, width, em):
        assert len(line) == 1 or sum(map(em, line)) <= width


@given(MIXED)
def test_marks_stay_with_what_they_close_or_open_where_the_line_has_room(text: str) -> None:
    for paragraph in text.split("\n"):
        pieces = wrap(paragraph, 1000, em)
        assert len(pieces) == 1
    for before, after in zip(text, text[1:], strict=False):
        if after in NEVER_FIRST or before in NEVER_LAST:
            assert not may_break(before, after)


@cache
def typeface() -> Typeface:
    return Typeface.of(font())


ANY = st.one_of(
    st.text(max_size=30),
    st.text(st.sampled_from("维，W \u202e\u0000\U0001f600\ud800שع\n"), max_size=200),
    st.sampled_from(["W" * 900, "。" * 300, "\n" * 90, "很" * 2000, ""]),
)


@st.composite
def hostile(draw: st.DrawFn) -> ReportDocument:
    """A report whose every text may be anything."""

    def some() -> str:
        return draw(ANY)

    number = st.floats(allow_nan=True, allow_infinity=True)
    strokes = draw(st.lists(st.lists(st.tuples(number, number), max_size=5).map(tuple), max_size=4))
    signing = draw(
        st.sampled_from(
            [
                None,
                Refusal(some(), some(), some()),
                Signature(some(), some(), some(), tuple(strokes), draw(number), some()),
            ]
        )
    )
    return replace(
        chinese(),
        title=some(),
        case_number=some(),
        organisation=some(),
        customer=Customer(some(), some(), some()),
        asset=Asset(some(), some(), some(), some()),
        technician=some(),
        times=tuple(Fact(some(), some()) for _ in range(draw(st.integers(0, 9)))),
        fault=some(),
        method=some(),
        checklist=(ChecklistItem(some(), draw(st.booleans()), some()),) * 3,
        parts=(Part(some(), some(), some(), draw(st.none() | st.integers(0, 10**9))),) * 3,
        currency=draw(st.text(max_size=3)),
        remarks=some(),
        photos=(Photo(some(), some(), 1, some(), draw(st.binary(max_size=40))),),
        signing=signing,
        seal=Seal(some(), some(), some(), some(), some(), some()),
    )


@given(hostile())
@settings(max_examples=30)
def test_nothing_ever_stands_off_the_paper(document: ReportDocument) -> None:
    for page in compose(document, typeface()):
        for mark in page.marks:
            match mark:
                case Text():
                    assert LEFT - 0.01 <= mark.x
                    assert mark.x + typeface().width(mark.text, mark.size) <= RIGHT + 0.01
                    assert TOP <= mark.y <= BOTTOM + 30
                case Box() | Picture():
                    assert mark.y + mark.height <= BOTTOM + 0.01
                case Pen():
                    ends = [piece.end for piece in mark.pieces]
                    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in ends)
                case Line():
                    assert max(mark.y1, mark.y2) <= BOTTOM + 30


@given(hostile())
@settings(max_examples=10)
def test_no_text_stroke_or_photo_can_stop_a_report_from_being_made(
    document: ReportDocument,
) -> None:
    assert render(document, font()).startswith(b"%PDF-")


def test_as_many_times_as_there_are_find_room_on_further_pages() -> None:
    document = replace(chinese(), times=tuple(Fact("到场时间", f"{i}日") for i in range(150)))
    pages = compose(document, typeface())
    bottoms = [max(m.y for m in page.marks if isinstance(m, Text)) for page in pages]
    assert max(bottoms) <= BOTTOM + 30
    texts = {m.text for page in pages for m in page.marks if isinstance(m, Text)}
    assert {f"{i}日" for i in range(150)} <= texts


def test_marks_that_reverse_the_reading_direction_are_not_printed() -> None:
    """They would make a signed text read as something that it does not say."""
    assert (
        typeface().printable("检查\u202e合不\u202c：2\u2066完成\u2069\u200f") == "检查合不：2完成"
    )


def test_unseen_characters_go_and_blanks_become_plain() -> None:
    assert typeface().printable("a\u00a0b\tc\u200bd\x07\ufeff\ufe0f\r\ne\u2028f") == "a b cd\ne\nf"


def test_curly_quotes_are_kept_in_chinese_and_straightened_in_english() -> None:
    text = "code “E3”"
    assert typeface().printable(text) == text
    assert Typeface.of(font(), chinese=False).printable(text) == 'code "E3"'
