"""Backups that are killed on their way: run as a program of its own, which forks for each.

Each line on standard input is one backup, a JSON object: `settings` (of the installation), `now`,
and where the process dies: `step`, at the n-th thing that it asks of the file system, or `bytes`,
when a file that it writes grows beyond so many bytes. The answer is "killed" or "whole".
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from datetime import datetime
from typing import Any

from sync_server.bootstrap import build
from sync_server.services.backups import back_up
from sync_server.settings import Settings

_OF_THE_DISK = (
    "open",
    "os.chmod",
    "os.listdir",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.scandir",
    "shutil.copyfile",
    "sqlite3.connect",
)


def _die_at_step(left: int) -> None:
    def heard(event: str, _details: Any) -> None:
        nonlocal left
        if event in _OF_THE_DISK:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)


def _die_at_bytes(most: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def _back_up(asked: dict[str, Any]) -> None:
    settings = Settings(**asked["settings"])
    server = build(settings)
    if "step" in asked:
        _die_at_step(asked["step"])
    else:
        _die_at_bytes(asked["bytes"])
    assert settings.backup_dir is not None
    now = datetime.fromisoformat(asked["now"])
    back_up(server.database, settings.files_path, settings.backup_dir, now)


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _back_up(json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            sys.stdout.write("whole\n" if os.WEXITSTATUS(status) == 0 else "failed\n")
        else:
            sys.stdout.write("killed\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
