"""What comes up beside a case: what the customer says, what their people were taught, and when they
are to hear of it again (S2 #83, #84, #90)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.declare import Role
from shared.entities import CaseEvent, CustomerTraining, Feedback
from tests.mobile.ui.field import NOW
from tests.mobile.ui.repair_field import RepairField
from tests.mobile.ui.written import looks


@pytest.fixture
def phone(tmp_path):
    return RepairField(tmp_path)


async def test_a_technician_notes_what_is_said_of_a_product_on_trial(phone, open_app):
    case = phone.case(state="on_site")
    app, shell = await open_app(phone)
    await app.go(f"/cases/{case.id}")
    await app.tap("note-feedback")
    await app.type("said", "新款比老款安静")
    await app.choose("topic-product.trial", True, "select")
    await app.tap("save")

    (noted,) = shell.store.find(Feedback)
    assert (noted.case_id, noted.customer_id) == (case.id, case.customer_id)
    assert (noted.asset_id, noted.department) == (phone.asset.id, "产品部")
    assert app.says("新款比老款安静") and app.has(f"feedback-{noted.id}"), "back at the case"
    (change,) = shell.store.waiting()
    assert change.entity == "feedback"


async def test_a_training_says_who_was_taught_what_when_and_by_whom(phone, open_app):
    case = phone.case(state="on_site")
    app, shell = await open_app(phone)
    await app.go(f"/cases/{case.id}")
    await app.tap("log-training")
    await app.tap("save")
    assert shell.store.find(CustomerTraining) == [], "nobody was named"
    await app.type("trained", "店长王芳")
    await app.type("covered", "换电池与调时")
    await app.type("minutes", "20")
    await app.choose("learned-well", True, "select")
    await app.tap("save")

    (held,) = shell.store.find(CustomerTraining)
    assert (held.trained, held.covered, held.minutes) == ("店长王芳", "换电池与调时", 20)
    assert (held.held_at, held.trainer_id, held.learned) == (NOW, shell.staff.id, "well")
    assert (held.case_id, held.asset_id) == (case.id, phone.asset.id)
    await app.tap(f"training-{held.id}")
    assert looks(shell)[-1] == ("customer_training", "opened") and app.says("李强")
    await app.type("covered", "换电池、调时与除尘")
    await app.tap("save")
    assert shell.store.get(CustomerTraining, held.id).covered == "换电池、调时与除尘"


async def test_a_training_of_a_customer_by_itself_stands_in_their_history(tmp_path, open_app):
    manager = RepairField(tmp_path, Role.ACCOUNT_MANAGER)
    app, shell = await open_app(manager)
    await app.go(f"/customers/{manager.customer.id}?show=assets")
    await app.tap(f"training-{manager.asset.id}")
    await app.type("trained", "全体店员")
    await app.type("covered", "日常保养")
    await app.tap("save")

    (held,) = shell.store.find(CustomerTraining)
    assert (held.case_id, held.asset_id) == (None, manager.asset.id)
    await app.tap("show-history")
    assert app.says("日常保养") and app.has(f"happened-{held.id}")


async def test_an_agent_is_told_when_a_customer_is_to_hear_how_their_case_stands(
    tmp_path, open_app
):
    agent = RepairField(tmp_path, Role.CALLBACK_AGENT)
    opened = NOW - timedelta(days=5)  # a Wednesday: due on Friday
    case = agent.case(state="in_progress", opened_at=opened, appointment_at=None)
    app, shell = await open_app(agent)
    assert app.says("向客户通报进展 · 指针不走") and app.has(f"open-{case.id}")
    await app.tap(f"start-{case.id}")
    assert app.says("下次向客户通报")
    await app.tap("turn-informed")
    await app.type("note", "配件明天到")
    await app.tap("turn-yes")

    (told,) = shell.store.find(CaseEvent, case_id=case.id)
    assert (told.kind, told.happened_at) == ("informed", NOW)
    await app.go("/")
    assert not app.has(f"open-{case.id}")
