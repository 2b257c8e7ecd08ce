"""What the server does by itself, on a day when some of it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_server.app import one_round
from sync_server.bootstrap import Server
from sync_server.services.backup_manifest import whole_backups
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
