"""A kept version laid out: the phone's vault, and a server on each kind of database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.server.phones import Field
from tests.upgrade import kept
from tests.upgrade.company import KeptPhone, serving


@pytest.fixture(params=kept.versions(), ids=lambda version: version.name)
def version(request: pytest.FixtureRequest) -> kept.Kept:
    """Each version in turn."""
    found: kept.Kept = request.param
    return found


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, version: kept.Kept, tmp_path: Path) -> Iterator[Field]:
    """Today's server over what that version's server wrote, migrated."""
    folder = tmp_path / "server"
    folder.mkdir()
    if request.param == "sqlite":
        world = serving(version.lay_out_sqlite(folder), folder, version.clock())
        yield world
        world.close()
        return
    server = request.getfixturevalue("postgres_url")
    name = f"kept_{version.name}"
    world = serving(version.lay_out_postgres(server, name, folder), folder, version.clock())
    yield world
    world.close()
    kept.on_server(server, f'DROP DATABASE "{name}"')


@pytest.fixture
async def lin(version: kept.Kept, world: Field, tmp_path: Path) -> AsyncIterator[KeptPhone]:
    """Today's app over that version's vault."""
    phone = await KeptPhone.at(world, version.lay_out_phone(tmp_path / "phone"))
    yield phone
    await phone.put_away()
