"""Fixtures of the headless suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from mobile.ui.app import show
from mobile.ui.state import Shell
from shared.declare import Role
from tests.mobile.ui.field import PIN, Field
from tests.mobile.ui.headless import Headless


@pytest.fixture
def field(tmp_path: Path) -> Field:
    """An account manager's phone."""
    return Field(tmp_path)


@pytest.fixture
def field_of(tmp_path: Path) -> Callable[[Role], Field]:
    """The phone of someone in another role."""
    return lambda role: Field(tmp_path, role)


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Awaitable[tuple[Headless, Shell]]]]:
    """Starts the app; whatever it started ends with the test."""
    shells: list[Shell] = []

    async def starting(field: Field, **size: float) -> tuple[Headless, Shell]:
        headless = Headless(**size)
        shells.append(shell := await show(headless.page, field.services()))
        await headless.settle()
        return headless, shell

    yield starting
    for shell in shells:
        await shell.close()


@pytest.fixture
async def open_app(
    start: Callable[..., Awaitable[tuple[Headless, Shell]]],
) -> Callable[..., Awaitable[tuple[Headless, Shell]]]:
    """Starts the app on a prepared phone and unlocks it."""

    async def opening(field: Field, **size: float) -> tuple[Headless, Shell]:
        await field.prepare()
        headless, shell = await start(field, **size)
        await shell.session.unlock(PIN)
        await headless.settle()
        return headless, shell

    return opening
