"""Staff: grades that a panel gives, what a fail calls for, the trainings that stores hold, and how
many VIPs they serve."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import derived_id
from shared.periods import Period, read_period
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.db.base import Database
from sync_server.db.people import STAFF_GRADE, TRAINING
from sync_server.services import assessing, policies
from sync_server.services.audit import by_itself
from sync_server.services.caller import Caller
from sync_server.services.writing import Unit, write
from tests.server.desks import Desk, signed_in
from tests.server.figure_world import STORES, busy_year, sheets
from tests.server.phones import ORG, STORE, Field, staff_id

pytestmark = pytest.mark.thorough

CYCLE = "2026-Q3"
WU = staff_id("wu")


@pytest.fixture
def both(db: Database, tmp_path: Path) -> Field:
    return Field.on(db, tmp_path)


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path)
    yield made
    made.close()


def quarter() -> Period:
    found = read_period(CYCLE)
    assert found is not None
    return found


def proposed(field: Field, caller: Caller) -> assessing.Assessment:
    with field.server.database.read() as connection:
        now = field.clock.now()
        (one,) = assessing.assessments(connection, caller, STORE, quarter(), now)
    assert one.staff_id == WU
    return one


def caller(name: str, role: Any, store: str | None = STORE) -> Caller:
    return Caller(
        org_id=ORG, staff_id=staff_id(name), role=role, device_id="", device_key="", store_id=store
    )


def told(field: Field) -> dict[str, Any]:
    """What wu's own sheet says of the cycle."""
    field.server.keep_figures()
    periods = sheets(field)["wu", "own"]["periods"]
    return next(one for one in periods if one["period"] == CYCLE)


def say(desk: Desk, grade: str, reason: str = "", path: str = "/console/grades") -> Any:
    desk.get(path)
    return desk.post(path, staff_id=WU, grade=grade, grade_reason=reason)


def test_a_grade_counts_and_is_told_once_both_seats_of_the_panel_say_the_same(both: Field) -> None:
    field = both
    busy_year(field)
    first = proposed(field, caller("chen", Role.STORE_MANAGER))
    other = "good" if first.proposed != "good" else "pass"
    chen, gao = signed_in(field, "chen"), signed_in(field)
    chen.get("/console/grades")
    assert f"Grades of {CYCLE}" in chen.text and "Manager: has not spoken yet" in chen.text
    assert say(chen, other).status_code == 422, "another grade than proposed wants a reason"
    assert re.search(f'value="{other}" selected', chen.page), "and what was chosen stays"
    assert "Your seat has spoken" in chen.follow(say(chen, other, "new in the store"))
    assert "grade" not in told(field) and "after" not in told(field)
    shop = f"/console/grades?store={STORE}"
    gao.follow(say(gao, "fail", "sees it otherwise", shop))
    assert "new in the store" in gao.text and "confirmed" not in gao.text
    number = f"{first.score:.2f}"
    assert number in chen.page and number not in gao.page, "of few customers it would tell"
    chen.get(f"/console/ranks/staff?period={CYCLE}")
    assert "proposed:" in chen.text
    assert "The grade counts from now on" in gao.follow(say(gao, other, "agreed", shop))
    assert told(field)["grade"] == other and "after" not in told(field)
    assert say(chen, "fail", "too late").status_code == 409
    chen.get(f"/console/ranks/staff?period={CYCLE}")
    assert "proposed:" not in chen.text
    with field.server.database.read() as connection:
        acts = connection.scalars(select(AUDIT_ENTRY.c.action)).all()
    assert acts.count("grade_said") == 3


def test_who_has_no_seat_says_nothing_and_of_a_manager_the_second_seat_decides(
    field: Field,
) -> None:
    busy_year(field)
    database, now = field.server.database, field.clock.now()
    for who in (
        caller("chen", Role.STORE_MANAGER, STORES[1]),
        caller("lin", Role.ACCOUNT_MANAGER),
        caller("wu", Role.STORE_MANAGER),
    ):
        with pytest.raises(Refusal) as refused:
            assessing.assess(database, who, WU, quarter(), "good", "why", now, now.date())
        assert refused.value.code is Code.ROLE_NOT_ALLOWED, who
    manages = {"role": "store_manager"}
    write(database, ORG, now, lambda unit: unit.update("staff", WU, manages))
    one = proposed(field, caller("gao", Role.ADMINISTRATOR, None))
    assert one.wanted == one.mine == {"second"}


