"""Consent is asked in words that have a version, answered offline, withdrawn, and never lost."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mobile.usecases import consents
from shared.entities import Consent, Reference, Visit
from shared.ids import derived_id
from tests.mobile.ui.field import NOW, Field, customer
from tests.mobile.ui.repair_field import CATALOGUES, catalogues
from tests.mobile.ui.written import looks

ONE = customer("甲公司")
PAGE = f"/customers/{ONE.id}/consent"


@pytest.fixture
def phone(field: Field) -> Field:
    field.plant(ONE, *catalogues())
    return field


def answers(shell: Any) -> list[tuple[str, str, bool]]:
    found = shell.store.find(Consent, customer_id=ONE.id)
    return sorted((c.scope, c.answer, c.withdrawn_at is not None) for c in found)


async def test_an_answer_is_kept_with_the_words_it_was_given_to(
    phone: Field, open_app: Any
) -> None:
    app, shell = await open_app(phone)
    await app.go(PAGE)
    words = json.loads(CATALOGUES.read_text("utf-8"))["consent_text"]
    assert all(app.says(one["text"]["zh-CN"]) for one in words)
    assert looks(shell) == [("customer", "opened")]
    await app.tap("give-collection")
    await app.tap("refuse-sharing")
    await app.until(lambda: len(answers(shell)) == 2)
    assert answers(shell) == [("collection", "given", False), ("sharing", "refused", False)]
    (given,) = [c for c in shell.store.find(Consent) if c.scope == "collection"]
    (text,) = [s.text for s in consents.standings(shell.store, ONE.id, "zh-CN")
               if s.scope == "collection"]  # fmt: skip
    assert (given.text_key, given.text_version, given.language) == ("collection", 1, "zh-CN")
    assert given.text_hash == text.hash and given.taken_by == shell.staff.id
    assert app.says("已同意") and app.says("不同意")
    await app.go(f"/customers/{ONE.id}?show=profile")
    assert app.says("收集：已同意 · 使用：未询问 · 共享：不同意")


async def test_a_consent_is_withdrawn_and_what_held_until_then_stays_on_record(
    phone: Field, open_app: Any
) -> None:
    app, shell = await open_app(phone)
    await app.go(PAGE)
    await app.tap("give-use")
    await app.until(lambda: app.find("withdraw-use") is not None)
    await app.tap("withdraw-use")
    await app.until(lambda: answers(shell) == [("use", "given", True)])
    assert app.says("已撤回")
    await app.tap("give-use")
    await app.until(lambda: len(answers(shell)) == 2)
    assert answers(shell) == [("use", "given", False), ("use", "given", True)]


async def test_new_words_are_asked_anew(field: Field, open_app: Any) -> None:
    (before,) = [r for r in catalogues() if (r.catalogue, r.key) == ("consent_text", "use")]
    given = Consent(
        id=derived_id("given"), customer_id=ONE.id, scope="use", answer="given", text_key="use",
        text_version=1, text_hash="0" * 64, language="zh-CN", decided_at=NOW,
        taken_by=field.staff.id,
    )  # fmt: skip
    field.plant(ONE, replace(before, data={**before.data, "version": 2}), given)
    app, shell = await open_app(field)
    (use,) = [s for s in consents.standings(shell.store, ONE.id, "zh-CN") if s.scope == "use"]
    assert use.state == "given" and use.outdated
    await app.go(PAGE)
    assert app.says("文本已更新，请重新询问") and app.has("give-use")


async def test_without_a_text_nobody_is_asked(field: Field, open_app: Any) -> None:
    broken = Reference(
        id=derived_id("broken"), catalogue="consent_text", key="use", data={"version": "1"}
    )
    field.plant(ONE, broken)
    app, _ = await open_app(field)
    await app.go(PAGE)
    assert app.says("单位还没有为此准备文本，请联系管理员。")
    assert not app.has("give-use")


async def test_whoever_refused_is_planned_no_visit_that_they_did_not_ask_for_and_the_page_says_why(
    phone: Field, open_app: Any
) -> None:
    phone.plant(refusal("use", NOW - timedelta(days=1)))
    app, shell = await open_app(phone)
    await app.go(f"/customers/{ONE.id}")
    assert app.says("不同意使用信息") and app.says("不安排关怀、回访、问卷")
    await app.tap("plan-visit")
    await app.choose("purpose-care", True, "select")
    await app.tap("save")
    assert shell.store.find(Visit) == [] and app.says("客户不同意这样做")
    await app.choose("purpose-business", True, "select")
    await app.tap("save")
    (planned,) = shell.store.find(Visit)
    assert planned.purpose == "business", "what they want of us goes on"
    await app.go(f"/surveys/for/{ONE.id}")
    assert app.says("不同意使用信息")


async def test_a_new_consent_lifts_what_a_refusal_kept_back(phone: Field, open_app: Any) -> None:
    phone.plant(refusal("use", NOW - timedelta(days=9)), refusal("sharing", NOW))
    app, shell = await open_app(phone)
    await app.go(PAGE)
    await app.tap("give-use")
    await app.until(lambda: len(answers(shell)) == 3)
    assert consents.use_refused_at(shell.store, ONE.id) is None
    await app.go(f"/customers/{ONE.id}")
    assert not app.says("不同意使用信息")


def refusal(scope: str, at: datetime) -> Consent:
    return Consent(
        id=derived_id("refusal", scope), customer_id=ONE.id, scope=scope, answer="refused",
        text_key=scope, text_version=1, text_hash="0" * 64, language="zh-CN", decided_at=at,
        taken_by=derived_id("somebody"),
    )  # fmt: skip
