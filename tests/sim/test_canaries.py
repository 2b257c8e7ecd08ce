"""Every byte that was sent to a device or still lies on one, searched for customers that its user
may not see; and that the search would find them."""

from __future__ import annotations

import subprocess
import sys

import pytest

SECONDS = 20


def _ran(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as the other lives are (`test_simulation`)."""
    command = [sys.executable, "-m", f"tests.sim.{module}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.soak
def test_no_byte_of_a_customer_is_sent_without_a_grant_or_left_after_its_end() -> None:
    done = _ran("canaries", "--seconds", str(SECONDS))
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)  # the seed, for whoever reads along


@pytest.mark.soak
def test_every_protection_that_is_taken_away_shows_a_canary() -> None:
    done = _ran("canary_mutants")
    assert done.returncode == 0, done.stdout + done.stderr