def failed(field: Field, *cycles: str) -> Desk:
    """Wu, given a fail for these cycles, and for the present one by the panel."""
    busy_year(field)
    row = {"org_id": ORG, "staff_id": WU, "store_id": STORE, "proposed": "fail", "score": 1.0}
    row |= {"policy_version": 1, "said": {}, "grade": "fail"}
    with field.server.database.write() as connection:
        for period in cycles:
            connection.execute(insert(STAFF_GRADE).values(**row, period=period))
    chen, gao = signed_in(field, "chen"), signed_in(field)
    chen.follow(say(chen, "fail", "seen"))
    gao.follow(say(gao, "fail", "seen", f"/console/grades?store={STORE}"))
    return chen


def open_id(field: Field) -> str:
    with field.server.database.read() as connection:
        found = select(TRAINING.c.id).where(TRAINING.c.done_on.is_(None))
        return str(connection.scalars(found).one())


def test_one_fail_opens_a_training_with_an_owner_and_a_day(field: Field) -> None:
    chen = failed(field)
    assert told(field)["after"] == "training"
    where = f"/console/trainings/{open_id(field)}"
    chen.get("/console/trainings")
    assert f"Training after a fail: wu · {CYCLE}" in chen.text and "due 2026-12-21" in chen.text
    chen.follow(chen.post(f"{where}/hand", owner=staff_id("lin"), due_on="2026-11-20"))
    assert "Who sees to it: lin · due 2026-11-20" in chen.text
    chen.get("/console")
    assert "1 Trainings that are overdue" in chen.text
    gao = signed_in(field)
    gao.get("/console/trainings")
    assert "overdue" in gao.text and gao.post(f"{where}/close", done_note="x").status_code == 403
    chen.get("/console/trainings")
    assert "It is closed." in chen.follow(chen.post(f"{where}/close", done_note="Two afternoons"))
    assert "Two afternoons" in chen.text and "After a fail" not in chen.text.split("Held and")[0]
    assert chen.post(f"{where}/close", done_note="again").status_code == 409


def test_fails_in_a_row_open_a_review_whose_outcome_is_noted(field: Field) -> None:
    chen = failed(field, "2026-Q1")  # of the cycle between there was no assessment
    assert told(field)["after"] == "review"
    where = f"/console/trainings/{open_id(field)}"
    chen.get("/console/trainings")
    assert f"Review of the position: wu · {CYCLE}" in chen.text and "due 2026-12-05" in chen.text
    assert chen.post(f"{where}/close", done_note="talked").status_code == 422
    assert ">talked</textarea>" in chen.page, "what was typed stays"
    sent = {"done_note": "talked", "review_outcome": "other_duties"}
    chen.follow(chen.post(f"{where}/close", **sent))
    assert "Other duties" in chen.text


def test_a_store_notes_its_trainings_and_is_told_of_those_that_are_overdue(field: Field) -> None:
    chen = signed_in(field, "chen")
    assert "0 Trainings that are overdue" in chen.text
    field.clock.pass_by(days=9)
    chen = signed_in(field, "chen")
    assert "1 Trainings that are overdue" in chen.text, "weekly; a lecture has a month"
    chen.get("/console/trainings")
    assert re.search(r"due 2026-11-28 Weekly training never held", chen.text)
    sent = {"training_kind": "weekly", "subject_line": "Complaints", "note": ""}
    day = date(2026, 11, 30).isoformat()
    there = [staff_id("lin"), WU]
    path = "/console/trainings"
    assert chen.post(path, **sent, held_on="2026-12-02", attended=there).status_code == 422
    assert all(f'value="{one}" checked' in chen.page for one in there)
    stranger = {**sent, "held_on": day, "attended": [STORES[0]]}
    assert chen.post(path, **stranger).status_code == 403
    chen.follow(chen.post(path, **sent, held_on=day, attended=there))
    chen.follow(chen.post(path, **sent, held_on=day, attended=there))  # the first reply was lost
    assert chen.text.count("Complaints") == 1
    assert "due 2026-12-07 Weekly training last 2026-11-30" in chen.text
    assert re.search(r"Complaints 一号店 2026-11-30 (lin, wu|wu, lin)", chen.text)
    chen.get("/console")
    assert "0 Trainings that are overdue" in chen.text


