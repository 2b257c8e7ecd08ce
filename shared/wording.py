"""What both sides' catalogues of texts share: the languages, where the common texts lie, and how
placeholders are filled in.

Catalogues are flat JSON objects of dotted keys. Those in `TEXTS` (errors, fields and choices of
records) are worded once, for the app and for the server's console; each side lays its own over
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LANGUAGES = ("zh-CN", "en")
TEXTS = Path(__file__).parent / "texts"


def closest(language: str) -> str:
    """The language of ours that comes nearest to a BCP 47 tag; Chinese where none does."""
    same = [known for known in LANGUAGES if known.split("-")[0] == language.split("-")[0]]
    return language if language in LANGUAGES else (same or [LANGUAGES[0]])[0]


def worded(text: str, values: Mapping[str, object]) -> str:
    """A text with its placeholders filled in, nouns agreeing with their counts: "{count}
    {count:photo|photos}" says "1 photo"."""
    return text.format(**{n: _Count(v) if type(v) is int else v for n, v in values.items()})


class _Count(int):
    """An integer whose format "one|many" is the word that goes with it."""

    def __format__(self, spec: str) -> str:
        one, agrees, many = spec.partition("|")
        return (one if self == 1 else many) if agrees else super().__format__(spec)
