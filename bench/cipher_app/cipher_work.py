"""The store's four kinds of work, timed on one database; the same code natively and in the
browser.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import apsw

# Name → what its URI adds. The numbers are SQLite3 Multiple Ciphers' own for the AEGIS variants.
CIPHERS = {
    "none": "",
    "chacha20": "cipher=chacha20",
    "aegis-128l": "cipher=aegis&algorithm=1",
    "aegis-128x2": "cipher=aegis&algorithm=2",
    "aegis-256": "cipher=aegis&algorithm=4",
}
WORK = ("bulk insert", "single commits", "point reads", "LIKE")
ROWS, COMMITS, READS = 10_000, 1_000, 5_000
# 770 bytes as UTF-8; every hundredth row has the word that LIKE looks for.
TEXT = "上海第一人民医院 设备科 林晓 周三上门 " * 14


def timed(action: Callable[[], object]) -> float:
    began = perf_counter()
    action()
    return (perf_counter() - began) * 1000


def measure(uri: str, cipher: str) -> dict[str, float]:
    """Milliseconds for each kind of work on the empty file at `uri`, with a 2 MiB page cache so
    that reads go through the cipher.
    """
    connection = apsw.Connection(
        uri + ("&" if "?" in uri else "?") + CIPHERS[cipher],
        flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI,
    )
    if cipher != "none":
        connection.execute(f"pragma key=\"x'{'5a' * 32}'\"")
    for setting in (
        "locking_mode=exclusive",
        "temp_store=memory",
        "journal_mode=wal",
        "synchronous=full",
        "secure_delete=on",
        "cache_size=-2048",
    ):
        connection.execute(f"pragma {setting}").fetchall()
    connection.execute("create table row(id integer primary key, body text)")
    found = {work: timed(lambda work=work: _WORK[work](connection)) for work in WORK}
    connection.close()
    return found


def _bulk(connection: apsw.Connection) -> None:
    rows = ((f"{TEXT}{'急修' if n % 100 == 0 else n}",) for n in range(ROWS))
    with connection:
        connection.executemany("insert into row(body) values (?)", rows)


def _commits(connection: apsw.Connection) -> None:
    for n in range(COMMITS):
        connection.execute("insert into row(body) values (?)", (f"{TEXT}{n}",))


def _reads(connection: apsw.Connection) -> None:
    for n in range(READS):
        # A stride that shares no factor with the number of rows visits all of them, far apart.
        place = n * 7919 % ROWS + 1
        assert connection.execute("select body from row where id=?", (place,)).get


def _like(connection: apsw.Connection) -> None:
    found = connection.execute("select count(*) from row where body like '%急修%'").get
    assert found == ROWS // 100


_WORK: dict[str, Callable[[apsw.Connection], None]] = {
    "bulk insert": _bulk,
    "single commits": _commits,
    "point reads": _reads,
    "LIKE": _like,
}