def vips(field: Field, many: int) -> None:
    """So many VIPs of the store: each with a visit held, one planned and late, and a case that has
    been open for long; the first two said how satisfied they were. One customer is no VIP."""

    def work(unit: Unit) -> None:
        for n in range(many + 1):
            one = derived_id("people", "vip", str(n))
            unit.create("customer", {"id": one, "name": "客", "store_id": STORE, "vip": n < many})
            visit = {"customer_id": one, "owner_id": staff_id("lin"), "purpose": "care"}
            visit |= {"planned_at": "2026-11-20T08:00:00.000Z"}
            done = {"state": "finished"} | ({"satisfaction": 80 + 10 * n} if n < 2 else {})
            done |= {"finished_at": "2026-11-20T08:00:00.000Z"}
            unit.create("visit", {**visit, **done, "id": derived_id(one, "held")})
            unit.create("visit", {**visit, "id": derived_id(one, "late"), "state": "planned"})
            case = {"id": derived_id(one, "case"), "number": f"C{n}", "customer_id": one}
            case |= {"store_id": STORE, "kind": "repair", "title": "x", "state": "new"}
            unit.create("case", case | {"opened_at": "2026-10-01T08:00:00.000Z"})

    write(field.server.database, ORG, field.clock.now(), work)
    field.server.keep_figures()


def test_staff_are_counted_against_the_number_of_vips_and_what_is_missing_is_told(
    field: Field,
) -> None:
    vips(field, 7)
    now = field.clock.now()
    ratio = {"vips_per_agent": 3, "vips_per_technician": 4}
    policies.add_version(field.server.database, by_itself(ORG), ratio, None, now)
    chen = signed_in(field, "chen")
    assert "4 People lacking for the number of VIPs" in chen.text
    chen.get("/console/vips")
    assert "一号店 7 0 of 3 1 of 2 3 × Callback agent 1 × Technician" in chen.text
    gao = signed_in(field)
    gao.get("/console/vips")
    assert "一号店 7 0 of 3" in gao.text and "Visits held" not in gao.text


def test_head_count_is_told_of_a_store_with_few_vips_and_their_number_is_not(field: Field) -> None:
    vips(field, 4)
    ratio = {"vips_per_agent": 1}
    policies.add_version(field.server.database, by_itself(ORG), ratio, None, field.clock.now())
    gao = signed_in(field)
    assert "0 People lacking for the number of VIPs" in gao.text, "nor does the sum tell of it"
    gao.get("/console/vips")
    assert "一号店 not shown 0 1 not shown" in gao.text


def test_a_manager_plans_and_evaluates_the_service_of_vips_by_its_counts(field: Field) -> None:
    vips(field, 6)
    chen = signed_in(field, "chen")
    chen.get("/console/vips")
    for told in (
        "6 Visits held",
        "6 Visits planned",
        "6 Visits overdue",
        "6 Open cases",
        "6 Open cases that are late",
        "85.0 points Satisfaction, of 2 answers",
    ):
        assert told in chen.text, told
    assert "客" not in chen.text
    first = {"plan": "Everybody is met by December", "evaluation": "", "base": "0"}
    chen.follow(chen.post("/console/vips?period=2026-Q4", **first))
    assert "Version 1 · chen" in chen.text
    assert chen.post("/console/vips?period=2026-Q4", **first).status_code == 409, "sent twice"
    assert 'name="base" value="1"' in chen.page, "it can go on from what was quicker"
    second = {**first, "evaluation": "Half of them were", "base": "1"}
    chen.follow(chen.post("/console/vips?period=2026-Q4", **second))
    assert "Version 2 · chen" in chen.text and "Version 1 · chen" in chen.text
    assert "How it went : Half of them were" in chen.text
    chen.get("/console/vips?period=2026-Q3")
    assert "Version" not in chen.text and "0 Visits held" in chen.text
    gao = signed_in(field)
    gao.get("/console/vips")
    assert "Everybody is met" not in gao.page
    assert gao.post("/console/vips", **first).status_code == 403
