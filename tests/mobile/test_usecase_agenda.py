"""What stands in the agenda, and where."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile.usecases.agenda import BEGUN, NOW_WITHIN, Item, agenda, arrange
from mobile.usecases.session import Session
from shared.declare import Role
from shared.entities import Callback, Case, Policy
from shared.ids import derived_id
from shared.policy import DEFAULTS
from tests.mobile.ui.field import NOW, PIN, Field, customer, visit

MIDNIGHT = NOW.replace(hour=16, minute=0)  # in Shanghai
STATES = ("planned", "started", "assigned", "on_site", "scheduled")


def item(minutes: int, state: str, number: int) -> Item:
    return Item(
        kind="visit", id=str(number), customer_id="", who="", what="care", titled=False,
        at=NOW + timedelta(minutes=minutes), place="", phone="", state=state, pending=False,
    )  # fmt: skip


@given(st.lists(st.tuples(st.integers(-10_000, 10_000), st.sampled_from(STATES))))
def test_every_item_stands_in_exactly_one_list_in_order_of_time(facts):
    items = [item(minutes, state, n) for n, (minutes, state) in enumerate(facts)]
    found = arrange(items, DEFAULTS, NOW, MIDNIGHT, 0)
    lists = (found.overdue, found.now, found.next)
    assert sorted(i.id for one in lists for i in one) == sorted(i.id for i in items)
    for one in lists:
        assert [i.at for i in one] == sorted(i.at for i in one)
    assert all(i.at < NOW and i.state not in BEGUN for i in found.overdue)
    assert all(i.state in BEGUN or abs(i.at - NOW) <= NOW_WITHIN for i in found.now)
    assert all(i.at > NOW for i in found.next)


async def of(field: Field):
    await field.prepare()
    session = Session(field.services())
    await session.begin()
    await session.unlock(PIN)
    assert session.store is not None
    found = agenda(session.store, NOW, MIDNIGHT)
    await session.lock()
    return found


async def test_an_account_manager_sees_only_their_own_visits(tmp_path: Path):
    field = Field(tmp_path)
    one = customer("甲公司")
    own = visit(one, field.staff, NOW + timedelta(hours=2))
    theirs = visit(one, field.staff, NOW + timedelta(hours=3), owner_id=derived_id("staff", "z"))
    far = visit(one, field.staff, NOW + timedelta(days=30))
    field.plant(one, own, theirs, far)
    found = await of(field)
    assert [i.id for i in found.next] == [own.id]
    assert found.next[0].who == "甲公司" and found.next[0].phone == one.phone


@pytest.mark.parametrize(
    ("role", "kinds"),
    [(Role.TECHNICIAN, {"repair"}), (Role.CALLBACK_AGENT, {"callback"}),
     (Role.STORE_MANAGER, {"visit", "repair", "callback"})],
)  # fmt: skip
async def test_each_role_sees_its_own_kinds_of_work(tmp_path: Path, role, kinds):
    field = Field(tmp_path, role)
    one = customer("甲公司")
    case = Case(
        id=derived_id("case", "1"), number="HF-1", customer_id=one.id, kind="repair",
        title="不制冷", state="assigned", opened_at=NOW - timedelta(days=1),
        assignee_id=field.staff.id,
    )  # fmt: skip
    callback = Callback(
        id=derived_id("callback", "1"), customer_id=one.id, case_id=case.id, kind="after_repair",
        state="scheduled", due_at=NOW + timedelta(days=1), assignee_id=field.staff.id,
    )  # fmt: skip
    field.plant(one, case, callback, visit(one, field.staff, NOW + timedelta(hours=1)))
    found = await of(field)
    shown = {i.kind for one in (found.overdue, found.now, found.next) for i in one}
    assert shown == kinds


@pytest.mark.parametrize(
    ("state", "ago", "shown"),
    [
        ("assigned", timedelta(days=1), "overdue"),
        ("new", timedelta(minutes=151), "overdue"),
        ("new", timedelta(minutes=35), "next"),
        ("on_site", timedelta(days=1), "now"),
    ],
)
async def test_a_case_without_an_appointment_is_due_when_its_node_s_time_is_up(
    tmp_path: Path, state: str, ago: timedelta, shown: str
):
    """As its own page counts, and the console's queue (S4 #167)."""
    field = Field(tmp_path, Role.STORE_MANAGER)
    one = customer("甲公司")
    case = Case(
        id=derived_id("case", "1"), number="HF-1", customer_id=one.id, kind="repair",
        title="不制冷", state=state, opened_at=NOW - ago, assignee_id=field.staff.id,
    )  # fmt: skip
    field.plant(one, case)
    assert [i.id for i in getattr(await of(field), shown)] == [case.id]


async def test_of_overdue_calls_the_more_urgent_case_comes_first_where_the_policy_has_it(
    tmp_path: Path,
):
    field = Field(tmp_path, Role.CALLBACK_AGENT)
    one = customer("甲公司")
    since, by_urgency = NOW - timedelta(days=2), {"queue_by": "priority"}
    policy = Policy(id=derived_id("policy"), version=1, holds_from=since, settings=by_urgency)
    field.plant(one, policy)
    for hours, priority in ((3, "low"), (2, None), (1, "critical")):
        case = Case(
            id=derived_id("case", str(hours)), number=f"HF-{hours}", customer_id=one.id,
            kind="repair", title="不制冷", state="resolved", opened_at=NOW, priority=priority,
        )  # fmt: skip
        callback = Callback(
            id=derived_id("callback", str(hours)), customer_id=one.id, case_id=case.id,
            kind="after_repair", state="scheduled", due_at=NOW - timedelta(hours=hours),
            assignee_id=field.staff.id,
        )  # fmt: skip
        field.plant(case, callback)
    shown = [i.priority for i in (await of(field)).overdue]
    assert shown == ["critical", None, "low"]


async def test_what_was_finished_today_is_counted(tmp_path: Path):
    field = Field(tmp_path)
    one = customer("甲公司")
    done = visit(one, field.staff, NOW, state="finished", finished_at=NOW - timedelta(hours=1))
    before = visit(
        one, field.staff, NOW - timedelta(days=2), state="finished",
        finished_at=NOW - timedelta(days=2),
    )  # fmt: skip
    field.plant(one, done, before)
    found = await of(field)
    assert found.done_today == 1 and found.empty
