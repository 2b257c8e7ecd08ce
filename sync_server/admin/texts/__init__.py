"""Every word of the console, by key and language, beside those that the app has as well
(`shared.wording`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.clock import from_wire
from shared.errors import Refusal
from shared.wording import LANGUAGES, TEXTS, closest, worded

FOLDERS = (TEXTS, Path(__file__).parent)
_SIZES = ("B", "kB", "MB", "GB", "TB")


@cache
def catalogue(language: str) -> dict[str, str]:
    """All texts of one language."""
    merged: dict[str, str] = {}
    for folder in FOLDERS:
        for area in sorted((folder / language).glob("*.json")):
            merged |= json.loads(area.read_text("utf-8"))
    return merged


def preferred(accepted: str) -> str:
    """The first language of an Accept-Language header that we have; Chinese where we have none.
    Browsers name them in order of preference."""
    tags = [part.partition(";")[0].strip() for part in accepted.split(",")]
    known = {language.split("-")[0] for language in LANGUAGES}
    return closest(next((tag for tag in tags if tag.split("-")[0] in known), ""))


@dataclass(frozen=True, slots=True)
class Words:
    """Texts, times and figures as one reader sees them. Templates know it as `t`."""

    language: str
    zone: ZoneInfo

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of `key`; a key that no catalogue has is shown as it is."""
        found = catalogue(self.language).get(key)
        return key if found is None else worded(found, values) if values else found

    def has(self, key: str) -> bool:
        return key in catalogue(self.language)

    def choice(self, field: str, word: str | None) -> str:
        """The label of one word of a choice field; empty for None."""
        return self(f"choice.{field}.{word}") if word else ""

    def error(self, refusal: Refusal) -> tuple[str, str]:
        """What was refused and what to do next."""
        meaning = self(f"error.{refusal.code.key}")
        if "limit" in refusal.details:
            meaning = self("error.limit", meaning=meaning, limit=refusal.details["limit"])
        return meaning, self(f"error.{refusal.code.key}.remedy")

    def when(self, moment: str | datetime | None) -> str:
        """``2026-11-22 15:30`` in the organisation's zone; empty for None."""
        return f"{self._local(moment):%Y-%m-%d %H:%M}" if moment else ""

    def ago(self, moment: str | datetime | None, now: datetime) -> str:
        """How long something is past: ``5 min``; empty for None."""
        if not moment:
            return ""
        return self.span(now - self._local(moment))

    def span(self, length: timedelta) -> str:
        """A length of time in its largest unit. Below zero counts as nothing."""
        minutes = max(0, int(length.total_seconds() // 60))
        if minutes < 60:
            return self("span.minutes", count=minutes)
        if minutes < 48 * 60:
            return self("span.hours", count=minutes // 60)
        return self("span.days", count=minutes // (24 * 60))

    def size(self, count: int | None) -> str:
        """Bytes for people: ``3.4 MB``; empty for None."""
        if count is None:
            return ""
        value, unit = float(count), 0
        while value >= 1000 and unit < len(_SIZES) - 1:
            value, unit = value / 1000, unit + 1
        return f"{value:.0f} {_SIZES[unit]}" if unit == 0 else f"{value:.1f} {_SIZES[unit]}"

    def number(self, count: int) -> str:
        return f"{count:,}"

    def _local(self, moment: str | datetime) -> datetime:
        read = from_wire(moment) if isinstance(moment, str) else moment
        return read.astimezone(self.zone)


def words(language: str, timezone: str = "") -> Words:
    """The texts of a language, with times in a zone; UTC where that is none."""
    try:
        zone = ZoneInfo(timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo(str(UTC))
    return Words(closest(language), zone)
