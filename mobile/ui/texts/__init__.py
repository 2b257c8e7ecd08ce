"""Every word on a screen, by key and language.

Catalogues are flat JSON objects of dotted keys, one file per area (`frame`, `visits`, …) in a
folder per language, beside those that the server's console has as well (`shared.wording`); every
language has the same keys and the same placeholders, which a test proves. The language is chosen
once for the process, as one app runs for one person: `set_language` and a new rendering of the root
switch it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from shared.errors import Code, Refusal
from shared.wording import LANGUAGES, TEXTS, closest, worded

_FOLDERS = (TEXTS, Path(__file__).parent)
_chosen = [LANGUAGES[0]]


@cache
def catalogue(language: str) -> dict[str, str]:
    """All texts of one language. KeyError-free to read: `t` decides what stands in for a missing
    one.
    """
    merged: dict[str, str] = {}
    for folder in _FOLDERS:
        for area in sorted((folder / language).glob("*.json")):
            merged |= json.loads(area.read_text("utf-8"))
    return merged


def set_language(language: str) -> None:
    """Speak `language` from now on; one that we don't have falls back to the closest, then to
    Chinese.
    """
    _chosen[0] = closest(language)


def language() -> str:
    """The language spoken now, as a BCP 47 tag."""
    return _chosen[0]


def t(key: str, /, **values: object) -> str:
    """The text of `key` with `{name}` placeholders filled in.

    A count chooses its noun: "{count} {count:photo|photos}" says "1 photo". A key that no catalogue
    has is shown as it is: an ugly word on a screen beats a screen that fails.
    """
    found = catalogue(_chosen[0]).get(key)
    return key if found is None else worded(found, values) if values else found


def said_in(tag: str, key: str) -> str:
    """The text of `key` in another language than the app's: for whom the phone is handed to."""
    return catalogue(tag).get(key, key)


def has(key: str) -> bool:
    """Whether the language spoken now has this key."""
    return key in catalogue(_chosen[0])


def choice(field: str, word: str | None) -> str:
    """The label of one word of a choice field; empty for None."""
    return t(f"choice.{field}.{word}") if word else ""


def label(field: str) -> str:
    """The label of an entity's field."""
    return t(f"field.{field}")


def error(problem: Refusal | Code) -> tuple[str, str]:
    """What was refused and what to do next, in the user's words. Field names in the details are
    worded as well.
    """
    code = problem.code if isinstance(problem, Refusal) else problem
    details = problem.details if isinstance(problem, Refusal) else {}
    meaning = t(f"error.{code.key}")
    if name := str(details.get("field", "")).rpartition(".")[2].partition("[")[0]:
        meaning = t("error.in_field", field=label(name), meaning=meaning)
    if "limit" in details:
        meaning = t("error.limit", meaning=meaning, limit=details["limit"])
    if "remaining" in details:
        meaning = t("error.remaining", meaning=meaning, remaining=details["remaining"])
    return meaning, t(f"error.{code.key}.remedy")


__all__ = [
    "LANGUAGES", "catalogue", "choice", "error", "has", "label", "language", "said_in",
    "set_language", "t",
]  # fmt: skip
