"""Visits that the server plans by tier: one ahead for each customer, moved only if it must be."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.clock import from_wire, to_wire
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.services import cadence_plans
from sync_server.services.cadence_plans import Planned
from sync_server.services.writing import Unit
from tests.server.field_org import ORG, World, person

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def plan(world: World) -> Planned:
    return cadence_plans.plan_all(world.db, ORG, world.now)


def day(visit: dict[str, Any], name: str = "planned_at") -> date:
    return from_wire(visit[name]).astimezone(ZONE).date()


def visits(world: World, customer: str) -> list[dict[str, Any]]:
    found = [v for v in world.rows("visit") if v["customer_id"] == customer]
    return sorted(found, key=lambda v: v["planned_at"])


def finish(world: World, visit: dict[str, Any], at: datetime | None = None) -> None:
    done = {"state": "finished", "finished_at": to_wire(at or world.now)}
    world.write(lambda unit: unit.update("visit", visit["id"], done))


def set_tier(world: World, customer: str, tier: str) -> None:
    world.write(lambda unit: unit.update("customer", customer, {"tier": tier}))


def test_everybody_has_one_visit_ahead_and_planning_twice_makes_no_second(world: World) -> None:
    tiers = {world.customer("an", tier=tier): tier for tier in ("high", "mid", "low") * 4}
    nobodys = world.customer(None, tier="high")
    assert plan(world) == Planned(made=12)
    assert plan(world) == Planned()
    today = world.now.astimezone(ZONE).date()
    every = {"high": 30, "mid": 91, "low": 182}
    for customer, tier in tiers.items():
        (visit,) = visits(world, customer)
        assert visit["owner_id"] == person("an") and visit["every_days"] == every[tier]
        assert visit["channel"] == ("phone" if tier == "low" else "on_site")
        assert today < day(visit) <= day(visit, "due_by") <= today + timedelta(days=every[tier])
        assert day(visit).weekday() < 5
    assert visits(world, nobodys) == []
    assert max(Counter(day(v) for v in world.rows("visit")).values()) == 1


def test_the_next_comes_within_the_tier_after_the_last_and_names_it(world: World) -> None:
    customer = world.customer("an", tier="high")
    plan(world)
    (first,) = visits(world, customer)
    world.now = from_wire(first["planned_at"])
    finish(world, first)
    plan(world)
    _, second = visits(world, customer)
    assert second["previous_visit_id"] == first["id"]
    assert timedelta(days=20) <= day(second) - day(first) <= timedelta(days=30)


def test_nights_go_on_when_a_clock_that_ran_ahead_is_put_right(world: World) -> None:
    def nights(now: datetime) -> Planned:
        return cadence_plans.plan_due(world.db, now)

    right = world.now
    world.customer("an", tier="high")
    assert nights(right + timedelta(days=1)) == Planned(made=1)
    nights(right + timedelta(days=20))  # no leap: those run no rule at all
    world.customer("an", tier="high")
    assert nights(right + timedelta(days=2)) == Planned(made=1)
    world.customer("an", tier="high")
    assert nights(right + timedelta(days=2)) == Planned(), "that night has had its run"


def test_a_visit_that_was_done_early_moves_the_one_ahead(world: World) -> None:
    customer = world.customer("an", tier="high")
    plan(world)
    (ahead,) = visits(world, customer)
    extra = {
        "id": new_id(), "customer_id": customer, "owner_id": person("an"), "purpose": "care",
        "state": "finished", "planned_at": to_wire(world.now), "finished_at": to_wire(world.now),
    }  # fmt: skip
    world.write(lambda unit: unit.create("visit", extra))
    world.write(lambda unit: unit.update("visit", ahead["id"], {"planned_at": _in(world, 3)}))
    plan(world)
    _, moved = visits(world, customer)
    assert moved["id"] == ahead["id"]
    assert timedelta(days=20) <= day(moved) - world.now.date() <= timedelta(days=30)


def test_what_is_overdue_stays_where_it_is(world: World) -> None:
    customer = world.customer("an", tier="high")
    plan(world)
    (visit,) = visits(world, customer)
    world.pass_by(days=60)
    world.write(lambda unit: unit.update("customer", customer, {"city": "苏州"}))
    assert plan(world) == Planned()
    assert visits(world, customer) == [visit]


def test_a_change_of_tier_changes_this_customers_plan_and_nobody_elses(world: World) -> None:
    customers = [world.customer("an", tier="low") for _ in range(20)]
    plan(world)
    before = {v["customer_id"]: v for v in world.rows("visit")}
    risen = max(customers, key=lambda c: before[c]["planned_at"])
    set_tier(world, risen, "high")
    assert plan(world) == Planned(changed=1)
    after = {v["customer_id"]: v for v in world.rows("visit")}
    assert {c for c in customers if after[c] != before[c]} == {risen}
    today = world.now.astimezone(ZONE).date()
    assert day(after[risen]) <= today + timedelta(days=30)
    assert (after[risen]["id"], after[risen]["channel"]) == (before[risen]["id"], "on_site")


def test_a_day_that_its_owner_chose_stays_while_it_is_in_time(world: World) -> None:
    customer = world.customer("an", tier="mid")
    plan(world)
    (visit,) = visits(world, customer)
    an, bucket = world.device("an"), f"customer:{customer}"
    an.sync()
    an.push(an.update("visit", visit["id"], {"planned_at": _in(world, 2)}, bucket))
    assert plan(world) == Planned()
    assert visits(world, customer)[0]["planned_at"] == _in(world, 2)


def test_a_visit_that_its_owner_planned_in_time_needs_no_second(world: World) -> None:
    customer = world.customer("an", tier="high")
    an = world.device("an")
    an.sync()
    an.push(an.visit(customer, planned_at=_in(world, 10)))
    assert plan(world) == Planned()


def test_a_visit_that_was_let_go_is_followed_by_the_next(world: World) -> None:
    customer = world.customer("an", tier="high")
    plan(world)
    (first,) = visits(world, customer)
    world.write(lambda unit: unit.update("visit", first["id"], {"state": "cancelled"}))
    plan(world)
    _, second = visits(world, customer)
    assert second["state"] == "planned" and day(second) > day(first)


def test_the_plan_goes_with_the_customer_to_whoever_has_them_now(world: World) -> None:
    customer = world.customer("an", tier="high")
    plan(world)
    world.assign(customer, "bai")
    assert plan(world) == Planned(changed=1)
    assert visits(world, customer)[0]["owner_id"] == person("bai")


def test_a_calendar_that_changes_moves_what_fell_on_a_holiday(world: World) -> None:
    customer = world.customer("an", tier="high")
    plan(world)
    (visit,) = visits(world, customer)

    def close(unit: Unit) -> None:
        data = {"known_until": "2026-12-31", "holidays": [str(day(visit))], "workdays": []}
        unit.create(
            "reference", {"id": new_id(), "catalogue": "calendar", "key": "cn", "data": data}
        )

    world.write(close)
    assert plan(world) == Planned(changed=1)
    assert day(visits(world, customer)[0]) != day(visit)


def _in(world: World, days: int) -> str:
    return to_wire(world.now + timedelta(days=days))


def answer(world: World, customer: str, said: str, at: datetime) -> str:
    consent = new_id()
    row = {
        "id": consent, "customer_id": customer, "scope": "use", "answer": said, "text_key": "use",
        "text_version": 1, "text_hash": "0" * 64, "language": "zh-CN", "decided_at": to_wire(at),
        "taken_by": person("an"),
    }  # fmt: skip
    world.write(lambda unit: unit.create("consent", row))
    return consent


def test_whoever_refuses_is_planned_no_visit_until_they_agree_again(world: World) -> None:
    willing, refusing = world.customer("an", tier="high"), world.customer("an", tier="high")
    unasked = world.customer("an", tier="high")
    answer(world, willing, "given", world.now)
    answer(world, refusing, "refused", world.now)
    assert plan(world) == Planned(made=2)
    assert visits(world, willing) and visits(world, unasked) and not visits(world, refusing)
    given = answer(world, refusing, "given", world.now + timedelta(minutes=1))
    assert plan(world) == Planned(made=1)
    withdrawn = {"withdrawn_at": to_wire(world.now + timedelta(minutes=2))}
    world.write(lambda unit: unit.update("consent", given, withdrawn))
    assert plan(world) == Planned(changed=1)
    (gone,) = visits(world, refusing)
    assert gone["state"] == "cancelled" and plan(world) == Planned()
