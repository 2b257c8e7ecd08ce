"""New seeds in every run, for as long as the suite can spare, and the seeds that once failed."""

from __future__ import annotations

import subprocess
import sys

SECONDS = 45
JOBS = 2


def test_every_law_holds_in_seeds_that_nobody_has_seen() -> None:
    """In a process of its own: what the simulation makes small (pages, files, threads) is small
    there alone."""
    command = [sys.executable, "-m", "tests.sim.soak", "--seeds", "1000000"]
    command += ["--seconds", str(SECONDS), "--jobs", str(JOBS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
