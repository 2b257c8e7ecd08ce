"""A server whose clock is set years ahead by mistake erases nothing (L1)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from shared.clock import from_wire
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.db.base import Database
from sync_server.services import audit_keeping, cadence_plans, leaps
from sync_server.services.file_store import FileStore
from sync_server.services.retention import sweep_retention
from tests.databases import RING
from tests.server.field_org import ORG, World


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files", RING)


def name(world: World, customer_id: str) -> str:
    return str(world.row("customer", customer_id)["name"])


def actions(world: World) -> list[str]:
    with world.db.read() as connection:
        entries = connection.scalars(select(AUDIT_ENTRY.c.action).order_by(AUDIT_ENTRY.c.number))
        return list(entries)


def test_a_clock_that_is_put_right_again_has_erased_nobody(world: World, files: FileStore) -> None:
    customer_id, right = world.customer("an"), world.now
    before = name(world, customer_id)
    assert sweep_retention(world.db, files, None, world.now) == 0
    world.now += timedelta(days=world.policy().retention_days + 400)
    assert sweep_retention(world.db, files, None, world.now) == 0
    assert audit_keeping.let_old_go(world.db, world.now) == 0
    with world.db.read() as connection:
        assert leaps.waits_until(connection, ORG, world.now) is not None
    world.now = right + timedelta(hours=3)
    assert sweep_retention(world.db, files, None, world.now) == 0
    with world.db.read() as connection:
        assert leaps.waits_until(connection, ORG, world.now) is None
    assert name(world, customer_id) == before
    assert actions(world).count("clock_leapt") == 1


def test_a_server_that_was_off_for_years_erases_after_the_wait(
    world: World, files: FileStore
) -> None:
    customer_id = world.customer("an")
    assert sweep_retention(world.db, files, None, world.now) == 0
    world.now += timedelta(days=world.policy().retention_days + 1)
    for _ in range(world.policy().clock_leap_wait_days):
        assert sweep_retention(world.db, files, None, world.now) == 0
        world.now += timedelta(days=1)
    assert sweep_retention(world.db, files, None, world.now) > 0
    assert name(world, customer_id) == "—"


def test_a_clock_that_is_put_right_again_has_planned_no_visit_for_years_to_come(
    world: World,
) -> None:
    right = world.now
    assert cadence_plans.plan_due(world.db, world.now).made == 0
    world.customer("an")
    world.now += timedelta(days=800)
    assert cadence_plans.plan_due(world.db, world.now).made == 0
    world.now = right + timedelta(days=1)
    assert cadence_plans.plan_due(world.db, world.now).made == 1
    (visit,) = world.rows("visit")
    assert from_wire(visit["planned_at"]) < world.now + timedelta(days=366)
