"""What is installed is what was chosen: pinned, locked, and explained."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.house import tree

PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[\w,]+\])?==(?P<version>[\w.]+)$")
LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[\w.+!]+)", re.MULTILINE)


def test_every_direct_dependency_is_pinned_and_locked_at_that_version() -> None:
    run, dev = _chosen()
    assert run.items() <= _locked("requirements.lock").items(), "run `make lock`"
    assert (run | dev).items() <= _locked("requirements-dev.lock").items(), "run `make lock`"


def test_what_tests_need_holds_what_a_run_needs_at_the_same_versions() -> None:
    run, dev = _locked("requirements.lock"), _locked("requirements-dev.lock")
    assert run.items() <= dev.items()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_has_hashes_and_no_address(lock: str) -> None:
    text = (tree.ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    bare = [
        entry[:40] for entry in re.split(r"(?m)^(?=\w)", text)[1:] if "--hash=sha256:" not in entry
    ]
    assert not bare


def test_every_direct_dependency_of_the_product_has_its_reason_in_the_architecture() -> None:
    page = tree.ROOT / "docs" / "architecture.md"
    assert page.exists() or not (tree.ROOT / "README.md").exists()
    if page.exists():
        text = page.read_text(encoding="utf-8").lower()
        unexplained = [name for name in _chosen()[0] if name not in text]
        assert not unexplained


def _chosen() -> tuple[dict[str, str], dict[str, str]]:
    """Direct dependencies of the product and of its tests, with their versions."""
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = project["dependencies"], project["optional-dependencies"]["dev"]
    return _pins(groups[0]), _pins(groups[1])


def _pins(lines: list[str]) -> dict[str, str]:
    found = [PINNED.match(line) for line in lines]
    assert all(found), (
        f"pin these with ==: {[x for x, y in zip(lines, found, strict=True) if not y]}"
    )
    return {_plain(pin["name"]): pin["version"] for pin in found if pin}


def _locked(lock: str) -> dict[str, str]:
    text = (tree.ROOT / lock).read_text(encoding="utf-8")
    return {_plain(found["name"]): found["version"] for found in LOCKED.finditer(text)}


def _plain(name: str) -> str:
    """One spelling for a package's many."""
    return re.sub(r"[-_.]+", "-", name).lower()
