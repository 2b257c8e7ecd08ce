"""New seeds in every run, for as long as the suite can spare, and the stories that once failed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.sim.known import KNOWN
from tests.sim.mutants import MUTANTS

SECONDS = 20
JOBS = 2


def _ran(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: what the simulation makes small (pages, files, threads) is small
    there alone, and a seed depends on nothing that other tests left."""
    command = [sys.executable, "-m", f"tests.sim.{module}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.soak
def test_every_law_holds_in_seeds_that_nobody_has_seen() -> None:
    done = _ran("soak", "--seeds", "1000000", "--seconds", str(SECONDS), "--jobs", str(JOBS))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stories_that_once_broke_a_law_break_none_any_more() -> None:
    done = _ran("regressions")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.soak
@pytest.mark.postgres
def test_every_law_holds_on_postgresql_too() -> None:
    done = _ran("soak", "--seeds", "1000000", "--seconds", "10", "--postgres")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.soak
def test_every_broken_mechanism_is_noticed() -> None:
    done = _ran("mutants", "--known")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_mutant_has_a_story_that_notices_it() -> None:
    assert set(KNOWN) == {mutant.name for mutant in MUTANTS}


@pytest.mark.soak
def test_hypothesis_finds_no_steps_that_break_a_law() -> None:
    done = _ran("machine")
    assert done.returncode == 0, done.stdout + done.stderr
