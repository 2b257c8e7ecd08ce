"""Nobody gets, and nobody writes, what no grant covers (L3)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shared.clock import to_wire
from shared.ids import new_id
from shared.wire import SnapshotRequest
from sync_server.db.base import Database
from sync_server.db.log import BUCKET_HEAD, FEED
from sync_server.services import scopes
from sync_server.services.grants import revoke_all
from sync_server.services.snapshot import snapshot
from sync_server.services.sweeping import sweep_case_buckets
from sync_server.services.writing import Unit, write
from tests.server.field_org import ORG, World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def _report(customer: str, case: str, name: str) -> dict[str, object]:
    return {"case_id": case, "customer_id": customer, "author_id": person(name)}


def test_a_fourth_user_from_another_store_gets_no_byte_of_a_customer(world: World) -> None:
    customer = world.customer("an", name="独一无二公司", phone="13512345678", needs="秘密需求")
    case = world.case(customer, "tan", title="独一无二的故障")
    outsider = world.device("mo")
    outsider.sync()
    everything = "\n".join(outsider.texts)
    for secret in ("独一无二", "13512345678", "秘密", customer, case):
        assert secret not in everything
    page = snapshot(
        world.db,
        outsider.caller,
        SnapshotRequest(buckets=[f"customer:{customer}", f"case:{case}", f"user:{person('an')}"]),
        world.now,
    )
    assert page.lines == []
    assert len(page.header.refused) == 3


def test_head_office_and_administrators_see_no_customer_by_virtue_of_their_role(
    world: World,
) -> None:
    customer = world.customer("an")
    head_office = world.device("hu")
    head_office.sync()
    assert customer not in "\n".join(head_office.texts)
    assert {"staff", "store"} <= {entity for _, entity, _ in head_office.rows}


def test_a_technician_sees_of_a_customer_only_what_the_visit_needs(world: World) -> None:
    customer = world.customer("an", needs="要折扣", email="boss@example.cn", address="和平路1号")
    contacts = [new_id(), new_id()]
    for contact, name in zip(contacts, ("王五", "赵六"), strict=True):
        row = {"id": contact, "customer_id": customer, "name": name, "note": "怕狗"}
        world.write(lambda unit, row=row: unit.create("contact", row))
    case = world.case(customer, "tan", contact_id=contacts[0])
    tan = world.device("tan")
    tan.sync()
    seen = "\n".join(tan.texts)
    assert "和平路1号" in seen and "王五" in seen
    for hidden in ("要折扣", "boss@example.cn", "赵六", "怕狗"):
        assert hidden not in seen
    edit = {"needs": "还要赠品", "address": "和平路2号"}
    world.write(lambda unit: unit.update("customer", customer, edit))
    world.write(lambda unit: unit.update("contact", contacts[0], {"note": "爱抱怨"}))
    tan.sync()
    seen = "\n".join(tan.texts)
    assert "和平路2号" in seen and "还要赠品" not in seen and "爱抱怨" not in seen
    assert tan.ids("case") == {case}


def test_a_change_under_someone_elses_grant_is_rejected(world: World) -> None:
    customer = world.customer("an")
    an, bai = world.device("an"), world.device("bai")
    an.sync()
    bai.sync()
    visit = an.visit(customer)
    (outcome,) = bai.push(visit)
    assert (outcome.verdict, outcome.code) == ("rejected", "out_of_scope")
    assert world.rows("visit") == []


def test_a_grant_for_one_customer_gives_no_right_to_another(world: World) -> None:
    mine, other = world.customer("an"), world.customer("bai")
    an = world.device("an")
    an.sync()
    visit = an.visit(mine)
    moved = an.create("visit", visit.fields | {"customer_id": other}, f"customer:{mine}")
    edit = an.update("customer", other, {"city": "上海"}, f"customer:{mine}")
    assert [o.code for o in an.push(moved, edit)] == ["out_of_scope", "out_of_scope"]


def test_a_technician_cannot_slip_a_record_of_another_customer_into_their_case(
    world: World,
) -> None:
    mine, other = world.customer("an"), world.customer("bai")
    case = world.case(mine, "tan")
    tan = world.device("tan")
    tan.sync()
    report = tan.create("report", _report(other, case, "tan"), f"case:{case}")
    (outcome,) = tan.push(report)
    assert (outcome.verdict, outcome.code) == ("rejected", "out_of_scope")


def test_a_case_cannot_name_a_contact_of_another_customer(world: World) -> None:
    mine, other = world.customer("an"), world.customer("bai")
    stranger = new_id()
    row = {"id": stranger, "customer_id": other, "name": "陌生人"}
    world.write(lambda unit: unit.create("contact", row))
    case = world.case(mine, "tan")
    an, tan = world.device("an"), world.device("tan")
    an.sync()
    bucket = f"customer:{mine}"
    (outcome,) = an.push(an.update("case", case, {"contact_id": stranger}, bucket))
    assert (outcome.verdict, outcome.code) == ("rejected", "out_of_scope")
    tan.sync()
    assert "陌生人" not in "\n".join(tan.texts)


def test_a_technician_edits_the_asset_of_their_case_and_no_other(world: World) -> None:
    customer = world.customer("an")
    assets = [new_id(), new_id()]
    for asset in assets:
        row = {"id": asset, "customer_id": customer, "product": "冷柜"}
        world.write(lambda unit, row=row: unit.create("asset", row))
    case = world.case(customer, "tan", asset_id=assets[0])
    tan = world.device("tan")
    tan.sync()
    bucket = f"case:{case}"
    named = tan.update("asset", assets[0], {"serial": "SN-1"}, bucket)
    other = tan.update("asset", assets[1], {"serial": "SN-2"}, bucket)
    assert [o.verdict for o in tan.push(named, other)] == ["applied", "rejected"]
    assert world.row("asset", assets[0])["serial"] == "SN-1"


def test_a_role_writes_only_its_own_fields(world: World) -> None:
    customer = world.customer("an")
    an, mei = world.device("an"), world.device("mei")
    an.sync()
    mei.sync()
    bucket = f"customer:{customer}"
    (by_an,) = an.push(an.update("customer", customer, {"tier": "high"}, bucket))
    (by_mei,) = mei.push(mei.update("customer", customer, {"tier": "high"}, bucket))
    assert (by_an.code, by_mei.verdict) == ("field_not_yours", "applied")


def test_a_case_bucket_costs_nothing_until_it_is_dispatched_and_after_it_is_over(
    world: World,
) -> None:
    customer = world.customer("an")
    case = world.case(customer)
    assert _rows_of(world, f"case:{case}") == (0, 0)
    world.dispatch(case, "tan")
    rows, heads = _rows_of(world, f"case:{case}")
    assert (rows, heads) == (3, 1)  # the case, its customer, and the step "assigned"
    closed = {"state": "closed", "closed_at": to_wire(world.now)}
    policy = world.policy()

    def close(unit: object) -> None:
        unit.update("case", case, closed)  # type: ignore[attr-defined]  # a Unit
        scopes.settle_case_grants(unit, case, policy)  # type: ignore[arg-type]  # a Unit

    world.write(close)
    assert _rows_of(world, f"case:{case}")[1] == 1
    world.pass_by(days=policy.case_grant_days_after_close + 1)
    world.write(lambda unit: unit.update("case", case, {"impact": "无"}))
    assert _rows_of(world, f"case:{case}") == (0, 0)


def test_the_buckets_of_cases_that_are_over_are_cleared_away_and_no_others(world: World) -> None:
    customer = world.customer("an")
    over, running = (world.case(customer, "tan") for _ in range(2))
    world.write(lambda unit: revoke_all(unit, "ended", bucket=f"case:{over}"))
    expiring = world.case(customer, "tan")
    ends = {"expires_at": to_wire(world.now.replace(hour=world.now.hour + 1))}

    def shorten(unit: Unit) -> None:
        for grant in unit.find("grant", bucket=f"case:{expiring}"):
            unit.update("grant", grant.id, ends)

    world.write(shorten)
    assert sweep_case_buckets(world.db, world.now) == 0
    world.pass_by(hours=2)
    assert sweep_case_buckets(world.db, world.now) == 1
    assert _rows_of(world, f"case:{over}") == _rows_of(world, f"case:{expiring}") == (0, 0)
    assert _rows_of(world, f"case:{running}")[1] == 1
    assert _rows_of(world, f"customer:{customer}")[1] == 1
    world.dispatch(expiring, "tu")
    tu = world.device("tu")
    tu.sync()
    assert tu.ids("case") == {expiring}


def _rows_of(world: World, bucket: str) -> tuple[int, int]:
    with world.db.read() as connection:
        feed = connection.execute(select(FEED.c.entity).where(FEED.c.bucket == bucket)).all()
        heads = connection.execute(select(BUCKET_HEAD).where(BUCKET_HEAD.c.bucket == bucket)).all()
    return len(feed), len(heads)


def test_a_new_contact_of_a_case_joins_its_bucket_and_the_old_one_leaves(world: World) -> None:
    customer = world.customer("an")
    first, second = new_id(), new_id()
    for contact, name in ((first, "王五"), (second, "赵六")):
        row = {"id": contact, "customer_id": customer, "name": name}
        world.write(lambda unit, row=row: unit.create("contact", row))
    case = world.case(customer, "tan", contact_id=first)
    tan = world.device("tan")
    tan.sync()
    assert tan.ids("contact") == {first}
    world.write(lambda unit: unit.update("case", case, {"contact_id": second}))
    tan.sync()
    assert tan.ids("contact") == {second}
    world.write(lambda unit: unit.update("contact", second, {"phone": "13700003333"}))
    tan.sync()
    assert "13700003333" in tan.shown("contact", second)


def test_one_organisation_never_sees_another(world: World) -> None:
    world.customer("an")
    other = new_id()
    write(
        world.db,
        other,
        world.now,
        lambda unit: unit.create("staff", {"id": person("an"), "name": "x", "role": "technician"}),
    )
    an = world.device("an")
    an.sync()
    assert all('"name":"x"' not in text for text in an.texts)
    assert ORG != other
