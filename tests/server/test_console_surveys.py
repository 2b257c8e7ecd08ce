"""Surveys at the console and behind their links."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shared.ids import derived_id
from sync_server.services.writing import write
from tests.server.desks import Desk, signed_in
from tests.server.phones import ADDRESS, ORG, STORE, Field

pytestmark = pytest.mark.thorough

FORM = {
    "title_zh": "门店服务", "title_en": "Our store", "subject": "store",
    "open_from": "2026-11-01", "open_until": "2027-12-31",
    "q0.asks": "nps", "q0.zh": "会推荐吗？", "q0.en": "Recommend us?",
    "q1.asks": "choice", "q1.zh": "怎么来的？", "q1.en": "How did you come?",
    "q1.options_zh": "地铁\n步行", "q1.options_en": "Metro\nOn foot",
    "q2.asks": "words", "q2.zh": "还有什么？", "q2.en": "Anything else?",
}  # fmt: skip
_LINK = re.compile(rf"{ADDRESS}(/s/[\w-]+)")


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path)
    yield made
    made.close()


def made(desk: Desk, **more: str) -> str:
    """A survey's page, by way of its preview."""
    desk.get("/console/surveys/new")
    desk.post("/console/surveys/new", **FORM, **more, step="preview")
    assert "How did you come?" in desk.text and "怎么来的？" in desk.text
    answer = desk.post("/console/surveys/new", **FORM, **more, step="store")
    assert "is made" in desk.follow(answer)
    return answer.headers["location"]


def link(desk: Desk, page: str, **asked: str) -> str:
    desk.get(page)
    desk.post(f"{page}/links", **{"count": "1", "store_id": STORE, **asked})
    return _LINK.findall(desk.page)[0]


def test_a_survey_is_previewed_made_answered_by_link_and_told_once_the_month_has_settled(
    field: Field,
) -> None:
    desk = signed_in(field)
    page = made(desk)
    path = link(desk, page)
    customer = Desk(field)
    assert "Anonymous" in customer.get(path).text and not customer.cookies
    for points in "99930":
        sent = {"said.q1": points, "said.q2": "1", "said.q3": "很好"}
        assert "Thank you" in customer.post(path, **sent).text
    desk.get(page)
    assert "5 answers so far" in desk.text and "Recommend us? 5" not in desk.text
    field.clock.pass_by(days=20)
    desk = signed_in(field)
    desk.get(page)
    assert "20 NPS · Recommend us?" in desk.text and "On foot" in desk.text
    assert desk.text.count("很好") == 5
    desk.get("/console/surveys")
    assert "Our store" in desk.text


def test_the_page_behind_a_link_speaks_both_languages_and_needs_no_script(field: Field) -> None:
    desk = signed_in(field)
    path = link(desk, made(desk))
    customer = Desk(field, language="zh-CN")
    answer = customer.get(path)
    assert "怎么来的？" in customer.text and "<script" not in customer.page
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    customer.get(f"{path}?lang=en")
    assert "How did you come?" in customer.text


def test_a_link_for_one_answer_leads_nowhere_afterwards(field: Field) -> None:
    desk = signed_in(field)
    path = link(desk, made(desk), once="on")
    customer = Desk(field)
    assert customer.post(path, **{"said.q1": "9"}).status_code == 200
    assert customer.post(path, **{"said.q1": "9"}).status_code == 404
    assert customer.get("/s/nothing-of-the-kind").status_code == 404


def test_an_answer_without_a_word_is_asked_for_again(field: Field) -> None:
    desk = signed_in(field)
    path = link(desk, made(desk))
    assert Desk(field).post(path, **{"said.q9": "1"}).status_code == 422


def test_one_address_is_slowed_down(field: Field) -> None:
    desk = signed_in(field)
    path = link(desk, made(desk))
    there = httpx.ASGITransport(app=field.app, client=("203.0.113.7", 1))

    async def answers() -> list[int]:
        async with httpx.AsyncClient(transport=there, base_url=ADDRESS) as browser:
            sent = [await browser.post(path, data={"said.q1": "0"}) for _ in range(21)]
        return [one.status_code for one in sent]

    assert asyncio.run(answers()) == [200] * 20 + [429]


def test_a_store_manager_reads_makes_links_for_their_store_and_no_surveys(field: Field) -> None:
    page = made(signed_in(field))
    desk = signed_in(field, "chen")
    assert desk.get("/console/surveys/new").status_code == 403
    assert desk.get(page).status_code == 200
    assert link(desk, page)
    assert desk.post(f"{page}/end").status_code == 403


def test_a_survey_that_is_sent_twice_from_its_preview_is_one(field: Field) -> None:
    desk = signed_in(field)
    desk.get("/console/surveys/new")
    desk.post("/console/surveys/new", **FORM, step="preview")
    (known_as,) = re.findall(r'name="id" value="([^"]+)"', desk.page)
    first, again = (
        desk.post("/console/surveys/new", **FORM, step="store", id=known_as) for _ in range(2)
    )
    assert first.headers["location"] == again.headers["location"]
    desk.follow(again)
    desk.get("/console/surveys")
    assert desk.text.count("Our store") == 1


def test_another_stores_survey_is_neither_shown_nor_handed_out(field: Field) -> None:
    other = derived_id("elsewhere")
    row = {"id": other, "name": "二号店"}
    write(field.server.database, ORG, field.clock.now(), lambda unit: unit.create("store", row))
    page = made(signed_in(field), store_id=other)
    desk = signed_in(field, "chen")
    desk.get("/console/surveys")
    assert "Our store" not in desk.text
    assert desk.get(page).status_code == 404
    asked = {"count": "1", "store_id": STORE}
    desk.get("/console/surveys")
    assert desk.post(f"{page}/links", **asked).status_code == 404 and "/s/" not in desk.page


def test_a_form_that_lacks_a_language_says_so(field: Field) -> None:
    desk = signed_in(field)
    desk.get("/console/surveys/new")
    answer = desk.post("/console/surveys/new", **{**FORM, "q0.en": ""}, step="store")
    assert answer.status_code == 422 and 'value="会推荐吗？"' in desk.page


def test_an_outside_evaluation_is_entered_and_listed(field: Field) -> None:
    desk = signed_in(field)
    desk.get("/console/evaluations")
    sent = {
        "agency": "J.D. Power", "subject_words": "After-sales 2026", "points": "83",
        "from_day": "2026-09-01", "until_day": "2026-10-31", "asked": "1200",
    }  # fmt: skip
    assert (
        desk.post("/console/evaluations", **{**sent, "until_day": "2026-08-01"}).status_code == 422
    )
    assert "is on record" in desk.follow(desk.post("/console/evaluations", **sent))
    assert "J.D. Power" in desk.text and "83" in desk.text
    desk.follow(desk.post("/console/evaluations", **sent))  # the first reply was lost
    assert desk.text.count("1200") + desk.text.count("1,200") == 1
