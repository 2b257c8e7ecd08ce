"""What the search box finds a record by: one narrow text per record, and the words of a query in
the same form.

Everything is NFKC and case-folded, so that full-width digits and capitals find their plain forms.
Each word stands behind `SEPARATOR`, so that a hit at the start of a word can be told from one in
its middle.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

from shared.declare import ENTITIES, Entity, Personal
from shared.pinyin import initials

SEPARATOR = "\x1f"
_NOT_DIGITS = re.compile(r"[^0-9]+")
_PHONE_LIKE = re.compile(r"[+0-9][-0-9 ().]*")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


def of(entity: Entity, row: Mapping[str, Any]) -> str:
    """The text by which a row is found; empty for an entity that the search box does not know."""
    words: list[str] = []
    for name, is_phone in _searched(entity.name):
        value = row.get(name)
        if not isinstance(value, str) or not value:
            continue
        plain = folded(value)
        words.append(plain)
        if is_phone:
            words.append(_NOT_DIGITS.sub("", plain))
        elif plain.isascii():
            words.append(_NOT_ALPHANUMERIC.sub("", plain))
        else:
            words += initials(plain)
    return "".join(SEPARATOR + word for word in dict.fromkeys(words) if word)


@cache
def _searched(entity: str) -> tuple[tuple[str, bool], ...]:
    """(field, whether it is a phone number) of what an entity is found by."""
    fields = ENTITIES[entity].fields
    return tuple((n, f.personal is Personal.PHONE) for n, f in fields.items() if f.search)


def words_of(query: str) -> list[str]:
    """The words of a query, all of which a record's text must hold. A phone number typed in
    groups is one word."""
    plain = folded(query)
    if _PHONE_LIKE.fullmatch(plain):
        digits = _NOT_DIGITS.sub("", plain)
        return [digits] if digits else []
    return plain.split()


def folded(text: str) -> str:
    """Case and width do not count."""
    return unicodedata.normalize("NFKC", text).casefold().replace(SEPARATOR, " ").strip()
