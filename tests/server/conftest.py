"""What tests of the command line begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_server.cli import terminal
from sync_server.settings import Settings
from tests.server.phones import CHEAP_PASSWORDS, found_company


@pytest.fixture(scope="session")
def founded_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server's folder with its keys and a founded company: to be copied, not written to."""
    folder = tmp_path_factory.mktemp("founded")
    with terminal.opened(Settings(data_dir=folder, **CHEAP_PASSWORDS)) as server:
        found_company(server)
    return folder
