"""Calling back from the queue to its end, without a network."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.declare import Role
from shared.entities import Callback, Case
from shared.ids import derived_id
from tests.mobile.ui.field import NOW
from tests.mobile.ui.repair_field import RepairField


@pytest.fixture
def phone(tmp_path):
    return RepairField(tmp_path, Role.CALLBACK_AGENT)


def planted(phone, **facts):
    """A call that is due about a solved repair."""
    case = phone.case(state="resolved", resolved_at=NOW - timedelta(days=2))
    call = Callback(
        **{
            "id": derived_id("call"), "customer_id": phone.customer.id, "case_id": case.id,
            "kind": "after_repair", "state": "scheduled", "due_at": NOW - timedelta(hours=1),
            "assignee_id": phone.staff.id, "window_ends_at": NOW + timedelta(hours=10),
        }
        | facts
    )  # fmt: skip
    phone.plant(call)
    return call


async def test_a_call_goes_from_the_queue_to_its_result(phone, open_app):
    call = planted(phone)
    phone.place.up = False
    app, shell = await open_app(phone)

    await app.go("/callbacks")
    assert app.says("138••••00") and not app.says("13800000000")
    await app.tap(f"call-{call.id}")
    assert app.says("我是示范公司的客服李强")
    await app.choose("answer-works-yes", True, "select")
    await app.type("answer-suggestion", "希望早点到")
    await app.tap("points-100")
    await app.type("notes", "客户很满意")
    await app.tap("finish")
    await app.tap("confirm-yes")

    done = shell.store.get(Callback, call.id)
    assert (done.state, done.outcome, done.satisfaction) == ("done", "satisfied", 100)
    assert [(a.key, a.answer) for a in done.answers] == [
        ("works", "yes"),
        ("suggestion", "希望早点到"),
    ]
    assert done.notes == "客户很满意" and app.page.route == "/callbacks"


async def test_an_unhappy_customer_sends_the_case_back_to_work(phone, open_app):
    call = planted(phone)
    app, shell = await open_app(phone)
    await app.go(f"/callbacks/{call.id}")
    await app.tap("points-20")
    await app.choose("reopened_case", True)
    await app.tap("finish")
    await app.tap("confirm-yes")
    assert shell.store.get(Case, call.case_id).state == "assigned"
    assert shell.store.get(Callback, call.id).outcome == "unsatisfied"


async def test_nobody_reached_is_tried_again_and_can_be_taken_back(phone, open_app):
    call = planted(phone)
    app, shell = await open_app(phone)
    await app.go(f"/callbacks/{call.id}")
    await app.tap("result-no_answer")
    tried = shell.store.get(Callback, call.id)
    assert tried.next_attempt_at == NOW + timedelta(hours=4) and len(tried.attempts) == 1
    assert app.page.route == "/callbacks" and app.says("下次拨打：今天 14:00")
