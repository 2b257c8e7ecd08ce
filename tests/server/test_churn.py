"""Who may leave, on a server: learned from what happened, kept for each customer, and a plan."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from shared.clock import to_wire
from shared.errors import Code
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.db.rules import CHURN_MODEL
from sync_server.services import churn_scoring, policies, tier_rules
from sync_server.services.audit import by_itself
from sync_server.services.writing import Unit, write
from tests.server.field_org import ORG, World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def buy(world: World, customers: list[str], *days_ago: int, cents: int = 100_000) -> None:
    """Orders of each customer, so many days ago each."""

    def work(unit: Unit) -> None:
        for customer in customers:
            for ago in days_ago:
                at = to_wire(world.now - timedelta(days=ago))
                row = {"id": new_id(), "customer_id": customer, "number": str(ago)}
                told = {"ordered_at": at, "total_cents": cents, "state": "placed"}
                unit.create("order", row | told)

    world.write(work)


def others(world: World, number: int) -> list[str]:
    """Customers that nobody holds, known for long."""
    ids = [new_id() for _ in range(number)]

    def work(unit: Unit) -> None:
        for one in ids:
            unit.create("customer", {"id": one, "name": "甲公司"})

    world.write(work)
    return ids


def a_past(world: World) -> None:
    """Of who was silent for long 90 days ago few came back; of who had just bought, most did."""
    for came, quick, slow in ((True, 25, 10), (False, 10, 25)):
        lately = (20,) if came else ()
        buy(world, others(world, quick), *lately, 95, 125, 155)
        buy(world, others(world, slow), *lately, 280, 310, 340)


def score(world: World, **how: Any) -> churn_scoring.Run:
    return churn_scoring.score(world.db, ORG, world.now, **how)


def held(world: World, customer: str) -> dict[str, Any]:
    return world.row("churn_score", churn_scoring.score_id(customer))


def plans(world: World, customer: str) -> list[dict[str, Any]]:
    found = (row for row in world.rows("retention_plan") if row["customer_id"] == customer)
    return sorted(found, key=lambda row: (row["raised_at"], row["id"]))


def told(world: World, name: str, kind: str) -> list[int]:
    found = (row for row in world.rows("notice") if row["staff_id"] == person(name))
    return [row["count"] for row in found if row["kind"] == kind]


def test_chances_are_learned_from_who_came_back_and_kept_with_their_reasons(world: World) -> None:
    a_past(world)
    silent, buying = world.customer("an", tier="high"), world.customer("an", tier="high")
    buy(world, [silent], 200, 220, 240)
    buy(world, [buying], 2, 22, 42)
    done = score(world)
    assert done.looked == done.written == 72
    gone, here = held(world, silent), held(world, buying)
    assert gone["return_percent"] < 40 < 60 < here["return_percent"]
    assert (gone["usual_days"], gone["order_count"], gone["within_days"]) == (20, 3, 90)
    assert gone["signs"] == ["silence", "unlikely"] and "signs" not in here
    assert {"key": "silence", "value": 200, "wanted": 60} in gone["reasons"]
    with world.db.read() as connection:
        learned = churn_scoring.learned_of(connection, ORG)
    assert learned is not None and (learned.model.customers, learned.model.returned) == (71, 35)
    assert gone["fitted_at"] == to_wire(learned.at)


def test_a_second_run_writes_nothing_and_a_night_later_only_what_moved(world: World) -> None:
    a_past(world)
    one = world.customer("an")
    buy(world, [one], 2, 22, 42)
    score(world)
    assert score(world, all_customers=True).written == 0
    score(world)
    assert score(world).looked == 0
    buy(world, [one], 0)
    assert score(world).written == 1  # on demand: only whoever moved is looked at
    assert held(world, one)["order_count"] == 4
    world.pass_by(days=1)
    assert score(world).looked == 71
    world.pass_by(days=80)
    assert score(world).written > 0
    assert "silence" in held(world, one)["signs"]


def test_what_another_process_wrote_in_the_same_night_is_not_written_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_past(world)
    others_turn: list[churn_scoring.Run] = []

    def overtaken(*about: Any) -> Any:
        if not others_turn:
            others_turn.append(churn_scoring.Run())
            others_turn[0] = score(world)
        return write(*about)

    monkeypatch.setattr(churn_scoring, "write", overtaken)
    assert score(world).written == 0
    assert others_turn[0].written == len(world.rows("churn_score")) == 70


def test_without_a_past_nothing_is_said_of_chances_but_silence_is_noticed(world: World) -> None:
    customer = world.customer("an", tier="high")
    buy(world, [customer], 100, 110, 120)
    score(world)
    assert "return_percent" not in held(world, customer)
    assert held(world, customer)["signs"] == ["silence"]
    assert world.count(select(CHURN_MODEL).subquery()) == 0


def test_a_late_order_gives_what_a_timely_one_would_have_given(world: World) -> None:
    timely, late = world.customer("an"), world.customer("an")
    a_past(world)
    buy(world, [timely], 5, 60, 100, 150)
    buy(world, [late], 150)
    score(world)
    buy(world, [late], 60, 5, 100)
    score(world)
    marks = {"id", "customer_id", "created_at", "updated_at", "scored_at"}
    one, other = (
        {k: v for k, v in held(world, c).items() if k not in marks} for c in (timely, late)
    )
    assert one == other


def test_a_sign_raises_one_plan_that_is_told_to_the_manager_and_goes_when_they_buy(
    world: World,
) -> None:
    customer, small = world.customer("an", tier="high"), world.customer("an", tier="low")
    buy(world, [customer, small], 100, 110, 120)
    done = score(world)
    assert done.proposed == 1
    (plan,) = plans(world, customer)
    assert (plan["state"], plan["signs"]) == ("proposed", ["silence"])
    assert plan["due_at"] == to_wire(world.now + timedelta(days=14))
    assert told(world, "mei", "plans_proposed") == [1] and told(world, "mo", "plans_proposed") == []
    assert score(world, all_customers=True).proposed == 0
    assert plans(world, small) == []
    buy(world, [customer], 0)
    assert score(world).withdrawn == 1
    assert plans(world, customer)[0]["state"] == "withdrawn"


def test_whoever_refuses_the_use_of_their_data_is_planned_no_winning_back_and_no_care_call(
    world: World,
) -> None:
    refusing, willing = world.customer("an", tier="high"), world.customer("an", tier="high")
    buy(world, [refusing, willing], 100, 110, 120)
    phone = world.device("an")
    phone.sync()
    answer = {
        "scope": "use", "answer": "refused", "text_key": "use", "text_version": 1,
        "text_hash": "0" * 64, "language": "zh-CN", "decided_at": to_wire(world.now),
        "taken_by": person("an"),
    }  # fmt: skip
    said = {**answer, "customer_id": refusing}
    phone.push(phone.create("consent", said, f"customer:{refusing}"))
    assert score(world).proposed == 1 and not plans(world, refusing)
    calls = [
        {"customer_id": one, "kind": "care", "state": "scheduled", "due_at": to_wire(world.now)}
        for one in (refusing, willing)
    ]
    for call in calls:
        phone.push(phone.create("callback", call, f"customer:{call['customer_id']}"))
    given = {row["customer_id"]: row.get("assignee_id") for row in world.rows("callback")}
    assert given[refusing] is None and given[willing] is not None


def test_a_competitor_that_somebody_noted_offline_asks_for_a_plan_whatever_the_tier(
    world: World,
) -> None:
    customer = world.customer("an", tier="low")
    score(world)
    phone = world.device("an")
    phone.sync()
    noted = {"churn_signals": "问过别家报价"}
    phone.push(phone.update("customer", customer, noted, f"customer:{customer}"))
    assert score(world).proposed == 1
    assert plans(world, customer)[0]["signs"] == ["noted"]


def accepted(world: World, customer: str) -> tuple[str, Any]:
    """A proposed plan that the manager gave to an; and mei's phone."""
    buy(world, [customer], 100, 110, 120)
    score(world)
    (plan,) = plans(world, customer)
    phone = world.device("mei")
    phone.sync()
    said = {"state": "open", "owner_id": person("an"), "cause": "price", "measures": "回访并报价"}
    reply = phone.push(phone.update("retention_plan", plan["id"], said, f"customer:{customer}"))
    assert reply[0].verdict == "applied"
    return plan["id"], phone


