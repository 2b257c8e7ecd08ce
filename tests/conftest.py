"""What every suite shares: which tests run where, and what a machine must offer for them."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tools import chromium

HERE = Path(__file__).parent

# Here and not imported where they are used: each module that imports a fixture has its own of it,
# and so a database server of its own.
pytest_plugins = ["tests.databases"]

# No deadline: two shared cores say nothing about time. Derandomised, so that a failure in an
# unattended run is the same failure at one's desk; HYPOTHESIS_PROFILE=search looks further.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile(
    "search", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what drives a browser by its folder; leave measurements out unless asked for."""
    for item in items:
        for folder in ("browser", "e2e"):
            if (HERE / folder) in item.path.parents:
                item.add_marker(folder)
    if "bench" not in config.option.markexpr:
        measuring = [item for item in items if item.get_closest_marker("bench")]
        if measuring:
            config.hook.pytest_deselected(items=measuring)
            items[:] = [item for item in items if item not in measuring]


def pytest_collection_finish() -> None:
    """What is loaded by now is looked through for garbage no more: a third of a second each time,
    in the midst of some test."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, with the reason, what this machine can't run."""
    if item.get_closest_marker("full_data") and data_folder() is None:
        pytest.skip("HUIFANG_DATA names no folder with the two real data sets")
    if any(item.iter_markers("browser")) or any(item.iter_markers("e2e")):
        if chromium.find() is None:
            pytest.skip(chromium.why_missing())


def data_folder() -> Path | None:
    """The folder with the real data sets, where this machine has it."""
    named = os.environ.get("HUIFANG_DATA")
    return Path(named) if named and Path(named).is_dir() else None


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the app and the server do."""
    return "asyncio"


@pytest.fixture(scope="session")
def full_data() -> Path:
    """The folder of the real data sets; for tests marked `full_data`, which are skipped without."""
    folder = data_folder()
    assert folder is not None, "mark this test full_data"
    return folder


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The Chromium to drive: `playwright.chromium.launch(executable_path=chromium_path, …)`."""
    path = chromium.find()
    assert path is not None, "this fixture is for tests in tests/browser and tests/e2e"
    return path
