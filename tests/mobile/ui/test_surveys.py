"""A survey on the agent's phone: handed over it is all there is, offline it is kept (S4 #162)."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from mobile.usecases.session import Phase
from shared.entities import Question, Survey, SurveyAnswer
from shared.ids import derived_id
from tests.mobile.ui.field import NOW, PIN, Field, customer

SURVEY = Survey(
    id=derived_id("survey"), title_zh="服务调查", title_en="Our service", subject="after_sales",
    open_from=date(NOW.year, 1, 1), open_until=date(NOW.year + 1, 12, 31),
    questions=(
        Question(key="nps", asks="nps", zh="会推荐吗？", en="Recommend us?"),
        Question(key="way", asks="choice", zh="怎么来的？", en="How did you come?",
                 options_zh=("地铁", "步行"), options_en=("Metro", "On foot")),
        Question(key="why", asks="words", zh="为什么？", en="Why?"),
    ),
)  # fmt: skip


def given(store: Any) -> list[dict[str, Any]]:
    """The answers in a vault's outbox."""
    found = [one for one in store.waiting() if one.entity == "survey_answer"]
    return [one.values for one in found]


async def handed(field: Field, open_app: Any) -> Any:
    field.plant(SURVEY, customer("甲公司"))
    app, shell = await open_app(field)
    await app.go("/surveys")
    await app.tap(f"hand-{SURVEY.id}")
    return app, shell


async def test_the_phone_in_a_customers_hands_shows_the_survey_and_nothing_else(field, open_app):
    app, _shell = await handed(field, open_app)
    assert app.says("会推荐吗？") and not app.has("nav") and not app.has("sync-chip")
    await app.go("/customers")
    assert app.says("会推荐吗？") and not app.says("甲公司")


async def test_an_answer_is_kept_and_the_phone_comes_back_locked_at_the_screen_where_it_was(
    field, open_app
):
    app, shell = await handed(field, open_app)
    await app.tap("pick-nps-9")
    await app.tap("pick-way-1")
    await app.type("words-why", "很快")
    await app.tap("survey-send")
    assert app.says("谢谢")
    assert [one["replies"] for one in given(shell.store)] == [
        [
            {"question": "nps", "points": 9},
            {"question": "way", "points": 1},
            {"question": "why", "words": "很快"},
        ]
    ]
    await app.tap("survey-back")
    await app.until(lambda: shell.session.phase is Phase.LOCKED and app.has("secret"))
    assert not app.says("甲公司")
    await app.type("secret", PIN)
    await app.tap("unlock")
    await app.until(lambda: app.has(f"hand-{SURVEY.id}"))


async def test_the_questions_are_asked_in_the_other_language_at_a_tap(field, open_app):
    app, _shell = await handed(field, open_app)
    await app.tap("speak-en")
    assert app.says("How did you come?") and app.says("Anonymous")


async def test_who_would_rather_not_hands_in_nothing_and_the_phone_is_locked_all_the_same(
    field, open_app
):
    app, shell = await handed(field, open_app)
    await app.tap("survey-leave")
    await app.until(lambda: shell.session.phase is Phase.LOCKED)
    db, store = await field.reopened()
    assert given(store) == []
    db.close()


async def test_an_answer_survives_the_end_of_the_app(field, open_app):
    app, shell = await handed(field, open_app)
    await app.tap("pick-nps-3")
    await app.tap("survey-send")
    await shell.close()
    db, store = await field.reopened()
    (one,) = given(store)
    assert one["replies"] == [{"question": "nps", "points": 3}]
    text = db.execute("SELECT change FROM outbox WHERE entity = 'survey_answer'").get
    told = json.loads(text)
    assert told["change_id"][14] == told["record_id"][14] == "4", "such an id holds no time"
    db.close()


async def test_a_survey_that_is_read_out_leads_straight_back(field, open_app):
    field.plant(SURVEY)
    app, shell = await open_app(field)
    await app.go("/surveys")
    await app.tap(f"read-{SURVEY.id}")
    await app.tap("pick-nps-0")
    await app.tap("survey-send")
    await app.tap("survey-back")
    assert shell.session.phase is Phase.OPEN and app.has(f"read-{SURVEY.id}")
    assert len(given(shell.store)) == 1


def test_an_answer_has_no_field_for_whoever_gave_or_took_it() -> None:
    names = {
        f for f in SurveyAnswer.__dataclass_fields__ if not f.startswith(("created", "update"))
    }
    assert names == {"id", "survey_id", "store_id", "replies"}
