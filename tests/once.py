"""What several workers need and one makes, for all of a run."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(base: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that `make` fills, of this name in this run; made by whoever asks first. Nobody
    writes to it afterwards."""
    shared = base.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    whole = shared / name
    with open(shared / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            unfinished = base.mktemp(name)
            make(unfinished)
            unfinished.rename(whole)
    return whole
