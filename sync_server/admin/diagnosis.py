"""What the doctor found, in the words of a language: for the console, and for the command line."""

from __future__ import annotations

from collections.abc import Mapping

from sync_server.admin.texts import Words
from sync_server.services.doctor import Finding, Named, State


def question(words: Words, finding: Finding) -> str:
    """What was looked at."""
    return words(f"health.of.{finding.question.replace(' ', '_')}")


def answer(words: Words, finding: Finding) -> str:
    """What was found."""
    told = (_worded(words, finding, word) for word in finding.said)
    return words("doctor.and").join(told)


def remedy(words: Words, finding: Finding) -> str:
    """What to do about it; empty where all is well."""
    return "" if finding.state is State.GOOD else _worded(words, finding, finding.remedy)


def _worded(words: Words, finding: Finding, word: str) -> str:
    named = {name: _named(words, value) for name, value in finding.named.items()}
    return words(f"doctor.{word}", **finding.values, **named)


def _named(words: Words, value: Named) -> str | int:
    if isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return words("doctor.and").join(f"{count} × {words(key)}" for key, count in value.items())
    return words("doctor.and").join(map(words, value))
