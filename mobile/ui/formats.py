"""How times, spans, money, sizes and phone numbers read, in the user's language and zone.

Everything takes aware UTC datetimes and the present moment as arguments: nothing here looks at a
clock.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from mobile.ui.texts import t

_zone: list[ZoneInfo] = []
_VERSION_LETTERS = 8
_SIGNS = {"CNY": "¥", "GBP": "£", "USD": "$", "EUR": "€"}


def set_zone(name: str) -> None:
    """Show times in this zone (that of the organisation) from now on. KeyError-free: unknown names
    read as Shanghai.
    """
    try:
        _zone[:] = [ZoneInfo(name)]
    except (KeyError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        _zone[:] = [ZoneInfo("Asia/Shanghai")]


def zone() -> ZoneInfo:
    """The zone in which times are shown."""
    if not _zone:
        set_zone("Asia/Shanghai")
    return _zone[0]


def local(moment: datetime) -> datetime:
    """The moment in the zone shown."""
    return moment.astimezone(zone())


def time(moment: datetime) -> str:
    """``14:30``."""
    return f"{local(moment):%H:%M}"


def day(on: date, now: datetime) -> str:
    """``今天``, ``明天``, ``11月23日 周一``; with its year when that is another one."""
    today = local(now).date()
    apart = (on - today).days
    if apart in (-1, 0, 1):
        return t(("day.yesterday", "day.today", "day.tomorrow")[apart + 1])
    weekday = t(f"weekday.{on.isoweekday()}")
    if abs(apart) < 7 and apart > 0:
        return t("day.this_week", weekday=weekday, day=on.day, mon=t(f"month.{on.month}"))
    key = "day.same_year" if on.year == today.year else "day.other_year"
    return t(key, year=on.year, day=on.day, mon=t(f"month.{on.month}"))


def when(moment: datetime | None, now: datetime) -> str:
    """Day and time: ``今天 14:30``. Empty for None."""
    return f"{day(local(moment).date(), now)} {time(moment)}" if moment else ""


def span(length: timedelta) -> str:
    """The length of a time in its two largest parts: ``2 小时 5 分``. Its sign is not shown."""
    minutes = int(abs(length).total_seconds() // 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return (
            t("span.days_hours", days=days, hours=hours)
            if hours and days < 7
            else t("span.days", days=days)
        )
    if hours:
        return (
            t("span.hours_minutes", hours=hours, minutes=minutes)
            if minutes
            else t("span.hours", hours=hours)
        )
    return t("span.minutes", minutes=minutes)


def ago(moment: datetime, now: datetime) -> str:
    """``刚刚``, ``5 分前``; from a day on, the day itself."""
    passed = now - moment
    if passed < timedelta(minutes=1):
        return t("ago.just_now")
    if passed < timedelta(days=1):
        return t("ago.span", span=span(passed))
    return when(moment, now)


def due(moment: datetime, now: datetime) -> str:
    """``还有 2 小时``, ``还剩不到 1 分钟`` or ``已超 3 小时``."""
    left = moment - now
    if timedelta(0) < left < timedelta(minutes=1):
        return t("due.soon")
    return t("due.left" if left >= timedelta(0) else "due.over", span=span(left))


def money(cents: int | None, currency: str | None) -> str:
    """``¥1,234.50``; the code stands in front where a currency has no sign here. Empty for None."""
    if cents is None:
        return ""
    sign = _SIGNS.get(currency or "", f"{currency} " if currency else "")
    return f"{'-' if cents < 0 else ''}{sign}{abs(cents) / 100:,.2f}"


def size(octets: int) -> str:
    """``2.4 MB`` (decimal units)."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if octets >= step:
            return f"{octets / step:.1f} {unit}"
    return f"{octets} B"


def version(name: str) -> str:
    """The app's version, short enough to be read out: a build is named by a long hash."""
    return name[:_VERSION_LETTERS]


def masked_phone(phone: str | None) -> str:
    """First three and last four digits; short numbers keep their last two."""
    if not phone:
        return ""
    if len(phone) < 8:
        return "•" * (len(phone) - 2) + phone[-2:]
    return f"{phone[:3]}{'•' * (len(phone) - 7)}{phone[-4:]}"


def midnight(now: datetime, days: int = 0) -> datetime:
    """The beginning, in the zone shown, of the day that lies `days` after today; as UTC."""
    start = datetime.combine(local(now).date() + timedelta(days=days), datetime.min.time(), zone())
    return start.astimezone(UTC)
