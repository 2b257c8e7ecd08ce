"""The callback agent's work of the day: one call, answered and rated."""

from __future__ import annotations

from dataclasses import dataclass

from tests.e2e.people import Person

USAGE = "灯都亮着，客人进门就问价。"
WISHES = "还想要两串暖光的，下个月到货也行。"
NOTES = "接通，语气满意，约好下月再联系。"
SATISFACTION = 85


@dataclass(frozen=True, slots=True)
class Called:
    """What was entered, and where."""

    callback_id: str

    @property
    def texts(self) -> tuple[str, ...]:
        return (USAGE, WISHES, NOTES)


def call_back(person: Person) -> Called:
    """The call that stands first on Today: reached, satisfied."""
    tab = person.tab
    tab.tap("开始回访")
    tab.wait_text("回访结果")
    callback_id = person.record_id()
    tab.fill("使用情况", USAGE)
    tab.fill("近期需要", WISHES)
    tab.fill("精确分数", str(SATISFACTION))
    tab.tap("满意", exact=True)
    tab.fill("通话记录", NOTES)
    tab.tap("完成回访")
    tab.wait_text("完成这次回访？")
    tab.tap("完成回访", exact=True)
    tab.wait_text("回访已完成")
    return Called(callback_id)
