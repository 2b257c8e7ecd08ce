"""A process of writers for `test_postgres_concurrency`: `python -m tests.server.many_writers URL
CUSTOMER THREADS PUSHES`.

Says "ready", waits for a line, pushes two visits at a time from each thread through the server's
own services, and says the ids of all that was applied.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from sync_server.db.base import Database
from tests.databases import RING
from tests.server.field_org import Device, World


class Joined(World):
    """The organisation that another process founded."""

    def __post_init__(self) -> None:
        """Nothing to found."""


def pushed(device: Device, customer: str, pushes: int) -> list[str]:
    """Ids of the visits that were applied: all, or this fails."""
    made = []
    for _ in range(pushes):
        changes = [device.visit(customer), device.visit(customer)]
        outcomes = device.push(*changes)
        assert [o.verdict for o in outcomes] == ["applied", "applied"], outcomes
        made += [change.record_id for change in changes]
    return made


def main() -> None:
    url, customer, threads, pushes = sys.argv[1:]
    db = Database(url, RING)
    world = Joined(db)
    devices = [world.device("an") for _ in range(int(threads))]
    for device in devices:
        device.sync()
    print("ready", flush=True)  # noqa: T201 - what the test waits for
    sys.stdin.readline()
    with ThreadPoolExecutor(len(devices)) as pool:
        done = list(pool.map(lambda d: pushed(d, customer, int(pushes)), devices))
    print(json.dumps([i for ids in done for i in ids]), flush=True)  # noqa: T201 - its answer
    db.close()


if __name__ == "__main__":
    main()
