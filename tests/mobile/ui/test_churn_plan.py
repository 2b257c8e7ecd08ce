"""Keeping a customer: what is known of their coming back, and the plan, without a network."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.declare import Role
from shared.entities import ChurnScore, Customer, RetentionPlan, Staff
from shared.ids import derived_id
from tests.mobile.ui.field import NOW, customer

ZHAO = Staff(id=derived_id("staff", "赵国栋"), name="赵国栋", role="account_manager", active=True)


def score(of: Customer, **more: Any) -> ChurnScore:
    """Buys every 21 days, silent for 80."""
    facts: dict[str, Any] = {
        "id": derived_id("score", of.id), "customer_id": of.id, "return_percent": 18,
        "within_days": 90, "order_count": 9, "usual_days": 21,
        "last_order_at": NOW - timedelta(days=80), "signs": ("silence", "unlikely"),
        "scored_at": NOW - timedelta(days=1),
    }  # fmt: skip
    return ChurnScore(**(facts | more))


def plan(of: Customer, **more: Any) -> RetentionPlan:
    facts: dict[str, Any] = {
        "id": derived_id("plan", of.id), "customer_id": of.id, "state": "proposed",
        "signs": ("silence",), "raised_at": NOW, "due_at": NOW + timedelta(days=3),
    }  # fmt: skip
    return RetentionPlan(**(facts | more))


async def test_the_page_tells_the_chance_the_habit_and_the_signs(field, open_app):
    one, quiet = customer("甲公司"), customer("乙公司")
    field.plant(one, quiet, score(one))
    app, _ = await open_app(field)
    await app.go(f"/customers/{one.id}")
    assert app.says("90 天内再次下单的概率 18%")
    assert app.says("平均每 21 天下单，已 80 天未下单")
    assert app.says("久未下单") and app.says("回购概率低")
    field.clock.move(timedelta(days=2))
    await app.go(f"/customers/{quiet.id}")
    assert not app.has("keeping")
    await app.go(f"/customers/{one.id}")
    assert app.says("已 82 天未下单")


async def test_whoever_looks_after_a_customer_proposes_a_plan_offline(field, open_app):
    one = customer("甲公司", churn_signals="问过别家报价", owner_id=field.staff.id)
    field.plant(one)
    field.place.up = False
    app, shell = await open_app(field)
    await app.go(f"/customers/{one.id}")
    assert app.says("员工记录了流失迹象")
    await app.tap("new-plan")
    await app.until(lambda: app.has("measures"))
    await app.type("measures", "上门了解报价差异")
    await app.tap("save")
    await app.until(lambda: app.has("open-plan"))
    (made,) = shell.store.find(RetentionPlan, customer_id=one.id)
    assert (made.state, made.measures, made.owner_id) == ("proposed", "上门了解报价差异", None)
    assert made.due_at == NOW + timedelta(days=14)


async def test_a_manager_accepts_by_naming_who_looks_after_the_customer(field_of, open_app):
    field = field_of(Role.STORE_MANAGER)
    one = customer("甲公司", owner_id=ZHAO.id)
    proposed = plan(one)
    field.plant(one, ZHAO, proposed, score(one))
    app, shell = await open_app(field)
    assert not app.has(f"open-{proposed.id}")
    await app.go("/more")
    assert "1" in app.texts()
    await app.go("/decisions")
    assert not app.says("没有要决定的冲突")
    assert app.says("久未下单 · 回购概率 18%")
    await app.tap(f"plan-{proposed.id}")
    await app.until(lambda: app.has("accept"))
    await app.tap("accept")
    assert shell.store.get(RetentionPlan, proposed.id).state == "proposed"  # nobody named yet
    await app.choose(f"owner_id-{ZHAO.id}", True, "select")
    await app.tap("accept")
    await app.until(lambda: shell.store.get(RetentionPlan, proposed.id).state == "open")
    assert shell.store.get(RetentionPlan, proposed.id).owner_id == ZHAO.id


async def test_its_owner_has_it_on_today_and_closes_it_with_what_came_of_it(field, open_app):
    one, other = customer("甲公司"), customer("乙公司")
    mine = plan(one, state="open", owner_id=field.staff.id, cause="price")
    theirs = plan(other, state="open", owner_id=ZHAO.id)
    field.plant(one, other, ZHAO, mine, theirs)
    app, shell = await open_app(field)
    assert app.has(f"open-{mine.id}") and not app.has(f"open-{theirs.id}")
    await app.tap(f"start-{mine.id}")
    await app.until(lambda: app.has("finish"))
    await app.tap("finish")
    assert app.says("必填") and shell.store.get(RetentionPlan, mine.id).state == "open"
    await app.choose("outcome-stayed", True, "select")
    await app.type("outcome_note", "已续约一年")
    await app.tap("finish")
    await app.until(lambda: shell.store.get(RetentionPlan, mine.id).state == "done")
    done = shell.store.get(RetentionPlan, mine.id)
    assert (done.outcome, done.finished_at) == ("stayed", NOW)
    await app.go(f"/customers/{one.id}/plan/{mine.id}")
    assert app.says("已挽回") and not app.has("finish")
