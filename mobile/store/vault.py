"""The encrypted database of one user on one device: opened, re-keyed, and its failures put into
words.

Page-level encryption by SQLite3 Multiple Ciphers, the same file natively and in the browser. Every
page carries its own authentication tag, so that a wrong key and a changed page are both noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import apsw

from mobile.store.files import VaultFiles
from shared.errors import Code, Refusal

CIPHER = "chacha20"
"""Fixed for good: it is part of the file format. Chosen by measurement (docs/benchmarks-
vault.md).
"""

_SETTINGS = (
    # Before WAL: a database that is ours alone needs no shared memory, which the browser lacks.
    "pragma locking_mode=exclusive",
    # No temporary files: nothing decrypted reaches the disk, and the browser's pool has none.
    "pragma temp_store=memory",
)
_DURABILITY = (
    # A commit that was reported is on disk (L1): WAL's default would leave the last ones to chance.
    "pragma synchronous=full",
    # A deleted row's bytes are overwritten, so that re-keying is not the only thing between it
    # and a reader.
    "pragma secure_delete=on",
    # 32 MiB of decrypted pages: reads then cost what they cost without a cipher.
    "pragma cache_size=-32768",
    "pragma journal_size_limit=16777216",
    "pragma foreign_keys=on",
)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn SQLite's failures into the table's codes; anything else passes."""
    try:
        yield
    except apsw.FullError as full:
        raise Refusal(Code.DISK_FULL) from full
    except (apsw.BusyError, apsw.LockedError) as busy:
        raise Refusal(Code.VAULT_LOCKED_ELSEWHERE) from busy
    except (apsw.CorruptError, apsw.NotADBError, apsw.IOError) as damaged:
        raise Refusal(Code.VAULT_DAMAGED, part="database") from damaged


def open_vault(files: VaultFiles, name: str, key: bytes) -> apsw.Connection:
    """The claimed vault `name`, opened with its 32-byte key; made if there is no file yet.

    Refuses `vault_wrong_key` if the key does not open it (a damaged first page looks the same),
    `vault_locked_elsewhere`, `vault_damaged`, `disk_full`. A refused file is left as it was.
    """
    if len(key) != 32:
        raise ValueError("a vault key has 32 bytes")
    with refusals():
        connection = apsw.Connection(
            files.database(name),
            flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI,
        )
        try:
            _prepare(connection, key)
        except BaseException:
            connection.close(True)
            raise
    return connection


def _prepare(connection: apsw.Connection, key: bytes) -> None:
    connection.execute(f"pragma cipher='{CIPHER}'")
    # Not kept in the statement cache, where the key would lie about in memory.
    connection.execute(f"pragma key=\"x'{key.hex()}'\"", can_cache=False)
    for setting in _SETTINGS:
        connection.execute(setting)
    try:
        connection.execute("select count(*) from sqlite_schema").fetchall()
    except apsw.NotADBError as unreadable:
        raise Refusal(Code.VAULT_WRONG_KEY) from unreadable
    _journal(connection, "wal")  # in a new file this also writes the first page under its key
    for setting in _DURABILITY:
        connection.execute(setting)


def _journal(connection: apsw.Connection, mode: str) -> None:
    actual = connection.execute(f"pragma journal_mode={mode}").get
    if actual != mode:
        raise Refusal(Code.VAULT_DAMAGED, part="journal", mode=str(actual))


@contextmanager
def transaction(connection: apsw.Connection, *, durable: bool = True) -> Iterator[apsw.Connection]:
    """All or nothing: commits at the end, rolls back on any exception, SQLite's failures as
    refusals.

    When it has ended without an exception, what was written is on disk; without `durable` it is
    there with the next transaction that is, and a power cut before that undoes it, as a whole.
    Transactions do not nest.
    """
    if not durable:
        connection.execute("pragma synchronous=normal")
        try:
            with transaction(connection):
                yield connection
        finally:
            connection.execute("pragma synchronous=full")
        return
    with refusals():
        connection.execute("begin immediate")
        try:
            yield connection
            connection.execute("commit")
        except BaseException:
            if connection.in_transaction:  # a full disk may have rolled back already
                connection.execute("rollback")
            raise


def checkpoint(connection: apsw.Connection) -> None:
    """Bring everything into the one database file and empty the write-ahead log."""
    with refusals():
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()


def close_vault(connection: apsw.Connection) -> None:
    """Close, bringing the write-ahead log into the database if there is room. Harmless twice.

    On a full disk what was committed stays in the log, and the next opening finds it there.
    """
    with suppress(apsw.FullError):
        connection.close()


def rekey(connection: apsw.Connection, new_key: bytes) -> None:
    """Write every page anew under `new_key`, with what is in the database now and nothing else:
    what was encrypted under the old key can't be read again.

    `secure_delete` clears what is deleted, and not the copies that a page keeps in its unused part
    when its rows were spread over its neighbours; those would go over to the new key. So the pages
    are first built anew.

    Safe against a kill: the file then opens with exactly one of the two keys, the old one tried
    first. Needs as much free room and memory again as the database has; refuses `disk_full` and
    goes on under the old key.
    """
    if len(new_key) != 32:
        raise ValueError("a vault key has 32 bytes")
    with refusals():
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        _journal(connection, "delete")  # SQLite refuses to re-key a database in WAL mode
        try:
            with suppress(apsw.NoMemError):  # a new key without it is better than none
                connection.execute("vacuum")
            connection.execute(f"pragma rekey=\"x'{new_key.hex()}'\"", can_cache=False)
        finally:
            _journal(connection, "wal")


def faults(connection: apsw.Connection) -> list[str]:
    """What a full check of every page finds; empty when all is well. Reads the whole file."""
    try:
        found = [str(row[0]) for row in connection.execute("pragma integrity_check")]
    except (apsw.CorruptError, apsw.NotADBError, apsw.IOError) as damaged:
        return [type(damaged).__name__]
    return [] if found == ["ok"] else found
