"""Initials of Chinese names, as people type them into the search box."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin import Style, pinyin

from shared.pinyin import initials
from shared.pinyin_table import BY_LETTER


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("张伟", "zw"),
        ("欧阳娜娜", "oynn"),
        ("曾国藩", "zgf"),  # as a surname Zēng, elsewhere céng
        ("单雄信", "sxx"),
        ("解珍", "xz"),
        ("尉迟恭", "ycg"),
        ("重庆长安", "cqza"),
        ("招商银行", "zsyh"),
        ("ACME（上海）2 部", "acmesh2b"),
    ],
)
def test_a_name_is_found_by_the_spelling_that_people_type(name: str, spelling: str) -> None:
    assert spelling in initials(name)


def test_the_likeliest_spelling_comes_first_and_none_twice() -> None:
    assert initials("曾国藩") == ["zgf", "cgf"]
    assert initials("张伟") == ["zw"]


def test_what_holds_no_chinese_has_no_initials() -> None:
    assert initials("Bob 42") == [] == initials("")


def test_the_table_holds_each_character_of_gb_2312_once() -> None:
    chars = "".join(BY_LETTER.values())
    assert len(chars) == len(set(chars)) == 6763
    assert all(char.encode("gb2312") for char in chars)


def test_the_table_agrees_with_its_source() -> None:
    sample = {letter: chars[::40] for letter, chars in BY_LETTER.items()}
    for letter, chars in sample.items():
        for char in chars:
            assert pinyin(char, style=Style.NORMAL)[0][0][0].replace("ê", "e") == letter


@given(st.text(alphabet="张重长乐 aB9，、行单", max_size=12))
def test_every_spelling_has_one_letter_for_each_that_is_spelled(text: str) -> None:
    spelled = [char for char in text if char not in " ，、"]
    for spelling in initials(text):
        assert len(spelling) == len(spelled) and spelling.isascii() and spelling == spelling.lower()
