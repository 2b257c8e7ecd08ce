"""Access that is asked for, decided, given more of, given back and ended; what devices sign for."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import insert

from shared.clock import from_wire, to_wire
from shared.dpop import b64
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.wire import RECEIPT_INFO, Change, ReceiptsRequest, SignedReceipt
from sync_server.db.base import Database
from sync_server.db.log import DETAIL_REQUEST, RECEIPT
from sync_server.services import receipts, scopes
from sync_server.services.approvals import decide_request, request_access, waiting_for
from sync_server.services.grants import revoke_all
from sync_server.services.old_requests import adopt_requests
from sync_server.services.steering import end_now, give_more
from sync_server.services.writing import Unit
from tests.server.field_org import ORG, Device, World, person
from tests.server.test_last_administrator import at_once


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def a_call(world: World, customer: str, case: str | None = None) -> str:
    """A callback for cai, whose window is open."""
    made = new_id()

    def work(unit: Unit) -> None:
        row = {
            "id": made,
            "customer_id": customer,
            "case_id": case,
            "kind": "care",
            "state": "scheduled",
            "due_at": to_wire(world.now),
        }
        unit.create("callback", row)
        scopes.assign_callback(unit, made, person("cai"), world.policy())

    world.write(work)
    return made


def asking(device: Device, customer: str, subject: str, about: str, **other: object) -> Change:
    fields = {
        "staff_id": person(device.name),
        "customer_id": customer,
        "subject": subject,
        "subject_id": about,
        "hours": 4,
        "reason": "客户让我晚点再打",
        "asked_at": to_wire(device.world.now),
        **other,
    }
    return device.create("access_request", fields, f"user:{person(device.name)}")


def deciding(device: Device, request_id: str, customer: str, **fields: object) -> Change:
    return device.update("access_request", request_id, dict(fields), f"customer:{customer}")


def test_an_agent_asks_after_the_window_and_a_manager_approves_from_the_phone(
    world: World,
) -> None:
    customer = world.customer("an")
    call = a_call(world, customer)
    cai, mei, tan = world.device("cai"), world.device("mei"), world.device("tan")
    cai.sync()
    world.pass_by(hours=world.policy().callback_window_hours_after + 1)
    cai.sync()
    assert cai.ids("callback") == set()
    wish = asking(cai, customer, "callback", call)
    assert [o.verdict for o in cai.push(wish)] == ["applied"]
    mei.sync()
    tan.sync()
    assert wish.record_id in mei.ids("access_request") and not tan.ids("access_request")
    yes = deciding(mei, wish.record_id, customer, decision="approved")
    assert [o.verdict for o in mei.push(yes)] == ["applied"]
    cai.sync()
    assert cai.ids("callback") == {call}
    told = {row["kind"]: row for row in world.rows("notice")}["access_given"]
    assert (told["staff_id"], told["count"], told["by_id"]) == (person("cai"), 4, person("mei"))
    world.pass_by(hours=4)
    cai.sync()
    assert cai.ids("callback") == set()


def test_a_refusal_gives_nothing_and_tells_whoever_asked(world: World) -> None:
    customer = world.customer("an")
    call = a_call(world, customer)
    cai, mei = world.device("cai"), world.device("mei")
    cai.sync()
    wish = asking(cai, customer, "callback", call)
    cai.push(wish)
    mei.sync()
    before = len(world.rows("grant"))
    mei.push(deciding(mei, wish.record_id, customer, decision="refused", answer="已转给小崔"))
    assert len(world.rows("grant")) == before
    assert [row["kind"] for row in world.rows("notice")] == ["access_refused"]
    cai.sync()
    assert "已转给小崔" in cai.shown("access_request", wish.record_id)


def test_what_was_approved_is_ended_from_the_phone_by_whoever_may_decide(world: World) -> None:
    customer = world.customer("an")
    call = a_call(world, customer)
    cai, mei = world.device("cai"), world.device("mei")
    cai.sync()
    world.pass_by(hours=world.policy().callback_window_hours_after + 1)
    wish = asking(cai, customer, "callback", call)
    cai.push(wish)
    mei.sync()
    mei.push(deciding(mei, wish.record_id, customer, decision="approved"))
    cai.sync()
    assert cai.ids("callback") == {call}
    mei.sync()
    over = deciding(mei, wish.record_id, customer, ended_at=to_wire(world.now))
    assert [o.verdict for o in mei.push(over)] == ["applied"]
    cai.sync()
    assert cai.ids("callback") == set()
    granted = [row for row in world.rows("grant") if row["purpose"] == "approved_detail"]
    assert [row["revoked_because"] for row in granted] == ["ended"]
    mei.sync()
    again = deciding(mei, wish.record_id, customer, decision="refused", ended_at=to_wire(world.now))
    assert [o.verdict for o in mei.push(again)] != ["rejected"]
    assert [row["decision"] for row in world.rows("access_request")] == ["approved"]


def test_the_first_decision_stands(world: World) -> None:
    customer = world.customer("an")
    call = a_call(world, customer)
    cai, mei, again = world.device("cai"), world.device("mei"), world.device("mei")
    cai.sync()
    wish = asking(cai, customer, "callback", call)
    cai.push(wish)
    mei.sync()
    again.sync()
    mei.push(deciding(mei, wish.record_id, customer, decision="refused"))
    late = deciding(again, wish.record_id, customer, decision="approved")
    assert [o.verdict for o in again.push(late)] == ["merged"]
    assert world.row("access_request", wish.record_id)["decision"] == "refused"
    assert world.rows("conflict") == []


def test_nobody_decides_their_own_request_and_only_managers_who_hold_the_customer_decide(
    world: World,
) -> None:
    customer = world.customer("an")
    call = a_call(world, customer)
    mei, an, mo = world.device("mei"), world.device("an"), world.device("mo")
    for device in (mei, an, mo):
        device.sync()
    own = asking(mei, customer, "customer", customer)
    assert [o.code for o in mei.push(own)] == ["field_invalid"]  # it ends by itself never
    row = {"id": own.record_id, **own.fields}
    world.write(lambda unit: unit.create("access_request", row))
    mei.sync()
    yes = deciding(mei, own.record_id, customer, decision="approved")
    assert [o.code for o in mei.push(yes)] == ["role_not_allowed"]
    cai = world.device("cai")
    cai.sync()
    wish = asking(cai, customer, "callback", call)
    cai.push(wish)
    an.sync()
    by_owner = deciding(an, wish.record_id, customer, decision="approved")
    assert [o.code for o in an.push(by_owner)] == ["field_not_yours"]
    elsewhere = mo.update(
        "access_request", wish.record_id, {"decision": "approved"}, f"user:{person('mo')}"
    )
    assert [o.code for o in mo.push(elsewhere)] == ["out_of_scope"]
    forged = asking(cai, customer, "callback", call, decision="approved")
    assert [o.code for o in cai.push(forged)] == ["field_not_yours"]
    assert "decision" not in world.row("access_request", wish.record_id)


def test_a_manager_who_lost_the_customer_decides_no_more(world: World) -> None:
    customer = world.customer("an")
    call = a_call(world, customer)
    cai, mei = world.device("cai"), world.device("mei")
    cai.sync()
    wish = asking(cai, customer, "callback", call)
    cai.push(wish)
    mei.sync()
    on_time = deciding(mei, wish.record_id, customer, decision="approved")
    world.pass_by(hours=1)
    bucket = f"customer:{customer}"
    world.write(lambda unit: revoke_all(unit, "ended", bucket=bucket, staff_id=person("mei")))
    after = deciding(mei, wish.record_id, customer, decision="approved")
    assert {o.verdict for o in mei.push(on_time, after)} == {"late"}
    row = world.row("access_request", wish.record_id)
    assert "decision" not in row and "grant_id" not in row


@pytest.mark.parametrize(
    ("name", "subject", "hours", "code"),
    [
        ("cui", "callback", 4, "out_of_scope"),  # never held it
        ("cai", "callback", 100, "field_invalid"),
        ("hu", "callback", 4, "role_not_allowed"),
    ],
)
def test_one_asks_for_what_one_held_and_for_no_longer_than_the_policy_allows(
    world: World, name: str, subject: str, hours: int, code: str
) -> None:
    customer = world.customer("an")
    call = a_call(world, customer)
    device = world.device(name)
    device.sync()
    wish = asking(device, customer, subject, call, hours=hours)
    assert [o.code for o in device.push(wish)] == [code]
    assert world.rows("access_request") == []


def test_a_request_in_anothers_name_or_about_anothers_record_is_rejected(world: World) -> None:
    mine, other = world.customer("an"), world.customer("bai")
    call = a_call(world, mine)
    cai = world.device("cai")
    cai.sync()
    forged = asking(cai, mine, "callback", call, staff_id=person("cui"))
    crossed = asking(cai, other, "callback", call)
    assert [o.code for o in cai.push(forged, crossed)] == ["out_of_scope", "out_of_scope"]


def test_a_grant_given_back_ends_at_once_and_an_assignment_is_not_given_back(
    world: World,
) -> None:
    customer = world.customer("an")
    call = a_call(world, customer)
    cai, an = world.device("cai"), world.device("an")
    cai.sync()
    an.sync()
    timed, own = cai.grant(f"customer:{customer}"), f"user:{person('cai')}"
    enough = cai.update("grant", timed, {"returned_at": to_wire(world.now)}, own)
    assert [o.verdict for o in cai.push(enough)] == ["applied"]
    cai.sync()
    assert call not in cai.ids("callback")
    assert world.row("grant", timed)["revoked_because"] == "ended"
    kept = an.grant(f"customer:{customer}")
    back = an.update("grant", kept, {"returned_at": to_wire(world.now)}, f"user:{person('an')}")
    assert [o.code for o in an.push(back)] == ["role_not_allowed"]
    others = an.update("grant", timed, {"returned_at": to_wire(world.now)}, f"user:{person('an')}")
    assert [o.code for o in an.push(others)] == ["out_of_scope"]


def test_more_time_reaches_further_and_never_less_far(world: World) -> None:
    customer = world.customer("an")
    a_call(world, customer)
    cai, mei = world.device("cai"), world.device("mei")
    cai.sync()
    timed = cai.grant(f"customer:{customer}")
    end = from_wire(world.row("grant", timed)["expires_at"])
    more = give_more(world.db, mei.caller, timed, 2, world.now)
    assert from_wire(more.expires_at) == end + timedelta(hours=2)
    again = give_more(world.db, mei.caller, timed, 1, world.now)
    assert again == more
    world.pass_by(days=9)
    cai.sync()
    assert cai.ids("callback") == set()
    later = give_more(world.db, mei.caller, timed, 1, world.now)
    assert from_wire(later.expires_at) == world.now + timedelta(hours=1)
    cai.sync()
    assert len(cai.ids("callback")) == 1
    end_now(world.db, mei.caller, later.grant_id, "security", world.now)
    cai.sync()
    assert cai.ids("callback") == set()
    with pytest.raises(Refusal):
        give_more(world.db, mei.caller, later.grant_id, 1, world.now)


@pytest.mark.parametrize("name", ["mo", "an", "cai", "hu"])
def test_only_who_may_decide_steers_a_grant(world: World, name: str) -> None:
    customer = world.customer("an")
    a_call(world, customer)
    cai = world.device("cai")
    cai.sync()
    timed, caller = cai.grant(f"customer:{customer}"), world.device(name).caller
    for steer in (
        lambda: give_more(world.db, caller, timed, 1, world.now),
        lambda: end_now(world.db, caller, timed, "ended", world.now),
    ):
        with pytest.raises(Refusal) as refused:
            steer()
        assert refused.value.code in {Code.ROLE_NOT_ALLOWED, Code.OUT_OF_SCOPE}


def test_requests_of_an_older_server_come_to_the_phones(world: World) -> None:
    customer = world.customer("an")
    old = {
        "org_id": ORG,
        "id": new_id(),
        "staff_id": person("hu"),
        "customer_id": customer,
        "hours": 4,
        "reason": "投诉升级",
        "asked_at": to_wire(world.now),
    }
    with world.db.write() as connection:
        connection.execute(insert(DETAIL_REQUEST).values(**old))
    assert adopt_requests(world.db, world.now) == 1
    assert adopt_requests(world.db, world.now) == 0
    mei = world.device("mei")
    mei.sync()
    assert mei.ids("access_request") == {old["id"]}
    assert [one.request_id for one in waiting_for(world.db, mei.caller, world.now)] == [old["id"]]
    assert waiting_for(world.db, world.device("mo").caller, world.now) == []
    assert decide_request(world.db, mei.caller, old["id"], approve=True, now=world.now)
    assert waiting_for(world.db, mei.caller, world.now) == []


# ── receipts ──────────────────────────────────────────────────────────────────────────────────────


def signed(device: Device, grants: list[str], **other: object) -> SignedReceipt:
    said = {
        "id": new_id(),
        "kind": "ended",
        "device_id": device.id,
        "staff_id": person(device.name),
        "grants": grants,
        "rows": 7,
        "deleted_at": to_wire(device.world.now),
        "rekeyed_at": to_wire(device.world.now),
        **other,
    }
    payload = json.dumps(said)
    return SignedReceipt(
        payload=payload, signature=b64(device.key.sign(RECEIPT_INFO + payload.encode()))
    )


def test_what_ended_is_outstanding_until_the_device_has_signed_that_it_is_gone(
    world: World,
) -> None:
    customer = world.customer("an")
    an = world.device("an")
    an.sync()
    held = an.grant(f"customer:{customer}")
    assert receipts.outstanding(world.db, ORG, world.now) == []
    world.assign(customer, "bai")
    (one,) = receipts.outstanding(world.db, ORG, world.now)
    assert (one.device_id, one.grant_id, one.told_to_drop) == (an.id, held, False)
    an.sync()
    (one,) = receipts.outstanding(world.db, ORG, world.now)
    assert one.told_to_drop
    receipt = signed(an, [held])
    asked = ReceiptsRequest(device_id=an.id, receipts=[receipt])
    kept = receipts.keep(world.db, an.caller, asked, world.now)
    assert receipts.keep(world.db, an.caller, asked, world.now) == kept
    assert receipts.outstanding(world.db, ORG, world.now) == []
    (shown,) = receipts.of_device(world.db, ORG, an.id)
    assert (shown.payload, shown.signature) == (receipt.payload, receipt.signature)


def test_a_receipt_that_is_sent_twice_at_once_is_kept_once(world: World) -> None:
    an = world.device("an")
    receipt = signed(an, [new_id()])
    said = receipts._said(an.caller, receipt)
    assert said is not None
    row = receipts._row(an.caller, receipt, said, world.now)
    asked = ReceiptsRequest(device_id=an.id, receipts=[receipt, receipt])
    at_once(
        world.db,
        lambda connection: connection.execute(insert(RECEIPT).values(row)),
        lambda: receipts.keep(world.db, an.caller, asked, world.now),
    )
    assert world.count(RECEIPT) == 1


def test_a_receipt_that_its_device_did_not_sign_is_not_kept(world: World) -> None:
    customer = world.customer("an")
    an, bai = world.device("an"), world.device("bai")
    an.sync()
    held = an.grant(f"customer:{customer}")
    good = signed(an, [held])
    altered = SignedReceipt(
        payload=good.payload.replace('"rows": 7', '"rows": 0'), signature=good.signature
    )
    others = signed(bai, [held])
    about = [
        signed(an, [held], device_id=bai.id),
        signed(an, [held], deleted_at="gestern"),
        signed(an, ["\0" * 36]),
        signed(an, [held], id="x"),
        SignedReceipt(payload="{", signature="§"),
    ]
    asked = ReceiptsRequest(device_id=an.id, receipts=[altered, others, *about])
    assert receipts.keep(world.db, an.caller, asked, world.now) == []
    assert world.count(RECEIPT) == 0


def test_a_wish_by_the_route_is_the_same_record(world: World) -> None:
    customer = world.customer("an")
    hu, mei = world.device("hu"), world.device("mei")
    made = request_access(world.db, hu.caller, customer, "因", None, world.now)
    assert world.row("access_request", made)["hours"] == world.policy().access_hours
    mei.sync()
    assert mei.ids("access_request") == {made}
