"""What the office finds on its desk in the pictures of the console: what waits for a decision, what
the rules propose, what customers wrote and said."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert

from shared import dpop
from shared.clock import to_wire
from shared.ids import derived_id, new_id
from shared.periods import period_of
from shared.wire import Change
from sync_server.app import keep_reports
from sync_server.bootstrap import Server
from sync_server.db.log import CHANGE_LOG
from sync_server.db.people import TRAINING
from sync_server.demo.load import ORGANISATION
from sync_server.services import (
    accounts,
    churn_scoring,
    devices,
    entrances,
    look_writing,
    surveys,
    tier_rules,
    trainings,
    vip_service,
)
from sync_server.services.caller import Caller
from sync_server.services.scopes import assign_customers
from sync_server.services.writing import Author, Unit, write

_SAID = (
    ("logistics.late", "物流部", "说好周三，周五才到，门口没人接货。", -1, None),
    ("service.repair", "客服部", "修过两次，关门还是响。", 2, None),
    ("product.quality", "品质部", "漆面一周就起皮。", -6, "solved"),
)
"""Feedback: its topic, its department, the words, in how many days it is due, and its effect."""
_TWICE = (("needs", "二楼加一排陈列柜", "两组防潮展柜"), ("phone", "13800138000", "13900139000"))
_QUESTIONS = (
    {"key": "recommend", "asks": "nps", "zh": "会向朋友推荐我们吗？", "en": "Recommend us?"},
    {"key": "words", "asks": "words", "zh": "还想告诉我们什么？", "en": "Anything else?"},
)


def fill(server: Server) -> None:
    """The demo organisation, as the office of one store finds it in the morning."""
    manager, admin = _caller(server, "chenjing"), _caller(server, "admin")
    db, now = server.database, server.clock.now()
    churn_scoring.score(db, ORGANISATION, now)
    _customers(server, manager)
    _people(server, manager)
    _survey(server, admin, manager.store_id or "")
    token = entrances.open_entrance(db, manager, manager.store_id or "", now)
    wrote = {"kind": "enquiry", "name": "周先生", "phone": "13912345678"}
    wrote |= {"title": "展柜什么时候到货？", "description": "上周订了两组，想知道日期。"}
    entrances.take(db, token, wrote, new_id(), now)
    server.keep_figures()
    tier_rules.propose(db, ORGANISATION, now)
    server.watch_looks()
    keep_reports(server)


def _caller(server: Server, username: str) -> Caller:
    with server.database.read() as connection:
        account = accounts.known(connection, username)
    return Caller(
        org_id=ORGANISATION, staff_id=account.staff_id, role=account.role, device_id="",
        device_key="", store_id=account.store_id, via="console",
    )  # fmt: skip


def _customers(server: Server, manager: Caller) -> None:
    """What is to be decided about the store's customers, and who looked at some of them."""
    db, now = server.database, server.clock.now()
    wang, liu = (_caller(server, name).staff_id for name in ("wangfang", "liuyang"))
    store = manager.store_id or ""
    write(db, ORGANISATION, now, lambda unit: _met_twice(unit, store, (wang, liu)))

    def work(unit: Unit) -> list[str]:
        ours = [one.id for one in unit.find("customer", store_id=store, owner_id=wang)[:4]]
        _conflicts(unit, ours, (wang, liu))
        _plans(unit, ours, wang)
        _feedback(unit, ours)
        _waiting(unit, ours, liu)
        return ours

    agent = _caller(server, "zhaomin")
    for one in write(db, ORGANISATION, now, work)[:3]:
        look_writing.put_on_record(db, agent, one, ("customer", one), now, what="unmasked")


def _met_twice(unit: Unit, store: str, staff: tuple[str, str]) -> None:
    """Two customers with one number."""
    for days, (one, name) in enumerate(
        zip(staff, ("华联商厦", "华联商厦（总店）"), strict=True), 1
    ):
        row = {"id": derived_id("office", name), "name": name, "phone": "021 5588 6600"}
        who = Author(staff_id=one, at=unit.now - timedelta(days=days))
        unit.create("customer", row | {"store_id": store}, who)
        assign_customers(unit, [row["id"]], one)


def _conflicts(unit: Unit, ours: list[str], staff: tuple[str, str]) -> None:
    now, before = to_wire(unit.now), to_wire(unit.now - timedelta(hours=5))
    for customer, (field, kept, other) in zip(ours, _TWICE, strict=False):
        row = {
            "id": new_id(), "customer_id": customer, "entity": "customer", "field": field,
            "record_id": customer, "found_at": now, "late": field == "phone",
            "kept_value": kept, "kept_by": staff[0], "kept_at": before,
            "other_value": other, "other_by": staff[1], "other_at": before,
        }  # fmt: skip
        unit.create("conflict", row)


