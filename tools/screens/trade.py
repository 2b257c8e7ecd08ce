"""A round through the desk's own work at a store manager's phone: a complaint taken by telephone,
its steps, feedback and training, an anonymous survey, and the figures."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from shared.ids import new_id
from sync_server.services.writing import Unit
from tools.screens.edges import on_server
from tools.screens.walk import Walk

_CALLER, _PHONE = "林晓燕", "13977776666"
_SAID = {
    "zh-CN": ("新装的门锁打不开", "钥匙断在锁芯里，装好才两天。", "一家人进不了门"),
    "en": (
        "The new lock does not open",
        "The key broke off in the cylinder, two days after it was fitted.",
        "The family stood before their own door.",
    ),
}
_SURVEY = {
    "title_zh": "门店服务调查",
    "title_en": "How we serve you",
    "subject": "store",
    "questions": [
        {"key": "nps", "asks": "nps",
         "zh": "您会向朋友推荐我们吗？", "en": "Would you recommend us?"},
        {"key": "csat", "asks": "csat", "aspect": "attitude",
         "zh": "今天的接待您满意吗？", "en": "How content are you with today's service?"},
        {"key": "why", "asks": "choice",
         "zh": "您怎么知道我们的？", "en": "How did you hear of us?",
         "options_zh": ["朋友", "路过", "网络"],
         "options_en": ["From friends", "Passing by", "Online"]},
        {"key": "more", "asks": "words", "zh": "还有什么想说的？", "en": "Anything else?"},
    ],
}  # fmt: skip


def desk(walk: Walk) -> None:
    """From a call to the plan, and what stands beside it."""
    today = datetime.now(UTC).date()
    until = {"open_from": str(today), "open_until": str(today + timedelta(days=30))}

    def work(unit: Unit) -> None:
        unit.create("survey", {"id": new_id(), **_SURVEY, **until})

    on_server(walk, work)
    with walk.live.opened() as office:
        office.keep_figures()
    walk.sign_in("chenjing")
    walk.wait_chip("synced")
    _complaint(walk)
    _survey(walk)
    _figures(walk)


def _complaint(walk: Walk) -> None:
    title, course, impact = _SAID[walk.language]
    walk.go("/calls/new")
    walk.fill("field.phone", _PHONE)
    walk.fill("field.name", _CALLER)
    walk.shot("80-call")
    walk.fill("field.title", title)
    walk.fill("complaint.course", course)
    walk.fill("field.impact", impact)
    walk.shot("80-call-more")
    walk.tap("call.register")
    walk.wait("complaint.steps")
    walk.shot("81-complaint")
    walk.scroll(700)
    walk.shot("81-complaint-more")
    walk.scroll(3000)
    walk.shot("81-complaint-end")
    case = walk.tab.page.url.rpartition("/")[2].partition("?")[0]
    for step in ("verify", "liability", "plan", "review"):
        walk.go(f"/cases/{case}/steps/{step}")
        walk.shot(f"82-step-{step}")
    walk.go(f"/cases/{case}/feedback")
    walk.shot("83-feedback")
    walk.go(f"/cases/{case}/training")
    walk.shot("83-training")
    walk.go("/cases")
    walk.shot("84-cases-manager")


def _survey(walk: Walk) -> None:
    walk.go("/surveys")
    walk.wait("surveys.lead")
    walk.shot("85-surveys")
    walk.tap("surveys.read_out")
    walk.shot("86-survey")
    walk.scroll(3000)
    walk.shot("86-survey-end")


def _figures(walk: Walk) -> None:
    walk.tab.reload()
    walk.unlock()
    walk.wait_chip("synced")
    walk.go("/figures")
    walk.shot("87-figures")
    walk.press(re.compile(re.escape(walk.t("sheet.score")) + "|" + re.escape("%")))
    walk.shot("87-figures-opened")
    walk.scroll(900)
    walk.shot("87-figures-more")


__all__ = ["desk"]
