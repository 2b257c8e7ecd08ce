"""The way between, broken at every request in every way: nothing is lost, nothing is done twice
(L1, L2, L5)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from mobile.store.meta import LEASE, TOKENS
from mobile.sync.report import SyncReport
from mobile.sync.transport import Response
from shared.entities import Customer, Visit
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.log import CHANGE_LOG
from sync_server.services import accounts, scopes
from sync_server.services.writing import Unit
from tests.mobile.sync_world import CUSTOMERS, Handset, at_the_office, handset
from tests.server.phones import ORG, Field

FAULTS = {
    "never arrives": Code.OFFLINE,
    "answer lost": Code.OFFLINE,
    "answer cut": Code.CUT_SHORT,
    "fails": Code.SERVER_FAULT,
    "is busy": Code.SERVER_BUSY,
    "portal": Code.CUT_SHORT,
    "portal 401": Code.CUT_SHORT,
}


def a_visit(phone: Handset, notes: str) -> str:
    with phone.store.unit() as unit:
        made = unit.create(
            Visit(
                id=new_id(),
                customer_id=CUSTOMERS[0],
                owner_id=phone.id,
                purpose="care",
                state="planned",
                planned_at=phone.store.now(),
                notes=notes,
            )
        )
        unit.commit()
    return made.id


def one_more_customer(owner: str, unit: Unit) -> None:
    customer = new_id()
    unit.create("customer", {"id": customer, "name": "新"})
    scopes.assign_customer(unit, customer, owner)


def rows_of(phone: Handset) -> list[tuple[str, ...]]:
    """What a phone holds, without what is its own: numbers of buckets."""
    found = phone.db.execute(
        "SELECT b.name, s.entity, s.id, s.seq, s.body FROM server_row s"
        " JOIN bucket b ON b.no = s.bucket ORDER BY 1, 2, 3"
    )
    return found.fetchall()


def settled(world: Field) -> int:
    """How many changes the server has settled."""
    with world.server.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(CHANGE_LOG)).scalar_one())


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_sync_broken_anywhere_loses_nothing_and_does_nothing_twice(
    world: Field, fault: str
) -> None:
    lin = await handset(world, "lin")
    before = settled(world)
    broken: list[SyncReport] = []
    visits = []
    for position in range(4):
        visits.append(a_visit(lin, f"第{position}次"))
        at_the_office(world, partial(one_more_customer, lin.id))
        report = await lin.sync(*[None] * position, fault)
        assert lin.store.get(Visit, visits[-1]) is not None  # never hidden, sent or not
        if not report.ok:
            broken.append(report)
            assert report.code is FAULTS[fault]
    assert len(broken) >= 2
    await lin.synced()
    assert settled(world) == before + len(visits)
    assert lin.store.status().unsent == 0
    fresh = Handset(world, "lin")
    await fresh.sign_in()
    await fresh.synced()
    assert rows_of(lin) == rows_of(fresh)


async def test_a_request_that_came_twice_has_one_effect(world: Field) -> None:
    lin = await handset(world, "lin")
    before = settled(world)
    visit = a_visit(lin, "一次")
    report = await lin.sync(*["asked twice"] * 2)
    # The second copy of each request carries a proof that was used: the server refuses it.
    assert report.code in (None, Code.PROOF_INVALID)
    await lin.synced()
    assert settled(world) == before + 1
    assert lin.store.get(Visit, visit) is not None


async def test_a_busy_server_says_when_to_come_again(world: Field) -> None:
    lin = await handset(world, "lin")
    report = await lin.sync("is busy")
    assert (report.code, report.retry_after) == (Code.SERVER_BUSY, 7.0)


async def test_an_app_too_old_to_receive_may_still_send(world: Field) -> None:
    lin = await handset(world, "lin")
    a_visit(lin, "还能送")
    report = await lin.sync(None, "too old")
    assert report.code is Code.APP_OUTDATED
    assert lin.store.status().unsent == 0


async def test_a_token_that_the_server_takes_no_more_is_renewed_once(world: Field) -> None:
    lin = await handset(world, "lin")
    meta = lin.store.parts.meta
    meta.put(TOKENS, {**meta.get(TOKENS), "access": "worn.out.token"})
    a_visit(lin, "凭新的")
    lin.line.asked.clear()
    await lin.synced()
    assert lin.line.asked[:3] == [
        "POST /v1/sync/push",
        "POST /v1/auth/refresh",
        "POST /v1/sync/push",
    ]


async def test_a_lost_answer_to_a_refresh_locks_nobody_out(world: Field) -> None:
    lin = await handset(world, "lin")
    world.clock.pass_by(minutes=30)
    report = await lin.sync("answer lost")
    assert report.code is Code.OFFLINE
    await lin.synced()


async def test_a_refusal_that_broke_off_asks_nobody_to_sign_in(
    world: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was deactivated meanwhile could not; their phone hears what to drop (L4)."""
    lin = await handset(world, "lin")
    world.clock.pass_by(minutes=30)
    at_the_office(world, lambda unit: scopes.deactivate(unit, lin.id))
    with monkeypatch.context() as wrong:
        wrong.setattr(lin.peer, "_clock_off", timedelta(hours=5))
        assert (await lin.sync("answer cut")).code is Code.PROOF_INVALID
    await lin.sync()
    assert rows_of(lin) == []


