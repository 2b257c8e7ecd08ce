"""How many files a server process may have open: each phone that listens keeps one
(`services.poke`), and each database connection."""

from __future__ import annotations

import sys

WANTED = 65_536
NEEDED = 4096
"""For two thousand phones that listen, and all that a server opens besides."""


def may_open() -> int:
    """What this process could take, by its hard limit, up to WANTED."""
    return _limits()[1]


def allow_files() -> int:
    """Take it; how many that are."""
    soft, most = _limits()
    if sys.platform != "win32" and soft < most:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(soft, most)


def _limits() -> tuple[int, int]:
    """What is allowed now and what could be, WANTED for no limit."""
    if sys.platform == "win32":
        return WANTED, WANTED
    import resource

    found = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = (WANTED if n == resource.RLIM_INFINITY else n for n in found)
    return soft, max(soft, min(hard, WANTED))
