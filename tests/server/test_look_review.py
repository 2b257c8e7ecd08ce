"""Looks are reviewed: unusual reading raises one alarm, a weekly sample waits for a reviewer, and
nobody judges themselves (S4 #156, #157)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from shared.clock import to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.policy import DEFAULTS
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.db.base import Database
from sync_server.db.log import ALARM
from sync_server.db.looks import LOOK_SAMPLE
from sync_server.services import (
    alarm_review,
    audit_chain,
    look_listing,
    look_samples,
    look_watch,
)
from sync_server.services.caller import Caller
from sync_server.services.look_listing import Asked
from sync_server.services.writing import Unit
from tests.server.field_org import ORG, World, person
from tests.server.phones import ORG as COMPANY
from tests.server.phones import Field, code

BY_NIGHT = timedelta(hours=15)  # midnight in Shanghai, from the world's morning on


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def caller(world: World, name: str) -> Caller:
    return world.device(name).caller


ADMIN = Caller(org_id=ORG, staff_id=new_id(), role=Role.ADMINISTRATOR, device_id="", device_key="")


def policy(world: World, **settings: Any) -> None:
    row = {"id": new_id(), "version": 1, "holds_from": "2026-01-01T00:00:00.000Z"}
    world.write(lambda unit: unit.create("policy", {**row, "settings": settings}))


def looked(world: World, name: str, customers: list[str | None], **fields: Any) -> list[str]:
    """Looks of a person as their pushes have left them; ids in order."""
    made = []

    def work(unit: Unit) -> None:
        for customer_id in customers:
            row = {
                "id": new_id(), "customer_id": customer_id, "entity": "customer",
                "record_id": customer_id or new_id(), "what": "opened",
                "looked_at": to_wire(world.now), "number": 1, "previous": "0" * 64,
                "created_by": person(name), **fields,
            }  # fmt: skip
            made.append(unit.create("look", row).id)

    world.write(work)
    return made


def listed(world: World, who: Caller, state: str | None = None) -> list[alarm_review.AlarmSeen]:
    with world.db.read() as connection:
        return alarm_review.alarms(connection, who, state)


def test_unusual_reading_raises_one_alarm_a_day_that_grows_while_the_day_does(
    world: World,
) -> None:
    policy(world, look_alert_outside_hours=1, look_alert_unplanned=50)
    customers = [world.customer(None) for _ in range(4)]
    world.pass_by(hours=15)
    looked(world, "an", list(customers[:2]))
    assert look_watch.watch(world.db, world.now) == 1
    assert look_watch.watch(world.db, world.now) == 0
    looked(world, "an", list(customers[2:]))
    look_watch.watch(world.db, world.now)
    (alarm,) = listed(world, ADMIN)
    assert (alarm.kind, alarm.staff_id, alarm.state) == ("reading_hours", person("an"), "open")
    assert alarm.told["customers"] == 4
    world.pass_by(days=1)
    looked(world, "an", list(customers))
    look_watch.watch(world.db, world.now)
    assert len(listed(world, ADMIN)) == 2


def test_a_visit_a_case_or_a_customer_newly_theirs_is_reason_to_read_by_night(
    world: World,
) -> None:
    policy(world, look_alert_outside_hours=0, look_alert_unplanned=0)
    visited, repaired, given = (world.customer(None) for _ in range(3))
    visit = {
        "id": new_id(), "customer_id": visited, "owner_id": person("an"), "purpose": "care",
        "state": "planned", "planned_at": to_wire(world.now + timedelta(days=2)),
    }  # fmt: skip
    world.write(lambda unit: unit.create("visit", visit))
    world.case(repaired)
    world.assign(given, "an")
    world.pass_by(hours=15)
    looked(world, "an", [visited, repaired, given, None])
    assert look_watch.watch(world.db, world.now) == 0
    looked(world, "an", [world.customer(None)])
    assert look_watch.watch(world.db, world.now) == 2


def test_a_holiday_is_one_whichever_entry_of_the_calendar_says_so(world: World) -> None:
    policy(world, look_alert_outside_hours=0, look_alert_unplanned=50)
    today, years = world.now.date().isoformat(), {"cn": [2026], "plant": [2026, 2027]}

    def work(unit: Unit) -> None:
        for key, known in years.items():
            data = {"known_until": f"{known[-1]}-12-31", "workdays": [], "holidays": []}
            data["holidays"] = [today] if key == "cn" else []
            row = {"id": new_id(), "catalogue": "calendar", "key": key, "data": data}
            unit.create("reference", row)

    world.write(work)
    world.pass_by(hours=2)
    looked(world, "an", [world.customer(None)])
    assert look_watch.watch(world.db, world.now) == 1


def test_an_alarm_is_seen_and_explained_by_someone_else_and_that_is_on_record(
    world: World,
) -> None:
    policy(world, look_alert_outside_hours=0, look_alert_unplanned=50)
    customer = world.customer(None)
    world.pass_by(hours=15)
    for name in ("an", "mei"):
        looked(world, name, [customer])
    look_watch.watch(world.db, world.now)
    mei, mo = caller(world, "mei"), caller(world, "mo")
    by_staff = {alarm.staff_id: alarm.id for alarm in listed(world, mei, "open")}
    assert set(by_staff) == {person("an"), person("mei")} and listed(world, mo) == []
    with pytest.raises(Refusal) as foreign:
        alarm_review.see(world.db, mo, [by_staff[person("an")]], world.now)
    assert foreign.value.code is Code.RECORD_MISSING
    with pytest.raises(Refusal) as own:
        alarm_review.explain(world.db, mei, by_staff[person("mei")], "无事", world.now)
    assert own.value.code is Code.OUT_OF_SCOPE
    alarm_review.see(world.db, mei, list(by_staff.values()), world.now)
    assert len(listed(world, mei, "seen")) == 2
    alarm_review.explain(world.db, mei, by_staff[person("an")], "准备明天的拜访", world.now)
    (done,) = listed(world, mei, "explained")
    assert (done.explained_by, done.explanation) == (person("mei"), "准备明天的拜访")
    with world.db.read() as connection:
        acts = connection.scalars(select(AUDIT_ENTRY.c.action).order_by(AUDIT_ENTRY.c.number)).all()
    assert acts == ["alarm_seen", "alarm_seen", "alarm_explained"]


def test_what_an_alarm_holds_of_a_customer_is_told_to_nobody_who_reviews_it(
    world: World,
) -> None:
    an = world.device("an")
    customer = world.customer("an")
    an.sync()
    first = an.visit(customer, notes="王先生住院了")
    an.push(first)
    an.push(an.visit(customer, notes="别的").__class__(
        **{**{f: getattr(first, f) for f in first.__dataclass_fields__}, "fields": {"notes": "改"}}
    ))  # fmt: skip
    (alarm,) = listed(world, ADMIN)
    assert (alarm.kind, alarm.told) == ("change_id_reused", {})


def test_a_weeks_sample_is_drawn_once_for_everyone_and_can_be_drawn_again(world: World) -> None:
    policy(world, look_sample_percent=20, look_sample_least=2)
    customer = world.customer(None)
    looks = {
        "an": looked(world, "an", [customer] * 30),
        "tan": looked(world, "tan", [customer]),
        "mo": looked(world, "mo", [customer] * 5),
    }
    assert look_samples.draw_due(world.db, world.now) == 1
    assert look_samples.draw_due(world.db, world.now) == 0
    with world.db.read() as connection:
        (sample,) = look_samples.samples(connection, ADMIN, world.now)
        chosen = look_samples.chosen(connection, ADMIN, sample.id)
        again = look_samples.drawn_again(connection, ORG, sample.id)
    assert (sample.population, sample.chosen, sample.open) == (36, 9, 9)
    assert sorted(one.look_id for one in chosen) == again
    counts = {name: sum(o.look_id in ids for o in chosen) for name, ids in looks.items()}
    assert counts == {"an": 6, "tan": 1, "mo": 2}

    late = looked(world, "an", [customer] * 2)
    world.pass_by(days=7)
    assert look_samples.draw_due(world.db, world.now) == 1
    with world.db.read() as connection:
        newest, older = look_samples.samples(connection, ADMIN, world.now)
        assert {o.look_id for o in look_samples.chosen(connection, ADMIN, newest.id)} == set(late)
    assert (newest.population, older.overdue, newest.overdue) == (2, False, False)
    world.pass_by(days=1)
    with world.db.read() as connection:
        _, older = look_samples.samples(connection, ADMIN, world.now)
        assert older.overdue
        seeds = connection.scalars(select(LOOK_SAMPLE.c.seed)).all()
    assert len(set(seeds)) == 2


def test_a_store_manager_reviews_their_own_stores_looks_and_nobody_their_own(
    world: World,
) -> None:
    customer = world.customer(None)
    (ans,), (meis,), (mos,) = (looked(world, name, [customer]) for name in ("an", "mei", "mo"))
    look_samples.draw_due(world.db, world.now)
    mei = caller(world, "mei")
    with world.db.read() as connection:
        (sample,) = look_samples.samples(connection, mei, world.now)
        chosen = {one.look_id for one in look_samples.chosen(connection, mei, sample.id)}
    assert chosen == {ans, meis}

    look_samples.review(world.db, mei, ans, "question", "为什么凌晨查看？", world.now)
    for look_id, why in ((mos, Code.RECORD_MISSING), (meis, Code.OUT_OF_SCOPE)):
        with pytest.raises(Refusal) as refused:
            look_samples.review(world.db, mei, look_id, "fine", None, world.now)
        assert refused.value.code is why
    with pytest.raises(Refusal) as nobody:
        look_samples.review(world.db, caller(world, "an"), ans, "fine", None, world.now)
    assert nobody.value.code is Code.ROLE_NOT_ALLOWED
    look_samples.review(world.db, ADMIN, meis, "fine", None, world.now)
    with world.db.read() as connection:
        (sample,) = look_samples.samples(connection, mei, world.now)
        by_look = {o.look_id: o for o in look_samples.chosen(connection, mei, sample.id)}
    assert (sample.open, sample.questions) == (0, 1)
    assert (by_look[ans].verdict, by_look[ans].reviewed_by) == ("question", person("mei"))


def test_who_may_list_which_looks(world: World) -> None:
    mine, theirs = world.customer("an"), world.customer("mo")
    looked(world, "an", [mine, None])
    looked(world, "mo", [theirs])
    with world.db.read() as connection:

        def seen(who: Caller, **asked: Any) -> list[tuple[str, str | None]]:
            found = look_listing.looks(connection, who, Asked(**asked))
            return [(look.staff, look.customer_id) for look in found]

        assert seen(ADMIN) == [("mo", theirs), ("an", None), ("an", mine)]
        assert seen(caller(world, "mei")) == [("an", None), ("an", mine)]
        assert seen(ADMIN, customer_id=theirs) == [("mo", theirs)]
        assert seen(ADMIN, staff_id=person("an"), what="opened", limit=1) == [("an", None)]
        assert seen(ADMIN, since=world.now + timedelta(hours=1)) == []
        for name in ("an", "tan", "cai", "hu"):
            with pytest.raises(Refusal):
                look_listing.looks(connection, caller(world, name), Asked())
        an = caller(world, "an")
        at_mine = look_listing.looks_at(connection, an, mine, Asked(), world.now)
        assert [look.staff for look in at_mine] == ["an"]
        with pytest.raises(Refusal):
            look_listing.looks_at(connection, an, theirs, Asked(), world.now)
        assert len(look_listing.own_looks(connection, an, Asked())) == 2


def test_alarms_are_found_page_by_page(world: World) -> None:
    with world.db.write() as connection:
        for number in range(3):
            connection.execute(
                ALARM.insert().values(
                    org_id=ORG, id=f"a{number}", kind="look_missing", staff_id=person("an"),
                    device_id="d", raised_at=to_wire(world.now),
                )
            )  # fmt: skip
    with world.db.read() as connection:
        found = alarm_review.alarms(connection, ADMIN, None, "a2")
        assert [alarm.id for alarm in found] == ["a1", "a0"]
        with pytest.raises(Refusal):
            alarm_review.alarms(connection, ADMIN, None, "nobody's")


# ── over HTTP ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def company(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path)
    yield field
    field.close()


LISTS = ("/v1/audit/looks", "/v1/audit/alarms", "/v1/audit/samples")


def test_lists_are_for_administrators_and_store_managers_and_the_log_for_the_former(
    company: Field,
) -> None:
    gao, chen, lin = (company.phone(name) for name in ("gao", "chen", "lin"))
    for path in LISTS:
        for phone, status in ((gao, 200), (chen, 200), (lin, 403)):
            assert phone.send("GET", path).status_code == status, (path, status)
    assert chen.send("GET", "/v1/audit/entries").status_code == 403
    told = gao.send("GET", "/v1/audit/entries").json()["entries"]
    assert [entry["action"] for entry in told][:2] == ["looks_listed", "looks_listed"]
    assert lin.send("GET", "/v1/audit/own-looks").json() == {"looks": []}
    foreign = lin.send("GET", f"/v1/audit/customers/{new_id()}/looks")
    assert code(foreign) == "out_of_scope"


def test_a_review_and_an_explanation_of_what_is_not_there_are_refused(company: Field) -> None:
    gao = company.phone("gao")
    for path, body, refused in (
        (f"/v1/audit/looks/{new_id()}/review", {"verdict": "fine"}, "record_missing"),
        (f"/v1/audit/looks/{new_id()}/review", {"verdict": "bad"}, "malformed"),
        (f"/v1/audit/alarms/{new_id()}/explain", {"explanation": "x"}, "record_missing"),
        (f"/v1/audit/alarms/{new_id()}/explain", {"explanation": " "}, "field_required"),
        ("/v1/audit/alarms/seen", {"alarm_ids": ["nobody's"]}, "record_missing"),
    ):
        assert code(gao.send("POST", path, body)) == refused, path


def test_housekeeping_watches_draws_and_lets_old_entries_go(company: Field) -> None:
    company.phone("lin")
    company.clock.pass_by(days=8)
    company.server.watch_looks()
    company.clock.pass_by(days=2000)
    company.phone("lin")
    company.server.watch_looks()
    company.clock.pass_by(days=DEFAULTS.clock_leap_wait_days)  # it was off for years
    company.server.watch_looks()
    with company.server.database.read() as connection:
        kept = connection.scalars(
            select(AUDIT_ENTRY.c.action)
            .where(AUDIT_ENTRY.c.org_id == COMPANY)
            .order_by(AUDIT_ENTRY.c.number)
        ).all()
        found = audit_chain.verify(connection, COMPANY)
    assert kept == ["device_enrolled", "signed_in", "clock_leapt", "audit_let_go"]
    assert (found.let_go, found.broken) == (2, [])
