"""A server takes as many open files as it may: each phone that listens keeps one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sync_server.services.open_files import WANTED

pytest.importorskip("resource")  # there is no such limit on Windows

ASK = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from sync_server.services.open_files import allow_files, may_open
print(may_open(), allow_files(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("soft", "hard"), [(64, 512), (256, 256)])
def test_the_limit_is_raised_as_far_as_it_may_be(soft: int, hard: int) -> None:
    code = ASK.format(soft=soft, hard=hard)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == [str(hard)] * 4 and hard < WANTED
