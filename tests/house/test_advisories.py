"""The look into advisories finds what they name, and says so where there are none."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from tests.house import tree
from tools.advisories import changed_files, in_folder, locked


def advisory(folder: Path, name: str, **affected: object) -> None:
    package = {"ecosystem": "PyPI", "name": "Fast_API"}
    told = {"id": name, "affected": [{"package": package, **affected}]}
    (folder / f"{name}.json").write_text(json.dumps(told))


def test_an_advisory_is_found_by_its_versions_and_by_its_ranges(tmp_path: Path) -> None:
    advisory(tmp_path, "LISTED", versions=["1.0", "1.1"])
    between = [{"type": "ECOSYSTEM", "events": [{"introduced": "1.1"}, {"fixed": "1.10"}]}]
    advisory(tmp_path, "BETWEEN", ranges=between)
    since_ever = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"last_affected": "2.0"}]}]
    advisory(tmp_path, "EVER", ranges=since_ever)
    commits = [{"type": "GIT", "events": [{"introduced": "0af3"}, {"fixed": "beef"}]}]
    advisory(tmp_path, "COMMITS", ranges=commits)
    named = in_folder(tmp_path)
    assert set(named("fast-api", "1.1")) == {"LISTED", "BETWEEN", "EVER"}
    assert set(named("fast-api", "1.9")) == {"BETWEEN", "EVER"}
    assert set(named("fast-api", "1.10")) == {"EVER"}
    assert set(named("fast-api", "2.1")) == set()
    assert set(named("another", "1.1")) == set()


def test_without_advisories_it_is_said_that_nothing_was_looked_up() -> None:
    command = [sys.executable, "-m", "tools.advisories", "--only", "typer"]
    done = subprocess.run(
        command, cwd=tree.ROOT, env={}, capture_output=True, text=True, check=False
    )
    assert "SKIPPED: no advisories at hand" in done.stdout, done.stderr


def test_a_file_that_was_changed_after_it_was_installed_is_told(tmp_path: Path) -> None:
    (tmp_path / "thing-1.dist-info").mkdir()
    (tmp_path / "thing.py").write_text("kept = True\n")
    record = "thing.py,sha256=uVrKK1pIPLfJoMCTDHRwZ6aaF2JO4wBVvE0ZzXB4kD0,12\n"
    (tmp_path / "thing-1.dist-info" / "RECORD").write_text(record)
    found = PathDistribution(tmp_path / "thing-1.dist-info")
    (told,) = changed_files("thing", found)
    assert told == "thing: thing.py was changed after it was installed"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_hash_of_a_lock_is_one_and_installing_asks_for_them(lock: str) -> None:
    text = (tree.ROOT / lock).read_text(encoding="utf-8")
    hashes = re.findall(r"--hash=(\S+)", text)
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes)
    assert len(hashes) >= len(locked(text)) > 20
    assert '"--require-hashes"' in (tree.ROOT / "tools/install.py").read_text(encoding="utf-8")