def _plans(unit: Unit, ours: list[str], owner: str) -> None:
    due = to_wire(unit.now + timedelta(days=7))
    for customer, state in zip(ours, ("proposed", "open"), strict=False):
        row = {
            "id": new_id(), "customer_id": customer, "state": state, "owner_id": owner,
            "signs": ["silence", "falling"], "raised_at": to_wire(unit.now), "due_at": due,
        }  # fmt: skip
        unit.create("retention_plan", row)
        unit.update("customer", customer, {"vip": True, "industry": "五金批发"})


def _feedback(unit: Unit, ours: list[str]) -> None:
    for customer, (topic, department, said, days, effect) in zip(ours, _SAID, strict=False):
        row = {
            "id": new_id(), "customer_id": customer, "topic": topic, "said": said,
            "department": department, "channel": "phone",
            "due_at": to_wire(unit.now + timedelta(days=days)),
            "happened_at": to_wire(unit.now - timedelta(days=7)),
        }  # fmt: skip
        done = {"effect": effect, "finished_at": to_wire(unit.now)} if effect else {}
        unit.create("feedback", row | done)


def _waiting(unit: Unit, ours: list[str], author: str) -> None:
    """Somebody who asks for access, a change that waits in quarantine, and one that was refused."""
    now = to_wire(unit.now)
    wish = {
        "id": new_id(), "staff_id": author, "customer_id": ours[0], "subject": "customer",
        "subject_id": ours[0], "asked_at": now, "hours": 24,
        "reason": "客户请我明天再去一次，王芳休假。",
    }  # fmt: skip
    unit.create("access_request", wish)
    late = Change(
        change_id=new_id(), number=7, grant_id=new_id(), entity="customer", kind="update",
        record_id=ours[1], fields={"needs": "春节前要三组", "phone": "13700137000"},
        claimed_at=now, boot_id="boot", monotonic_ms=1,
    )  # fmt: skip
    _log(unit, late, author, "quarantined", None)
    _log(unit, replace(late, change_id=new_id()), author, "rejected", "record_missing")


def _log(unit: Unit, change: Change, author: str, verdict: str, code: str | None) -> None:
    seen = to_wire(unit.now)
    row = {
        "org_id": ORGANISATION, "change_id": change.change_id, "digest": b"", "outcome": "{}",
        "entity": change.entity, "record_id": change.record_id, "staff_id": author, "code": code,
        "device_id": "", "received_at": seen, "written_at": seen, "seq": 10**6 + len(verdict),
        "verdict": verdict, "body": json.dumps(asdict(change)),
    }  # fmt: skip
    unit.connection.execute(insert(CHANGE_LOG).values(row))


def _people(server: Server, manager: Caller) -> None:
    """A training that was held, one that a fail called for, a device that waits, a plan."""
    db, now = server.database, server.clock.now()
    today, staff = now.date(), _caller(server, "sunlei").staff_id
    trainings.hold(
        db, manager, kind="weekly", held_on=today.isoformat(), title="防潮柜的安装与验收",
        attended=[staff], note="下周再练一次交接。", now=now, today=today,
    )  # fmt: skip
    quarter = period_of(today, "quarter")

    def work(unit: Unit) -> None:
        unit.append(TRAINING, {
            "org_id": ORGANISATION, "id": new_id(), "store_id": manager.store_id, "kind": "fail",
            "staff_id": staff, "period": str(quarter.before()), "owner_id": manager.staff_id,
            "due_on": (today + timedelta(days=12)).isoformat(),
        })  # fmt: skip
        key = dpop.b64(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
        devices.enrol(
            unit.connection, org_id=ORGANISATION, staff_id=staff, device_key=key,
            name="孙磊的新手机", platform="browser", app_version="1.0", approved=False, now=now,
        )  # fmt: skip

    write(db, ORGANISATION, now, work)
    vip_service.write_plan(
        db, manager, quarter, plan="每位重要客户本季度至少上门一次，年前完成保养。",
        evaluation=None, base=0, now=now,
    )  # fmt: skip


def _survey(server: Server, admin: Caller, store: str) -> None:
    """One that some customers have answered."""
    db, now = server.database, server.clock.now()
    fields = {
        "title_zh": "门店服务", "title_en": "Our store", "subject": "store",
        "open_from": now.date().isoformat(),
        "open_until": (now.date() + timedelta(days=90)).isoformat(), "questions": _QUESTIONS,
    }  # fmt: skip
    survey = surveys.make(db, admin, fields, now)
    (token,) = surveys.make_links(db, admin, survey, store, now, once=False, count=1)
    for points in (9, 10, 7, 8, 10, 6, 9):
        surveys.answer(db, token, [{"question": "recommend", "points": points}], now)
