"""Initials of Chinese names as people type them: 张伟 → zw (ux.md, Search).

A character that is read differently in a surname (曾 Zēng) or that has two common readings gives
both spellings: whoever searches need not know which one the table prefers.
"""

from __future__ import annotations

from shared.pinyin_table import BY_LETTER


class _Letters(dict[int, str]):
    """For `str.translate`: Latin letters and digits stand for themselves, the rest for nothing."""

    def __missing__(self, point: int) -> str:
        char = chr(point)
        return char.casefold() if char.isascii() and char.isalnum() else ""


_LETTERS = _Letters({ord(char): letter for letter, chars in BY_LETTER.items() for char in chars})
_HANZI = frozenset(map(chr, _LETTERS))

# fmt: off
_AS_SURNAME = {
    "曾": "z", "单": "s", "解": "x", "仇": "q", "查": "z", "区": "o", "翟": "z", "乐": "y",
    "覃": "q", "缪": "m", "种": "c", "秘": "b", "折": "s", "召": "s", "洗": "x", "祭": "z",
    "员": "y", "繁": "p",
}
"""First letters of surnames that are read otherwise than the character by itself."""

_TWO_SURNAMES = {"尉迟": "yc", "万俟": "mq", "长孙": "zs", "单于": "cy"}

_ALSO = {
    "重": "c", "长": "c", "行": "h", "乐": "y", "单": "s", "解": "x", "曾": "z", "查": "z",
    "藏": "z", "调": "t", "朝": "z", "弹": "t", "都": "d", "宿": "x", "车": "j", "降": "x",
    "强": "j", "系": "j", "巷": "h", "传": "z", "柏": "b", "会": "k", "校": "j",
}
"""Second readings of characters that stand in many names of people, streets and companies."""
# fmt: on
_DOUBTFUL = frozenset(_AS_SURNAME) | frozenset(_ALSO) | frozenset("".join(_TWO_SURNAMES))


def initials(text: str) -> list[str]:
    """Every spelling of `text` in first letters, the likeliest first, lower case; empty if it
    holds no Chinese.

    Latin letters and digits stand for themselves, everything else is left out. Of a text with
    several doubtful characters each is tried by itself, not all combinations.
    """
    if _HANZI.isdisjoint(text):
        return []
    if _DOUBTFUL.isdisjoint(text):
        return [text.translate(_LETTERS)]
    likeliest: list[str] = []
    others: list[tuple[int, str]] = []
    for char in text:
        letter = char.translate(_LETTERS)
        if not letter:
            continue
        at = len(likeliest)
        usual = _AS_SURNAME.get(char, letter) if at == 0 else letter
        others += [(at, other) for other in (letter, _ALSO.get(char, letter)) if other != usual]
        likeliest.append(usual)
    if surname := _TWO_SURNAMES.get(text[:2]):
        likeliest[:2] = surname
    spellings = ["".join(likeliest)]
    for at, other in others:
        spellings.append("".join([*likeliest[:at], other, *likeliest[at + 1 :]]))
    return list(dict.fromkeys(spellings))