def test_a_manager_names_the_owner_who_is_told_and_says_what_came_of_it(world: World) -> None:
    customer = world.customer("an", tier="high")
    plan, _ = accepted(world, customer)
    assert world.row("retention_plan", plan)["decided_by"] == person("mei")
    assert told(world, "an", "plan_given") == [1]
    phone = world.device("an")
    phone.sync()
    bucket = f"customer:{customer}"
    early = phone.push(phone.update("retention_plan", plan, {"state": "done"}, bucket))
    assert early[0].code == Code.FIELD_REQUIRED.key
    said = {"state": "done", "outcome": "stayed", "outcome_note": "已续约"}
    phone.push(phone.update("retention_plan", plan, said, bucket))
    row = world.row("retention_plan", plan)
    assert (row["state"], row["outcome"], row["finished_at"]) == (
        "done",
        "stayed",
        to_wire(world.now),
    )
    assert score(world, all_customers=True).proposed == 0  # still silent: the plan was just closed
    world.pass_by(days=91)
    assert score(world).proposed == 1


def test_only_a_manager_accepts_and_only_who_sees_the_customer_owns_a_plan(world: World) -> None:
    customer = world.customer("an", tier="high")
    phone = world.device("an")
    phone.sync()
    bucket, plan = f"customer:{customer}", new_id()
    fields = {
        "customer_id": customer, "state": "proposed", "cause": "service",
        "raised_at": to_wire(world.now), "due_at": to_wire(world.now + timedelta(days=7)),
    }  # fmt: skip
    made = phone.push(phone.create("retention_plan", fields, bucket, record_id=plan))
    assert made[0].verdict == "applied"
    mine = phone.push(phone.update("retention_plan", plan, {"state": "open"}, bucket))
    assert mine[0].code == Code.ROLE_NOT_ALLOWED.key
    manager = world.device("mei")
    manager.sync()
    reply = manager.push(manager.update("retention_plan", plan, {"state": "open"}, bucket))
    assert reply[0].code == Code.FIELD_REQUIRED.key
    assert world.row("retention_plan", plan)["state"] == "proposed"
    elsewhere = {"state": "open", "owner_id": person("bai")}
    assert manager.push(manager.update("retention_plan", plan, elsewhere, bucket))[0].seq
    assert world.row("retention_plan", plan)["owner_id"] == person("an")


