"""Votes and approvals that were right when they were said offline, and come too late for any
effect, are on record and refused to nobody (L1)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from shared.clock import to_wire
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.db.base import Database
from sync_server.services import policies, tier_rules
from sync_server.services.audit import by_itself
from tests.server.field_org import ORG, Device, World, person
from tests.server.test_access_requests import a_call, asking, deciding
from tests.server.test_late_work import holds, leaves, loses, once, synced
from tests.server.test_tiers import buy, proposals


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def on_record(world: World) -> list[tuple[str | None, str | None, str]]:
    """Decisions that came too late, as the auditor reads them: by whom, about what, what."""
    entry = AUDIT_ENTRY.c
    query = select(AUDIT_ENTRY).where(entry.action == "decided_late").order_by(entry.number)
    with world.db.read() as connection:
        found = connection.execute(query).all()
    return [(row.actor_id, row.subject_id, json.loads(row.details)["said"]) for row in found]


def proposed(world: World) -> tuple[str, str, str]:
    """A customer that the rules would lift to another tier; the proposal, and its bucket."""
    customer = world.customer("an", tier="low")
    buy(world, customer, 5, 30)
    tier_rules.propose(world.db, ORG, world.now)
    return customer, proposals(world, customer)[0]["id"], f"customer:{customer}"


def voting(device: Device, proposal: str, bucket: str, **said: str) -> Any:
    return device.update("tier_proposal", proposal, dict(said), bucket)


def test_a_vote_after_the_panel_has_decided_is_on_record_with_its_reason_and_changes_nothing(
    world: World,
) -> None:
    customer, proposal, bucket = proposed(world)
    mei, other = synced(world, "mei", "mei")
    late = voting(other, proposal, bucket, state="disputed", note="他们要走")
    assert [o.verdict for o in mei.push(voting(mei, proposal, bucket, state="confirmed"))] == [
        "applied"
    ]
    assert [o.verdict for o in other.push(late)] == ["merged"]
    row = world.row("tier_proposal", proposal)
    assert (row["state"], row["note"]) == ("confirmed", "他们要走")
    assert "disputed" in once(world, proposal, "state")
    assert on_record(world) == [(person("mei"), proposal, "disputed")]
    assert world.row("customer", customer)["tier"] == "mid"


def test_a_vote_that_knew_of_no_dispute_is_no_second_look(world: World) -> None:
    customer, proposal, bucket = proposed(world)
    mei, other = synced(world, "mei", "mei")
    unaware = voting(other, proposal, bucket, state="confirmed")
    mei.push(voting(mei, proposal, bucket, state="disputed", note="退货要来"))
    assert [o.verdict for o in other.push(unaware)] == ["merged"]
    assert world.row("tier_proposal", proposal)["state"] == "disputed"
    assert world.row("customer", customer)["tier"] == "low"
    other.sync()
    early = voting(other, proposal, bucket, state="confirmed")
    assert [o.code for o in other.push(early)] == ["second_look_early"]


def test_a_second_look_another_day_counts_though_both_arrive_together(world: World) -> None:
    customer, proposal, bucket = proposed(world)
    (mei,) = synced(world, "mei")
    dispute = voting(mei, proposal, bucket, state="disputed", note="退货要来")
    said_at = to_wire(world.now)
    world.pass_by(days=1)
    look = voting(mei, proposal, bucket, state="confirmed")
    assert [o.verdict for o in mei.push(dispute, look)] == ["applied", "applied"]
    row = world.row("tier_proposal", proposal)
    assert (row["state"], row["disputed_at"]) == ("confirmed", said_at)
    assert world.row("customer", customer)["tier"] == "mid"


def test_a_vote_from_a_seat_that_was_lost_meanwhile_has_no_effect(world: World) -> None:
    customer, proposal, bucket = proposed(world)
    mei, an = synced(world, "mei", "an")
    vote = voting(mei, proposal, bucket, state="confirmed")
    by_hand = mei.update("customer", customer, {"vip": True, "city": "无锡"}, bucket)
    never = voting(an, proposal, bucket, state="confirmed")
    seats = dict.fromkeys(("panel_sales", "panel_marketing", "panel_service"), "callback_agent")
    policies.add_version(world.db, by_itself(ORG), seats, None, world.now)
    world.pass_by(minutes=1)
    assert [o.verdict for o in mei.push(vote, by_hand)] == ["merged", "applied"]
    assert world.row("tier_proposal", proposal)["state"] == "proposed"
    row = world.row("customer", customer)
    assert (row["tier"], row["city"]) == ("low", "无锡") and not row.get("vip")
    (vip,) = proposals(world, customer, "vip")
    assert (vip["state"], vip["by_hand"], vip.get("seats")) == ("proposed", True, None)
    assert [o.code for o in an.push(never)] == ["role_not_allowed"]


def test_a_vote_after_its_author_had_lost_the_customer_has_no_effect(world: World) -> None:
    customer, proposal, bucket = proposed(world)
    (mei,) = synced(world, "mei")
    loses(world, "mei", customer)
    world.pass_by(minutes=1)
    (outcome,) = mei.push(voting(mei, proposal, bucket, state="confirmed"))
    assert outcome.verdict == "late"
    assert world.row("tier_proposal", proposal)["state"] == "proposed"
    assert on_record(world) == [(person("mei"), proposal, "confirmed")]


def test_a_word_on_a_proposal_is_no_vote(world: World) -> None:
    customer, proposal, bucket = proposed(world)
    (mei,) = synced(world, "mei")
    assert [o.verdict for o in mei.push(voting(mei, proposal, bucket, note="问问小安"))] == [
        "applied"
    ]
    assert world.row("tier_proposal", proposal)["state"] == "proposed"
    assert world.row("customer", customer)["tier"] == "low"


def test_a_second_look_at_a_dispute_that_a_restore_has_lost_is_on_record(world: World) -> None:
    _, proposal, bucket = proposed(world)
    (mei,) = synced(world, "mei")
    (outcome,) = mei.push(voting(mei, proposal, bucket, state="withdrawn"))
    assert outcome.verdict == "merged"
    assert world.row("tier_proposal", proposal)["state"] == "proposed"
    assert on_record(world) == [(person("mei"), proposal, "withdrawn")]


# ── requests for access ───────────────────────────────────────────────────────────────────


def test_an_approval_for_somebody_who_left_is_on_record_and_gives_nothing(world: World) -> None:
    customer = world.customer("an")
    call = a_call(world, customer)
    (cai,) = synced(world, "cai")
    wish = asking(cai, customer, "callback", call)
    cai.push(wish)
    (mei,) = synced(world, "mei")
    yes = deciding(mei, wish.record_id, customer, decision="approved")
    leaves(world, "cai")
    assert [o.verdict for o in mei.push(yes)] == ["applied"]
    row = world.row("access_request", wish.record_id)
    assert row["decision"] == "approved" and "grant_id" not in row
    assert not holds(world, "cai", f"customer:{customer}")


def test_access_that_was_ended_by_somebody_who_lost_the_customer_since_is_ended(
    world: World,
) -> None:
    customer = world.customer("an")
    call = a_call(world, customer)
    (cai,) = synced(world, "cai")
    cai.push(wish := asking(cai, customer, "callback", call))
    (mei,) = synced(world, "mei")
    mei.push(deciding(mei, wish.record_id, customer, decision="approved"))
    over = deciding(mei, wish.record_id, customer, ended_at=to_wire(world.now))
    loses(world, "mei", customer)
    assert [o.verdict for o in mei.push(over)] == ["late"]
    given = world.row("access_request", wish.record_id)["grant_id"]
    assert world.row("grant", given)["revoked_because"] == "ended"
