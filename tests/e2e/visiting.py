"""The account manager's work of the day: one visit, begun from Today and finished."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from playwright.sync_api import FilePayload

from tests.e2e.people import Person
from tests.e2e.pictures import photo

NOTES = "试了新款陈列柜，店长想先看样品再定。"
NEEDS = "想在二楼加一排陈列柜，旺季之前装好。"
PREFERENCES = "只在周三上午方便，先打前台电话。"
NEXT_STEP = "带样品册和报价单再来一次"
ANSWER = "两排陈列柜，十二月以前要。"
LATITUDE, LONGITUDE, ACCURACY = 31.2304, 121.4737, 18


@dataclass(frozen=True, slots=True)
class Visited:
    """What was entered, and where."""

    visit_id: str
    day: date
    photo: FilePayload

    @property
    def texts(self) -> tuple[str, ...]:
        return (NOTES, NEEDS, PREFERENCES, NEXT_STEP, ANSWER)


def begin_visit(person: Person) -> str:
    """From Today to the visit under way that stands first there; its id."""
    person.tab.tap("开始拜访")
    person.tab.wait_text("改期")
    person.tab.tap("开始拜访")
    person.tab.wait_text("完成拜访")
    return person.record_id()


def keep_visit(person: Person) -> None:
    """Leaves the visit for later: what was written is a change that waits for the server."""
    person.tab.tap("稍后继续")
    person.tab.wait_text("稍后可以继续")


def take_position(person: Person) -> None:
    """The browser allows it and has a fix of this moment: an older one would be refused."""
    context = person.browser.context
    context.grant_permissions(["geolocation"])
    context.set_geolocation({"latitude": LATITUDE, "longitude": LONGITUDE, "accuracy": ACCURACY})
    person.tab.tap("取得当前位置")
    person.tab.wait_text(f"精度 ±{ACCURACY} 米")


def visit(person: Person, day: date) -> Visited:
    """A whole visit with position, photo, all that was learned, and a next step on `day`."""
    tab = person.tab
    visit_id = begin_visit(person)
    take_position(person)
    tab.fill("近期需求", ANSWER)
    tab.fill("记录", NOTES)
    tab.fill("发现的需求", NEEDS)
    tab.fill("发现的偏好", PREFERENCES)
    taken = photo("柜台.jpg")
    person.choose_files("拍照或选择照片", taken)
    tab.wait_text("已添加 1 张照片")
    tab.fill("下一步", NEXT_STEP)
    person.pick_day("下一步日期", day)
    tab.tap("完成拜访")
    tab.wait_text("完成这次拜访？")
    tab.tap("完成拜访", exact=True)
    tab.wait_text("拜访已完成")
    return Visited(visit_id, day, taken)
