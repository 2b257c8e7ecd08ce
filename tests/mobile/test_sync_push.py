"""Handing in the outbox in several requests: what the server asks to see again holds back what
builds on it, in the requests after it as well (L1)."""

from __future__ import annotations

from typing import Any

import pytest

from mobile.sync import pushing
from shared.entities import Customer, Visit
from shared.ids import new_id
from sync_server.services import push as server_push
from tests.mobile.sync_world import CUSTOMERS, Handset, handset
from tests.server.phones import Field


def a_visit(phone: Handset, customer_id: str) -> Visit:
    with phone.store.unit() as unit:
        made = unit.create(
            Visit(
                id=new_id(),
                customer_id=customer_id,
                owner_id=phone.id,
                purpose="care",
                state="planned",
                planned_at=phone.store.now(),
            )
        )
        unit.commit()
    return made


async def test_what_builds_on_a_change_that_stays_is_not_sent_in_the_next_request_either(
    world: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "MOST_BYTES", 1)  # a change a request
    phone = await handset(world, "lin")
    with phone.store.unit() as unit:
        mine = unit.create(Customer(id=new_id(), name="新客户", kind="company"))
        unit.commit()
    visit = a_visit(phone, mine.id)
    with phone.store.unit() as unit:
        unit.update(visit, notes="后来")
        unit.commit()
    a_visit(phone, CUSTOMERS[0])
    real = server_push.judge_and_apply

    def stumble(desk: Any, change: Any, *rest: Any) -> Any:
        if change.record_id == mine.id:
            raise RuntimeError("not the change's fault")
        return real(desk, change, *rest)

    monkeypatch.setattr(server_push, "judge_and_apply", stumble)
    phone.line.asked.clear()
    report = await phone.sync()
    assert phone.line.asked.count("POST /v1/sync/push") == 2  # the customer, and the visit apart
    assert report.settled == 1
    assert [w.verdict for w in phone.store.waiting()] == [None] * 3
    monkeypatch.setattr(server_push, "judge_and_apply", real)
    assert (await phone.synced()).settled == 3
    assert phone.store.waiting() == []
    assert phone.store.get(Visit, visit.id).notes == "后来"
