"""What the server does by itself, on a day when some of it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from shared.entities.consent import CONSENT_SCOPES
from sync_server.app import one_round
from sync_server.bootstrap import Server
from sync_server.db.base import Database
from sync_server.db.rules import RULE_RUN
from sync_server.importing.founding import add_later_catalogues, founding_rows
from sync_server.services import churn_scoring
from sync_server.services.backup_manifest import whole_backups
from sync_server.services.writing import Unit
from tests.server.field_org import ORG, World
from tests.server.phones import Field


@pytest.fixture
def server(sqlite_template: Path, tmp_path: Path) -> Iterator[Server]:
    made = Field.on_sqlite(sqlite_template, tmp_path, backup_dir=tmp_path / "backup")
    yield made.server
    made.close()


@pytest.mark.parametrize("fault", [OSError, ValueError])
def test_a_backup_is_taken_whatever_else_fails(
    server: Server, fault: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_server: Server) -> None:
        raise fault

    for work in ("clear_away", "watch_looks"):
        monkeypatch.setattr(Server, work, fail)
    assert asyncio.run(one_round(server, daily=True)), "and what is too old is erased"
    assert len(whole_backups(server.settings.backup_dir or Path())) == 1


def test_what_is_done_daily_and_failed_is_still_to_be_done(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_server: Server) -> None:
        raise OSError

    assert asyncio.run(one_round(server, daily=True))
    monkeypatch.setattr(Server, "keep_to_retention", fail)
    assert not asyncio.run(one_round(server, daily=True))


def test_a_rule_that_fails_keeps_no_other_from_its_night(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_about: object) -> None:
        raise ValueError

    monkeypatch.setattr(churn_scoring, "score", fail)
    with pytest.raises(ValueError):
        server.run_rules()
    with server.database.read() as connection:
        done = set(connection.scalars(select(RULE_RUN.c.rule)))
    assert done == {"tiers", "cadence", "surveys"}


def test_an_organisation_from_before_some_catalogues_gets_their_entries(db: Database) -> None:
    world = World(db)
    later = {"consent_text", "feedback_topic", "work_instruction"}
    every = [r for entity, r in founding_rows(ORG, "一号店", world.now) if entity == "reference"]
    rows = [row for row in every if row["catalogue"] not in later]
    assert add_later_catalogues(db, world.now) == 0, "nothing was filled here"

    def founded(unit: Unit) -> None:
        for row in rows:
            unit.create("reference", row)

    world.write(founded)
    an = world.device("an")
    an.sync()
    before = an.ids("reference")
    assert add_later_catalogues(db, world.now) == 1
    assert add_later_catalogues(db, world.now) == 0
    an.sync()
    new = [row for row in world.rows("reference") if row["id"] in an.ids("reference") - before]
    assert {row["id"] for row in new} == {row["id"] for row in every} - {r["id"] for r in rows}
    assert {row["catalogue"] for row in new} == later
    words = [row for row in new if row["catalogue"] == "consent_text"]
    assert {row["key"] for row in words} == set(CONSENT_SCOPES)
    assert all(row["data"]["version"] == 1 and row["data"]["text"]["en"] for row in words)