def test_an_open_plan_goes_with_its_customer_to_the_next_holder(world: World) -> None:
    customer = world.customer("an", tier="high")
    plan, _ = accepted(world, customer)
    world.assign(customer, "bai")
    assert world.row("retention_plan", plan)["owner_id"] == person("bai")


def test_the_chance_moves_the_loyalty_that_the_rules_propose(world: World) -> None:
    a_past(world)
    customer = world.customer("an", loyalty="general")
    buy(world, [customer], 60, 90, 120, 150, 180)  # silent for two gaps: no sign by itself
    policies.add_version(world.db, by_itself(ORG), {"churn_below_percent": 99}, None, world.now)
    world.pass_by(seconds=1)
    score(world)
    tier_rules.propose(world.db, ORG, world.now)
    (made,) = (
        r
        for r in world.rows("tier_proposal")
        if r["customer_id"] == customer and r["axis"] == "loyalty"
    )
    assert made["after"] == "churn_risk"
    percent = held(world, customer)["return_percent"]
    assert {"key": "return", "value": percent, "wanted": 99} in made["reasons"]


def test_a_customer_and_a_store_that_grow_unhappy_are_told_once(world: World) -> None:
    customers = [world.customer("an", tier="low") for _ in range(6)]

    def work(unit: Unit) -> None:
        for ago, points in ((200, 90), (10, 60)):
            for customer in customers:
                at = to_wire(world.now - timedelta(days=ago))
                row = {"id": new_id(), "customer_id": customer, "kind": "care", "state": "done"}
                unit.create(
                    "callback", row | {"due_at": at, "finished_at": at, "satisfaction": points}
                )

    world.write(work)
    score(world)
    score(world, all_customers=True)
    assert held(world, customers[0])["signs"] == ["unhappy"]
    assert told(world, "mei", "satisfaction_dropped") == [6]
    assert told(world, "mei", "store_dropped") == [30]  # points
