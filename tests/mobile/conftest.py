"""What phones meet in these suites: a company and its server, made from one migrated database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mobile.sync_world import company
from tests.server.phones import Field


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:  # the fixture
    world = company(sqlite_template, tmp_path)
    yield world
    world.close()
