"""Kept versions are there when they are needed, and what was released stays as it was."""

from __future__ import annotations

from mobile.store import schema
from tests.upgrade import kept

LARGEST = 350_000
"""Bytes of one kept version."""


def test_a_version_is_kept_before_the_next_one_is_released() -> None:
    """Schemas may move on while a version is being made; before another version is begun, what
    this one writes is kept."""
    newest = kept.versions()[-1]
    moved = (newest.client_schema, newest.server_schema) != (
        len(schema.MIGRATIONS),
        kept.server_head(),
    )
    assert not moved or newest.story["app_version"] == kept.app_version(), (
        f"the schemas have moved on from {newest.name}: run python -m tests.upgrade.make at"
        " the last commit of the version before, and commit what it writes"
    )


def test_every_step_from_a_kept_version_is_still_as_it_was_released() -> None:
    steps, scripts = kept.client_steps(), kept.server_steps()
    for version in kept.versions():
        released = version.story["client_migrations"]
        assert steps[: len(released)] == released, f"{version.name}: a released step was edited"
        assert version.story["server_migrations"].items() <= scripts.items(), version.name


def test_a_kept_version_is_small_and_says_which_it_is() -> None:
    for version in kept.versions():
        assert len(version.story["client_migrations"]) == version.client_schema
        assert max(version.story["server_migrations"]) == version.server_schema
        files = [path for path in version.folder.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) < LARGEST
