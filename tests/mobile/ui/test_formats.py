"""How times, spans, money and sizes read in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from mobile.ui import formats, texts
from shared.errors import Code, Refusal

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday, 10:00 in Shanghai


@pytest.fixture(autouse=True)
def shanghai_in_chinese() -> Iterator[None]:
    texts.set_language("zh-CN")
    formats.set_zone("Asia/Shanghai")
    yield
    texts.set_language("zh-CN")


@pytest.mark.parametrize(
    ("hours", "chinese", "english"),
    [
        (0, "今天 10:00", "Today 10:00"),
        (13.9, "今天 23:54", "Today 23:54"),
        (14, "明天 00:00", "Tomorrow 00:00"),
        (-10.1, "昨天 23:54", "Yesterday 23:54"),
        (72, "周四 11月26日 10:00", "Thu 26 Nov 10:00"),
        (-72, "11月20日 10:00", "20 Nov 10:00"),
        (24 * 60, "2027年1月22日 10:00", "22 Jan 2027 10:00"),
    ],
)
def test_a_moment_reads_by_its_day_in_the_organisations_zone(hours, chinese, english):
    moment = NOW + timedelta(hours=hours)
    assert formats.when(moment, NOW) == chinese
    texts.set_language("en")
    assert formats.when(moment, NOW) == english


def test_a_zone_nobody_knows_reads_as_shanghai():
    formats.set_zone("Mars/Olympus")
    assert formats.time(NOW) == "10:00"
    formats.set_zone("Europe/London")
    assert formats.time(NOW) == "02:00"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=59), "0 分钟"),
        (timedelta(minutes=5), "5 分钟"),
        (timedelta(hours=2), "2 小时"),
        (timedelta(hours=2, minutes=5), "2 小时 5 分"),
        (timedelta(days=1, hours=3), "1 天 3 小时"),
        (timedelta(days=8, hours=3), "8 天"),
        (timedelta(hours=-2), "2 小时"),
    ],
)
def test_a_span_shows_its_two_largest_parts(span, words):
    assert formats.span(span) == words


def test_what_is_late_says_by_how_much():
    assert formats.due(NOW + timedelta(hours=1), NOW) == "还有 1 小时"
    assert formats.due(NOW - timedelta(hours=1), NOW) == "已超 1 小时"
    assert formats.ago(NOW - timedelta(seconds=5), NOW) == "刚刚"
    assert formats.ago(NOW - timedelta(minutes=5), NOW) == "5 分钟前"


def test_money_is_cents_with_a_sign_or_a_code():
    assert formats.money(123450, "CNY") == "¥1,234.50"
    assert formats.money(-5, "GBP") == "-£0.05"
    assert formats.money(100, "SEK") == "SEK 1.00"
    assert formats.money(None, "CNY") == ""


def test_a_size_reads_in_decimal_units():
    assert [formats.size(n) for n in (999, 1000, 2_400_000)] == ["999 B", "1.0 kB", "2.4 MB"]


def test_the_day_begins_at_the_organisations_midnight():
    assert formats.midnight(NOW) == datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert formats.local(formats.midnight(NOW, 1)).date() == date(2026, 11, 24)


def test_a_refusal_reads_with_its_field_limit_and_remedy():
    said = texts.error(Refusal(Code.FIELD_TOO_LONG, field="visit.notes", limit=8000))
    assert said == (
        "「记录」：文字超过了长度限制。（上限 8000）",
        "请精简；草稿已保留。",
    )
    texts.set_language("en")
    meaning, remedy = texts.error(Refusal(Code.WRONG_SECRET, remaining=3))
    assert meaning == "The PIN or passphrase is wrong. Tries left: 3."
    assert remedy


def test_a_language_we_lack_falls_back_to_the_closest():
    for asked, spoken in (("en-GB", "en"), ("zh-TW", "zh-CN"), ("fr", "zh-CN")):
        texts.set_language(asked)
        assert texts.language() == spoken


def test_a_missing_text_is_shown_by_its_key():
    assert texts.t("no.such.key") == "no.such.key"
