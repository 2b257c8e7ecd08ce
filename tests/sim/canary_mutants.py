"""One protection of L3 or L4 taken away at a time: the canaries have to notice each.

python -m tests.sim.canary_mutants
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from typing import Any

from sqlalchemy import bindparam, or_, select

from mobile.store import unlocking, vault
from mobile.store.blobs import Blobs
from mobile.store.holdings import Holdings
from mobile.store.outbox import Outbox
from shared.clock import to_wire
from sync_server.db.records import RECORDS
from sync_server.routes import fast
from sync_server.services import files, pull, reading, snapshot
from tests.sim import canaries, phone
from tests.sim.mutants import Mutant, broken
from tests.sim.run import small_world
from tests.sim.soak import scratch
from tests.sim.template import make

FIRST = 2_000_000
"""The seeds of every mutant begin here: what notices it once notices it always."""
BOUND = 8
CANARY_MUTANTS: list[Mutant] = []


def mutant(breaks: str) -> Any:
    def register(put: Any) -> Any:
        CANARY_MUTANTS.append(Mutant(put.__name__.replace("_", " "), breaks, put))
        return put

    return register


@mutant("deleted rows are neither overwritten nor left behind when pages are built anew")
def no_secure_delete(replace_: Any) -> None:
    settings = tuple(s.replace("secure_delete=on", "secure_delete=off") for s in vault._DURABILITY)
    replace_(vault, "_DURABILITY", settings)

    def page_by_page(connection: Any, new_key: bytes) -> None:
        vault.checkpoint(connection)
        vault._journal(connection, "delete")
        connection.execute(f"pragma rekey=\"x'{new_key.hex()}'\"", can_cache=False)
        vault._journal(connection, "wal")

    replace_(unlocking, "rekey", page_by_page)


@mutant("a bucket is dropped and the vault keeps its key")
def drop_without_a_new_key(replace_: Any) -> None:
    async def kept(*_given: Any) -> None:
        return

    replace_(phone, "renew_key", kept)


@mutant("the vault's new key is the old one")
def the_same_key_again(replace_: Any) -> None:
    async def again(connection: Any, keys: Any, name: str) -> None:
        unlocking.rekey(connection, keys.wraps[name].key)

    replace_(phone, "renew_key", again)


@mutant("what its author wrote about others' customers is forgotten without a new key")
def traces_of_own_work(replace_: Any) -> None:
    whole = Outbox.forget_backed_up

    def forget(self: Any) -> bool:
        whole(self)
        return False

    replace_(Outbox, "forget_backed_up", forget)


@mutant("the server does not look whether a grant was revoked")
def revocation_not_looked_at(replace_: Any) -> None:
    grant = RECORDS["grant"].c
    replace_(reading, "_GRANTS", _granted(or_(grant.expires_at.is_(None), _runs(grant))))


@mutant("the server does not look whether a grant has run out")
def expiry_not_looked_at(replace_: Any) -> None:
    grant = RECORDS["grant"].c
    replace_(reading, "_GRANTS", _granted(grant.revoked_at.is_(None)))


def _granted(where: Any) -> Any:
    grant = RECORDS["grant"].c
    return select(
        grant.id, grant.bucket, grant.purpose, grant.role, grant.not_before, grant.expires_at
    ).where(
        grant.org_id == bindparam("org"),
        grant.staff_id == bindparam("staff"),
        or_(where, bindparam("moment") == ""),
    )


def _runs(grant: Any) -> Any:
    return grant.expires_at > bindparam("moment")


@mutant("who is shut out is read to like anybody else")
def barred_people_read_on(replace_: Any) -> None:
    whole = reading._read

    def all_the_same(db: Any, connection: Any, caller: Any, state: Any, now: Any) -> Any:
        del db, state
        return whole(connection, caller, to_wire(now))

    replace_(pull, "reading", all_the_same)
    replace_(snapshot, "reading", all_the_same)


@mutant("a snapshot gives whatever buckets are asked for")
def snapshot_without_a_scope(replace_: Any) -> None:
    def unasked(feed: Any, _heads: Any, buckets: Any, _after: Any, _limit: int) -> Any:
        return feed.whole(list(buckets))

    class Everything(set[str]):
        def __contains__(self, _bucket: object) -> bool:
            return True

    replace_(snapshot, "_rows", unasked)
    replace_(snapshot, "set", lambda _held: Everything())


@mutant("a snapshot's scope is looked at once, not for each page")
def scope_once_a_snapshot(replace_: Any) -> None:
    whole, page = snapshot.reading, snapshot.read_snapshot
    first: dict[str, Any] = {}

    def read_snapshot(db: Any, connection: Any, caller: Any, request: Any, now: Any) -> Any:
        if request.after is None:
            first.pop(caller.device_id, None)
        return page(db, connection, caller, request, now)

    def once(db: Any, connection: Any, caller: Any, *rest: Any) -> Any:
        now = whole(db, connection, caller, *rest)
        return first.setdefault(caller.device_id, now)

    replace_(fast, "read_snapshot", read_snapshot)
    replace_(snapshot, "reading", once)


@mutant("whoever knows a photo's hash gets it")
def photos_for_everyone(replace_: Any) -> None:
    replace_(files, "readable", lambda *_given: "application/pdf")


@mutant("what a lease drops stays in the search")
def findings_stay(replace_: Any) -> None:
    whole = Holdings.end

    def end(self: Any, grant_ids: Any) -> Any:
        kept = self._db.execute("SELECT * FROM finding").fetchall()
        gone = whole(self, grant_ids)
        self._db.executemany("INSERT OR REPLACE INTO finding VALUES (?, ?, ?, ?, ?)", kept)
        return gone

    replace_(Holdings, "end", end)


@mutant("photos stay when their customer goes")
def photos_stay(replace_: Any) -> None:
    replace_(Blobs, "forget_unreferenced", lambda *_a, **_k: False)


def caught(made: Any, which: Mutant, seed: int) -> str:
    """What a life of this seed says of the broken product; nothing where it goes unnoticed."""
    with broken(which):
        story = canaries.live(made, seed)
    return "" if story.broken is None else str(story.broken)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--bound", type=int, default=BOUND, help="lives in which it has to show")
    asked = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.sim.canary_mutants", *sys.argv[1:]])
    missed, folder = 0, scratch()
    try:
        with small_world():
            made = make(folder)
            chosen = [m for m in CANARY_MUTANTS if not asked.names or set(asked.names) & {m.name}]
            for which in chosen:
                lives = ((n + 1, caught(made, which, FIRST + n)) for n in range(asked.bound))
                number, seen = next(((n, said) for n, said in lives if said), (asked.bound, ""))
                missed += not seen
                seen = seen[:150] or "**unnoticed**"
                print(f"| {which.name} | {which.breaks} | {number} | {seen} |", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
