"""A technician on site opens a second case offline: what of it is taken, and how far it reaches
(L1, L3)."""

from __future__ import annotations

from typing import Any

import pytest

from shared.clock import to_wire
from shared.ids import new_id
from shared.wire import Change
from sync_server.db.base import Database
from tests.server.field_org import Device, World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def opens(device: Device, customer: str, bucket: str, **fields: Any) -> Change:
    """A new case of this customer, written under the grant for `bucket`."""
    told = {
        "customer_id": customer,
        "number": f"C-{new_id()[-8:]}",
        "kind": "repair",
        "title": "另一台也不制冷",
        "state": "new",
        "opened_at": to_wire(device.world.now),
    }
    return device.create("case", told | fields, bucket)


def step(device: Device, case: str, customer: str, bucket: str) -> Change:
    told = {"case_id": case, "customer_id": customer, "kind": "noted"}
    return device.create(
        "case_event", told | {"happened_at": to_wire(device.world.now), "note": "已拆机"}, bucket
    )


def on_site(world: World) -> tuple[str, str, Device]:
    """A customer, a case that Tan was sent to, and Tan's phone."""
    customer = world.customer("an")
    case = world.case(customer, "tan")
    tan = world.device("tan")
    tan.sync()
    return customer, case, tan


def test_a_case_opened_on_site_offline_is_taken_with_all_its_work_and_stays_with_its_opener(
    world: World,
) -> None:
    customer, case, tan = on_site(world)
    bucket = f"case:{case}"
    made = opens(tan, customer, bucket)
    worked = step(tan, made.record_id, customer, bucket)
    accepted = tan.update("case", made.record_id, {"state": "accepted"}, bucket)
    outcomes = tan.push(made, worked, accepted)
    assert [o.verdict for o in outcomes] == ["applied"] * 3
    tan.sync()
    assert made.record_id in tan.ids("case") and worked.record_id in tan.ids("case_event")
    row = world.row("case", made.record_id)
    assert (row["assignee_id"], row["state"]) == (person("tan"), "accepted")
    for name in ("an", "mei"):
        device = world.device(name)
        device.sync()
        assert made.record_id in device.ids("case")


def test_a_case_of_another_customer_is_out_of_reach(world: World) -> None:
    _, case, tan = on_site(world)
    foreign = world.customer("an")
    (outcome,) = tan.push(opens(tan, foreign, f"case:{case}"))
    assert (outcome.verdict, outcome.code) == ("rejected", "out_of_scope")


@pytest.mark.parametrize("name", ["contact", "asset"])
def test_a_new_case_shows_no_contact_and_no_asset_that_its_opener_could_not_see(
    world: World, name: str
) -> None:
    customer, case, tan = on_site(world)
    hidden = new_id()
    what = {"contact": {"name": "财务总监"}, "asset": {"product": "保险柜"}}[name]
    world.write(lambda unit: unit.create(name, {"id": hidden, "customer_id": customer, **what}))
    made = opens(tan, customer, f"case:{case}", **{f"{name}_id": hidden})
    (outcome,) = tan.push(made)
    assert (outcome.verdict, outcome.code) == ("rejected", "out_of_scope")
    tan.sync()
    assert hidden not in tan.ids(name)


def test_work_on_a_case_that_somebody_else_opened_is_out_of_reach(world: World) -> None:
    customer, case, tan = on_site(world)
    other = world.case(customer)
    (outcome,) = tan.push(step(tan, other, customer, f"case:{case}"))
    assert (outcome.verdict, outcome.code) == ("rejected", "out_of_scope")


def test_a_case_opened_from_one_of_ones_own_goes_to_the_manager(world: World) -> None:
    customer, case, tan = on_site(world)
    first = opens(tan, customer, f"case:{case}")
    tan.push(first)
    world.dispatch(case, "tu")  # the case that the office gave is somebody else's now
    tan.sync()
    second = opens(tan, customer, f"case:{first.record_id}")
    assert [o.verdict for o in tan.push(second)] == ["applied"]
    assert "assignee_id" not in world.row("case", second.record_id)
    tan.sync()
    assert tan.ids("case") == {first.record_id}


def test_a_case_opened_after_the_grant_ended_is_kept_but_opens_nothing(world: World) -> None:
    customer, case, tan = on_site(world)
    world.dispatch(case, "tu")
    world.pass_by(hours=1)
    made = opens(tan, customer, f"case:{case}")
    assert [o.verdict for o in tan.push(made)] == ["late"]
    assert "assignee_id" not in world.row("case", made.record_id)
    tan.sync()
    assert tan.ids("case") == set()


def test_a_closed_case_opens_no_way_to_another(world: World) -> None:
    customer, case, tan = on_site(world)
    closing = {"state": "closed", "closed_at": to_wire(world.now)}
    world.write(lambda unit: unit.update("case", case, closing))
    made = opens(tan, customer, f"case:{case}")
    assert [o.verdict for o in tan.push(made)] == ["applied"]
    assert "assignee_id" not in world.row("case", made.record_id)


def test_once_their_case_is_given_to_another_its_openers_edits_are_for_the_other_to_decide(
    world: World,
) -> None:
    customer, case, tan = on_site(world)
    made = opens(tan, customer, f"case:{case}")
    tan.push(made)
    world.dispatch(made.record_id, "tu")
    world.pass_by(hours=1)
    edit = tan.update("case", made.record_id, {"impact": "整层停用"}, f"case:{case}")
    assert [o.verdict for o in tan.push(edit)] == ["conflict"]
    tu = world.device("tu")
    tu.sync()
    assert len(tu.ids("conflict")) == 1