async def test_without_tokens_only_the_person_can_help_and_the_work_waits(world: Field) -> None:
    lin = await handset(world, "lin")
    a_visit(lin, "等着")
    lin.store.parts.meta.put(TOKENS, {"access": "a", "refresh": "spent", "ends": ""})
    assert (await lin.sync()).code is Code.SIGN_IN_REQUIRED
    assert lin.store.status().unsent == 1
    await lin.sign_in()
    await lin.synced()
    assert lin.store.status().unsent == 0


async def test_a_lease_that_the_server_did_not_sign_drops_nothing(world: Field) -> None:
    lin = await handset(world, "lin")
    at_the_office(world, lambda unit: scopes.deactivate(unit, lin.id))
    lease = lin.store.parts.meta.get(LEASE)
    exchange = lin.line._exchange

    async def tampered(*asked: object) -> Response:
        answer = await exchange(*asked)
        body = answer.body.replace(b'\\"reason\\":\\"ended\\"', b'\\"reason\\":\\"other\\"')
        return Response(answer.status, answer.headers, body)

    lin.line._exchange = tampered
    report = await lin.sync()
    assert report.code is Code.SERVER_FAULT
    assert len(lin.store.find(Customer)) == 3 and lin.store.parts.meta.get(LEASE) == lease


async def test_a_deactivated_user_hands_in_their_work_and_keeps_nothing(world: Field) -> None:
    lin, he = [await handset(world, who) for who in ("lin", "he")]
    visit = a_visit(lin, "最后一次")
    world.clock.pass_by(minutes=1)
    at_the_office(world, lambda unit: scopes.deactivate(unit, lin.id))
    with world.server.database.write() as connection:
        accounts.set_active(connection, ORG, lin.id, False)
    report = await lin.sync()
    assert lin.store.status().unsent == 0, report
    assert lin.store.suspended() is Code.LEASE_ENDED
    assert rows_of(lin) == [] and lin.rekeyed == 1
    at_the_office(world, lambda unit: scopes.assign_customer(unit, CUSTOMERS[0], he.id))
    await he.synced()
    assert he.store.get(Visit, visit) is not None


async def test_a_page_too_large_to_push_at_once_is_split(world: Field) -> None:
    lin = await handset(world, "lin")
    before = settled(world)
    for number in range(7):
        a_visit(lin, f"{number}")
    real, sizes = lin.peer.push, []

    async def small(envelope: object, changes: list[str]) -> object:
        sizes.append(len(changes))
        if len(changes) > 2:
            raise Refusal(Code.BATCH_TOO_LARGE, limit=2)
        return await real(envelope, changes)

    lin.peer.push = small
    report = await lin.sync()
    assert report.ok and report.settled == 7 and settled(world) == before + 7
    assert sizes[:2] == [7, 3] and max(sizes[2:]) == 1
