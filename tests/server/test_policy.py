"""The policy's versions: checked, previewed, stored, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from shared.clock import to_wire
from shared.declare import Kind
from shared.errors import Code, Refusal
from shared.ids import derived_id
from shared.policy import (
    DEFAULTS,
    FIELDS,
    GROUPS,
    SETTINGS,
    UNITS,
    PolicySettings,
    check_settings,
    policy_at,
)
from sync_server.admin.texts import catalogue
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.db.base import Database
from sync_server.services import accounts, audit, policies
from sync_server.services.writing import Unit, write
from tests.server.phones import ORG, START, Field, Phone, code, staff_id

WHO = audit.Actor(org_id=ORG, via="console", staff_id=staff_id("gao"))
YEAR = {  # (tier now, cents, orders) of a few customers
    "big": ("high", 400_000, 8),
    "rising": ("mid", 280_000, 7),
    "middle": ("mid", 90_000, 3),
    "small": ("low", 10_000, 1),
    "new": (None, None, None),
}


@pytest.fixture
def field(db: Database, tmp_path: Path) -> Iterator[Field]:
    """The organisation on each database; its first version holds since January."""
    yield Field.on(db, tmp_path)


@pytest.fixture
def local(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path)
    yield made
    made.close()


def add(field: Field, at: datetime | None = None, **changed: Any) -> int:
    return policies.add_version(field.server.database, WHO, changed, at, field.clock.now()).version


def holds(field: Field, moment: datetime | None = None) -> PolicySettings:
    with field.server.database.read() as connection:
        return accounts.policy_of(connection, ORG, moment or field.clock.now())


def proposed(field: Field, at: datetime | None = None, **changed: Any) -> policies.Proposal:
    with field.server.database.read() as connection:
        return policies.propose(connection, ORG, changed, at, field.clock.now())


def states(field: Field) -> dict[int, str]:
    with field.server.database.read() as connection:
        there = policies.versions(connection, ORG, field.clock.now())
    return {one.version: one.state for one in there}


def refused(field: Field, at: datetime | None = None, **changed: Any) -> tuple[Code, str]:
    with pytest.raises(Refusal) as caught:
        add(field, at, **changed)
    return caught.value.code, str(caught.value.details.get("field", ""))


def customers(field: Field) -> None:
    def work(unit: Unit) -> None:
        for name, (tier, cents, orders) in YEAR.items():
            row = {"id": derived_id("policy", name), "name": name, "tier": tier}
            unit.create("customer", {**row, "spend_12m_cents": cents, "orders_12m": orders})

    write(field.server.database, ORG, field.clock.now(), work)


def test_every_setting_has_bounds_a_group_a_unit_and_words() -> None:
    assert SETTINGS.keys() == FIELDS.keys() == set(PolicySettings.__dataclass_fields__)
    texts = catalogue("en")  # another test sees that every language has the same
    for name, setting in SETTINGS.items():
        assert setting.group in GROUPS and setting.unit in (*UNITS, ""), name
        assert f"field.{name}" in texts and f"policy.what.{name}" in texts, name
        if FIELDS[name].kind is Kind.INTEGER:
            assert setting.unit and FIELDS[name].low <= getattr(DEFAULTS, name), name
            assert getattr(DEFAULTS, name) <= FIELDS[name].high, name
    assert all(f"policy.group.{group}" in texts for group in GROUPS)
    amounts = [unit for unit in UNITS if unit not in {"bytes", "cents"}]  # shown in other ways
    assert all(f"policy.amount.{unit}" in texts for unit in amounts)
    assert all(f"policy.unit.{unit}" in texts for unit in amounts)
    assert check_settings({name: getattr(DEFAULTS, name) for name in FIELDS}, DEFAULTS) == DEFAULTS


@given(
    st.dictionaries(
        st.sampled_from(sorted(FIELDS)),
        st.integers(-10, 10**6) | st.booleans() | st.text(max_size=9) | st.none(),
        max_size=3,
    )
)
def test_whatever_a_policy_is_asked_to_be_it_stays_within_its_bounds_or_is_refused(
    changed: dict[str, Any],
) -> None:
    try:
        made = check_settings(changed, DEFAULTS)
    except Refusal as refusal:
        assert refusal.code.status == 422
        return
    for name, declared in FIELDS.items():
        value = getattr(made, name)
        assert type(value) is type(getattr(DEFAULTS, name)), name
        if declared.kind is Kind.INTEGER:
            assert declared.low <= value <= declared.high
        if declared.choices:
            assert value in declared.choices
    assert made.tier_mid_cents <= made.tier_high_cents
    assert made.access_hours <= made.longest_access_hours


def test_a_new_version_holds_from_its_time_and_not_before(field: Field) -> None:
    begins = START + timedelta(days=2)
    assert add(field, begins, lease_hours=24, response_minutes=7) == 2
    assert states(field) == {2: "coming", 1: "holds"}
    assert holds(field).lease_hours == 72
    assert holds(field, begins).lease_hours == 24
    assert holds(field, begins).device_approval == "automatic"  # what was set before still is
    field.clock.pass_by(days=3)
    assert states(field) == {2: "holds", 1: "past"}
    with field.server.database.read() as connection:
        log = connection.execute(select(AUDIT_ENTRY).where(AUDIT_ENTRY.c.org_id == ORG))
        entry = next(row for row in log if row.action == "policy_changed")
    assert entry.actor_id == staff_id("gao") and '"version":2' in entry.details.replace(" ", "")


def test_a_policy_never_changes_the_past_or_what_is_planned_already(field: Field) -> None:
    now, tomorrow = START, START + timedelta(days=1)
    assert refused(field, now - timedelta(minutes=1), lease_hours=24)[1] == "policy.holds_from"
    assert refused(field, lease_hours=72) == (Code.FIELD_INVALID, "policy.settings")
    assert refused(field, lease_hours=3) == (Code.FIELD_INVALID, "policy.lease_hours")
    assert refused(field, tier_mid_cents=300_001)[1] == "policy.tier_mid_cents"
    assert refused(field, tier_high_cents=1)[1] == "policy.tier_high_cents"
    assert refused(field, totp_required_roles="administrator gardener")[0] is Code.FIELD_INVALID
    assert refused(field, lease_days=3)[0] is Code.UNKNOWN_FIELD
    add(field, tomorrow, lease_hours=24)
    assert refused(field, tomorrow, lease_hours=36)[1] == "policy.holds_from"
    assert refused(field, lease_hours=36)[1] == "policy.holds_from"
    assert states(field) == {2: "coming", 1: "holds"}


def test_a_version_that_does_not_hold_yet_is_taken_back_on_every_phone(field: Field) -> None:
    day = timedelta(days=1)
    add(field, START + day, lease_hours=24)
    add(field, START + 2 * day, response_minutes=7)
    database = field.server.database
    for version, refusal in ((1, Code.MOVE_NOT_ALLOWED), (2, Code.MOVE_NOT_ALLOWED)):
        with pytest.raises(Refusal) as caught:
            policies.withdraw(database, WHO, version, field.clock.now())
        assert caught.value.code is refusal
    policies.withdraw(database, WHO, 3, field.clock.now())
    assert states(field) == {3: "withdrawn", 2: "coming", 1: "holds"}
    assert holds(field, START + 3 * day).response_minutes == DEFAULTS.response_minutes
    assert holds(field, START + 3 * day).lease_hours == 24
    policies.withdraw(database, WHO, 2, field.clock.now())  # and its copy with it
    assert states(field) == {3: "withdrawn", 2: "withdrawn", 1: "holds"}
    assert holds(field, START + 3 * day) == holds(field)
    assert add(field, START + day, idle_lock_minutes=5) == 4
    assert holds(field, START + 3 * day).idle_lock_minutes == 5
    # A phone reads the same records by the same rule, and needs to know of no withdrawal.
    with database.read() as connection:
        there = accounts.policy_versions(connection, ORG)
    for shuffled in (there, there[::-1]):
        assert policy_at(shuffled, START + 3 * day).lease_hours == 72
    with pytest.raises(Refusal):
        policies.withdraw(database, WHO, 9, field.clock.now())


def test_a_version_laid_over_one_that_is_not_the_newest_any_more_is_refused(field: Field) -> None:
    looked_at = proposed(field, lease_hours=24).base
    add(field, idle_lock_minutes=5)
    field.clock.pass_by(minutes=1)
    with pytest.raises(Refusal) as caught:
        policies.add_version(
            field.server.database, WHO, {"lease_hours": 24}, None, field.clock.now(), looked_at
        )
    assert caught.value.code is Code.MOVE_NOT_ALLOWED


def test_a_preview_counts_the_customers_who_would_change_tier_or_rhythm(field: Field) -> None:
    customers(field)
    made = proposed(field, tier_high_cents=200_000, visit_every_days_mid=60, visit_minutes=30)
    moves = [(m.before, m.after, m.customers) for m in made.effects.tier_moves]
    assert moves == [("mid", "high", 1)]
    assert made.effects.customers_changing_tier == 1
    assert (made.effects.visits_earlier, made.effects.visits_later) == (2, 0)
    later = proposed(field, visit_every_days_low=200).effects
    assert (later.visits_earlier, later.visits_later) == (
        0,
        2,
    )  # one has no tier, and counts as low
    by_rule = [
        (old.tier_of(cents, orders), new.tier_of(cents, orders))
        for old, new in [(DEFAULTS, check_settings({"tier_high_cents": 200_000}, DEFAULTS))]
        for _, cents, orders in YEAR.values()
        if cents is not None
    ]
    assert sum(a != b for a, b in by_rule) == 1
    assert states(field) == {1: "holds"}, "a preview stores nothing"


def test_a_preview_counts_the_leases_windows_and_clocks_that_are_concerned(field: Field) -> None:
    field.phone("wu")
    now = to_wire(START)

    def work(unit: Unit) -> None:
        customer = derived_id("policy", "one")
        unit.create("customer", {"id": customer, "name": "one"})
        for name, state in (("open", "assigned"), ("done", "closed")):
            case = {"id": derived_id("policy", name), "customer_id": customer, "kind": "repair"}
            unit.create("case", {**case, "title": name, "state": state, "opened_at": now})
        for name, state in (("due", "scheduled"), ("called", "done")):
            call = {"id": derived_id("policy", name), "customer_id": customer, "due_at": now}
            unit.create("callback", {**call, "kind": "after_repair", "state": state})

    write(field.server.database, ORG, field.clock.now(), work)
    assert proposed(field, lease_hours=24).effects.leases == 1
    assert proposed(field, callback_window_hours_after=48).effects.callbacks == 1
    assert proposed(field, response_minutes=5).effects.clocks_kept == 1
    assert proposed(field, case_grant_days_after_close=3).effects.case_grants == 0
    nothing = proposed(field, visit_minutes=30).effects
    counted = {n: getattr(nothing, n) for n in nothing.__dataclass_fields__ if n != "tier_moves"}
    assert not any(counted.values())


def ask(phone: Phone, **body: Any) -> Any:
    return phone.send("POST", "/v1/admin/policy", body)


def test_administrators_see_and_change_the_policy_over_the_api(local: Field) -> None:
    gao = local.phone("gao")
    shown = gao.send("GET", "/v1/admin/policy").json()
    assert shown["settings"]["lease_hours"] == 72 and shown["versions"][0]["state"] == "holds"
    looked = ask(gao, settings={"lease_hours": 24})
    assert looked.json()["changes"] == [{"name": "lease_hours", "before": 72, "after": 24}]
    assert states(local) == {1: "holds"}
    begins = to_wire(START + timedelta(hours=1))
    stored = ask(gao, settings={"lease_hours": 24}, holds_from=begins, base=1, store=True)
    assert stored.status_code == 200, stored.text
    assert states(local) == {2: "coming", 1: "holds"}
    assert code(ask(gao, settings={"lease_hours": 3}, store=True)) == "field_invalid"
    assert code(ask(gao, settings={"lease_hours": 36}, holds_from="soon")) == "field_invalid"
    assert code(ask(gao, settings={"lease_hours": 36}, why="")) == "unknown_field"
    assert gao.send("POST", "/v1/admin/policy/2/withdraw", {}).status_code == 204
    assert states(local) == {2: "withdrawn", 1: "holds"}
    for name in ("chen", "wu"):
        phone = local.phone(name)
        assert code(phone.send("GET", "/v1/admin/policy")) == "role_not_allowed"
        assert code(ask(phone, settings={"lease_hours": 24})) == "role_not_allowed"
