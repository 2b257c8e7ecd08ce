"""Tiers on a server: proposed by rules, confirmed or disputed by people, in effect after that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.clock import to_wire
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.services import policies, tier_facts, tier_panel, tier_rules
from sync_server.services.audit import by_itself
from sync_server.services.writing import Unit
from tests.server.field_org import ORG, World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def buy(world: World, customer: str, *days_ago: int, cents: int = 100_000) -> None:
    """Orders, so many days ago each."""

    def work(unit: Unit) -> None:
        for number, ago in enumerate(days_ago):
            at = to_wire(world.now - timedelta(days=ago))
            row = {"id": new_id(), "customer_id": customer, "number": str(number)}
            unit.create("order", row | {"ordered_at": at, "total_cents": cents, "state": "placed"})

    world.write(work)


def propose(world: World, **how: Any) -> tier_rules.Run:
    return tier_rules.propose(world.db, ORG, world.now, **how)


def proposals(world: World, customer: str, axis: str = "value") -> list[dict[str, Any]]:
    found = [r for r in world.rows("tier_proposal") if r["customer_id"] == customer]
    return sorted((r for r in found if r["axis"] == axis), key=lambda r: r["proposed_at"])


def decide(
    world: World, name: str, proposal: dict[str, Any], verdict: str, note: str | None = None
) -> tier_panel.Decided:
    caller = world.device(name).caller
    return tier_panel.decide(world.db, caller, [proposal["id"]], verdict, note, world.now)


def policy(world: World, **changed: Any) -> None:
    policies.add_version(world.db, by_itself(ORG), changed, None, world.now)
    world.pass_by(seconds=1)


def test_the_rules_propose_and_nothing_moves_before_the_panel_says_so(world: World) -> None:
    customer = world.customer("an", tier="low", city="上海")
    buy(world, customer, 5, 30, 60, 90, 120, 150)
    done = propose(world)
    assert done.proposed == 6  # an axis each; the value, and now a VIP
    (made,) = proposals(world, customer)
    assert (made["before"], made["after"], made["state"]) == ("low", "high", "proposed")
    assert {"key": "spend", "value": 600_000, "wanted": 300_000} in made["reasons"]
    assert {"key": "orders", "value": 6, "wanted": 6} in made["reasons"]
    row = world.row("customer", customer)
    assert (row["tier"], row["spend_12m_cents"], row["orders_12m"]) == ("low", 600_000, 6)
    assert propose(world) == tier_rules.Run(looked=1)  # its own writes, and no more than that
    assert propose(world) == tier_rules.Run()


def test_a_confirmed_level_takes_effect_and_is_told_to_whoever_looks_after_the_customer(
    world: World,
) -> None:
    customer = world.customer("an", tier="low")
    buy(world, customer, 5, 30, 60, 90, 120, 150)
    propose(world)
    done = decide(world, "mei", proposals(world, customer)[0], "confirmed")
    assert done == tier_panel.Decided(effective=1)
    (made,) = proposals(world, customer)
    assert made["state"] == "confirmed" and made["seats"] == ["sales", "marketing", "service"]
    assert made["decided_by"] == person("mei")
    assert world.row("customer", customer)["tier"] == "high"
    (told,) = (n for n in world.rows("notice") if n["kind"] == "tier_changed")
    assert (told["staff_id"], told["count"]) == (person("an"), 1)
    (visit,) = world.rows("visit")
    assert (visit["customer_id"], visit["every_days"]) == (customer, 30)


def test_levels_move_both_ways_as_orders_leave_the_year(world: World) -> None:
    customer = world.customer("an", tier="high")
    buy(world, customer, 5, 30, 60, 90, 120, 359)
    propose(world)
    assert proposals(world, customer) == []
    propose(world)
    world.pass_by(days=5)
    assert propose(world).looked == 0
    world.pass_by(days=1)
    assert propose(world).looked == 1  # the oldest order is out: found by its time alone
    (made,) = proposals(world, customer)
    assert (made["before"], made["after"]) == ("high", "mid")


def test_a_proposal_that_the_rules_no_longer_make_is_withdrawn(world: World) -> None:
    customer = world.customer("an", tier="low")
    buy(world, customer, 5, 30)
    propose(world)
    world.pass_by(minutes=1)
    buy(world, customer, *(4, 3, 2, 1))
    propose(world)
    first, second = proposals(world, customer)
    assert (first["after"], first["state"]) == ("mid", "withdrawn")
    assert (second["after"], second["state"]) == ("high", "proposed")


def test_a_dispute_says_why_and_its_second_look_is_somebody_elses_or_another_day(
    world: World,
) -> None:
    customer = world.customer("an", tier="low")
    buy(world, customer, 5, 30)
    propose(world)
    (made,) = proposals(world, customer)
    with pytest.raises(Refusal) as refused:
        decide(world, "mei", made, "disputed")
    assert refused.value.code is Code.FIELD_REQUIRED
    decide(world, "mei", made, "disputed", "one large order, and a return is coming")
    assert world.row("customer", customer)["tier"] == "low"
    with pytest.raises(Refusal) as refused:
        decide(world, "mei", made, "withdrawn")
    assert refused.value.code is Code.SECOND_LOOK_EARLY
    world.pass_by(days=1)
    assert decide(world, "mei", made, "withdrawn").turned_down == 1
    assert world.row("customer", customer)["tier"] == "low"
    buy(world, customer, 0)
    propose(world)
    assert len(proposals(world, customer)) == 1  # turned down: not again for a while
    world.pass_by(days=world.policy().upheld_days)
    assert propose(world).looked == 1
    assert len(proposals(world, customer)) == 2


def test_each_seat_of_the_panel_has_to_confirm_and_a_vip_the_service_alone(world: World) -> None:
    policy(world, panel_sales=person("an"), panel_marketing="store_manager",
           panel_service=f"callback_agent {person('an')}")  # fmt: skip
    customer = world.customer("an", tier="low")
    buy(world, customer, 5, 30, 60, 90, 120, 150)
    propose(world)
    (value,), (vip,) = proposals(world, customer), proposals(world, customer, "vip")
    with pytest.raises(Refusal) as refused:
        decide(world, "mei", vip, "confirmed")
    assert refused.value.code is Code.ROLE_NOT_ALLOWED
    assert decide(world, "mei", value, "confirmed") == tier_panel.Decided(waiting=1)
    assert world.row("customer", customer)["tier"] == "low"
    an = world.device("an")
    an.sync()  # whoever is named for a seat says it on the phone as well
    said = an.update("tier_proposal", value["id"], {"state": "confirmed"}, f"customer:{customer}")
    assert [outcome.verdict for outcome in an.push(said)] == ["applied"]
    assert decide(world, "an", vip, "confirmed") == tier_panel.Decided(effective=1)
    row = world.row("customer", customer)
    assert (row["tier"], row["vip"]) == ("high", True)


def test_nobody_decides_about_customers_that_they_do_not_hold(world: World) -> None:
    customer = world.customer("an", tier="low")
    buy(world, customer, 5, 30)
    propose(world)
    with pytest.raises(Refusal) as refused:
        decide(world, "mo", proposals(world, customer)[0], "confirmed")
    assert refused.value.code is Code.OUT_OF_SCOPE


def test_a_manager_decides_on_the_phone_and_whoever_comes_second_changes_nothing(
    world: World,
) -> None:
    customer = world.customer("an", tier="low")
    buy(world, customer, 5, 30)
    propose(world)
    (made,) = proposals(world, customer)
    mei, an, bucket = world.device("mei"), world.device("an"), f"customer:{customer}"
    mei.sync(), an.sync()
    told = {"state": "confirmed"}
    (outcome,) = an.push(an.update("tier_proposal", made["id"], told, bucket))
    assert (outcome.verdict, outcome.code) == ("rejected", "role_not_allowed")
    (outcome,) = mei.push(mei.update("tier_proposal", made["id"], told, bucket))
    assert outcome.verdict == "applied"
    assert world.row("customer", customer)["tier"] == "mid"
    late = mei.update("tier_proposal", made["id"], {"state": "disputed", "note": "no"}, bucket)
    assert [o.verdict for o in mei.push(late)] == ["merged"]
    assert world.row("customer", customer)["tier"] == "mid"


def test_a_level_set_by_hand_is_on_record_and_waits_for_the_other_seats(world: World) -> None:
    customer = world.customer("an", tier="low")
    mei, bucket = world.device("mei"), f"customer:{customer}"
    mei.sync()
    mei.push(mei.update("customer", customer, {"tier": "mid"}, bucket))
    (made,) = proposals(world, customer)
    assert made["by_hand"] and (made["before"], made["after"]) == ("low", "mid")
    assert made["state"] == "confirmed" and world.row("customer", customer)["tier"] == "mid"
    policy(world, panel_service="callback_agent")
    mei.sync()
    mei.push(mei.update("customer", customer, {"tier": "high"}, bucket))
    assert world.row("customer", customer)["tier"] == "mid"
    assert proposals(world, customer)[1]["state"] == "proposed"


def test_only_who_moved_is_looked_at_again_and_everybody_under_other_numbers(
    world: World,
) -> None:
    customers = [world.customer("an", tier="low") for _ in range(4)]
    assert propose(world).looked == 4
    propose(world)
    buy(world, customers[0], 3)
    assert propose(world).looked == 1
    propose(world)
    policy(world, tier_mid_cents=60_000)
    assert propose(world).looked == 4


def test_an_earlier_day_knows_nothing_of_what_came_later(world: World) -> None:
    customer = world.customer("an", created_at=to_wire(world.now - timedelta(days=300)))
    buy(world, customer, 10, 100, 200)
    with world.db.read() as connection:
        for days, orders in ((0, 3), (50, 2), (150, 1), (250, 0)):
            at = world.now - timedelta(days=days)
            (page,) = tier_facts.everyone(connection, ORG, world.policy(), at)
            (one,) = page
            assert one.facts.orders == orders
            assert one.facts.spend_cents == orders * 100_000


def test_complaints_and_recommendations_are_counted(world: World) -> None:
    customer = world.customer("an")
    buy(world, customer, 5, 30)
    world.case(customer, kind="complaint")
    world.case(customer, kind="repair")
    world.customer("bai", referred_by_id=customer)
    with world.db.read() as connection:
        (one,) = tier_facts.of(connection, ORG, world.policy(), world.now, [customer])
    assert (one.facts.complaints, one.facts.referrals) == (1, 1)


def test_satisfaction_is_the_mean_of_what_the_customer_gave_in_calls_of_the_period(
    world: World,
) -> None:
    customer, other = world.customer("an"), world.customer("an")

    def called(whose: str, points: int | None, days_ago: int) -> None:
        at = to_wire(world.now - timedelta(days=days_ago))
        row = {
            "id": new_id(), "customer_id": whose, "kind": "after_repair", "state": "done",
            "due_at": at, "finished_at": at, "satisfaction": points,
        }  # fmt: skip
        world.write(lambda unit: unit.create("callback", row))

    for points, days_ago in ((90, 3), (55, 364), (None, 5), (10, 366)):
        called(customer, points, days_ago)
    called(other, None, 3)
    with world.db.read() as connection:
        found = tier_facts.of(connection, ORG, world.policy(), world.now, [customer, other])
    told = {one.customer.id: one.facts for one in found}
    assert (told[customer].satisfaction, told[other].satisfaction) == (72.5, None)
    assert told[customer].turns_at == world.now + timedelta(days=1), "one call leaves the year"
