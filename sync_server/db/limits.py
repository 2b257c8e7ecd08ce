"""Where the database's patience ends, and what is tried again: no request hangs, and what only
came at a bad moment is answered "busy" with a time to come back, never "failed"."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.errors import Code, Refusal

T = TypeVar("T")
log = structlog.get_logger("huifang.database")


@dataclass(frozen=True, slots=True)
class Limits:
    """`connections` of one process; `wait_seconds` for one of them to come free; `lock_seconds` for
    a lock or, on SQLite, for the other writer; `tries` of a transaction that the database undid
    in favour of another."""

    connections: int = 20
    wait_seconds: float = 3.0
    lock_seconds: float = 10.0
    tries: int = 6


NoConnectionLeft = PoolTimeout
BUSY = (NoConnectionLeft, OperationalError)
"""What one request may meet and the next one not: no connection left, a lock that did not come
free, a database that restarts or has no room. Answered SERVER_BUSY."""

_UNDONE = frozenset({"40001", "40P01"})
"""PostgreSQL's serialization_failure and deadlock_detected: the transaction left no trace, and the
same again may well go through."""
_FIRST_PAUSE = 0.01


def sqlstate(fault: DBAPIError) -> str | None:
    """PostgreSQL's name for a fault; None elsewhere."""
    found = getattr(fault.orig, "sqlstate", None)
    return found if isinstance(found, str) else None


def again(work: Callable[[], T], tries: int) -> T:
    """`work`, a whole transaction that is harmless to run twice; once more where PostgreSQL undid
    it for a deadlock's or a conflict's sake, after a pause by chance that grows. Refuses
    SERVER_BUSY when none of `tries` went through."""
    for made in range(1, tries + 1):
        try:
            return work()
        except DBAPIError as fault:
            if sqlstate(fault) not in _UNDONE:
                raise
            log.info("transaction_undone", sqlstate=sqlstate(fault), tries=made)
        time.sleep(random.uniform(0, _FIRST_PAUSE * 2**made))
    raise Refusal(Code.SERVER_BUSY)


def engine_limits(url: URL, limits: Limits) -> dict[str, Any]:
    """`create_engine`'s arguments that keep them; and errors that quote no parameters, which hold
    what people wrote."""
    pool = {
        "hide_parameters": True,
        "pool_size": limits.connections,
        "max_overflow": 0,
        "pool_timeout": limits.wait_seconds,
    }
    if url.get_backend_name() == "postgresql":
        locks = f"-c lock_timeout={int(limits.lock_seconds * 1000)}"
        return pool | {
            "connect_args": {"options": locks},
            "pool_pre_ping": True,
            "pool_use_lifo": True,  # those that idle may be closed by what lies between
        }
    waits = {"connect_args": {"timeout": limits.lock_seconds}}
    if url.database in (None, "", ":memory:"):
        return waits | {"hide_parameters": True}  # one connection, which is the database
    return pool | waits
