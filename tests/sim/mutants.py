"""One mechanism broken at a time: the simulation has to notice each within a fixed number of seeds.

Each mutant replaces a function of the product while seeds are lived; nothing in the product knows
of it. `python -m tests.sim.mutants` prints which law caught which mutant, and after how many seeds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from mobile.store import inbound, outbox
from mobile.store.holdings import Holdings
from mobile.store.meta import CURSOR, OUTBOX_EPOCH
from shared.errors import Code, Refusal
from shared.ids import derived_id
from sync_server.services import (
    judging,
    outcomes,
    push,
    snapshot,
)
from sync_server.services.writing import Unit, Version
from tests.sim import phone, run, template
from tests.sim.known import KNOWN
from tests.sim.soak import scratch

BOUND = 300
FIRST = 1_000_000
"""The seeds of every mutant begin here: what catches it once catches it always."""


@dataclass(frozen=True)
class Mutant:
    """`put` breaks the mechanism for as long as its patches last. `known` is a seed that catches
    it, for the everyday test."""

    name: str
    breaks: str
    put: Callable[[Callable[..., Any]], None]


MUTANTS: list[Mutant] = []


def mutant(breaks: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def register(put: Callable[..., None]) -> Callable[..., None]:
        MUTANTS.append(Mutant(put.__name__.replace("_", " "), breaks, put))
        return put

    return register


@mutant("known outcomes are not looked up")
def dedupe(replace_: Any) -> None:
    replace_(push, "known_outcomes", lambda *_a, **_k: {})


@mutant("the cursor is stored before its page")
def cursor_before_page(replace_: Any) -> None:
    whole = inbound.Inbound.pulled

    def pulled(self: Any, header: Any, lease: Any, lines: Any) -> None:
        if lease is None or lease.epoch == self._parts.meta.get("epoch"):
            with self._parts.commits.begin():
                self._parts.meta.put(CURSOR, max(header.cursor, self._parts.meta.get(CURSOR, 0)))
        whole(self, header, lease, lines)

    replace_(inbound.Inbound, "pulled", pulled)


@mutant("a rejected change gets no number")
def number_for_every_outcome(replace_: Any) -> None:
    whole = outcomes.Settled.outcome

    def outcome(self: Any, *final: Any) -> Any:
        made = whole(self, *final)
        return replace(made, seq=0) if made.verdict == "rejected" else made

    replace_(outcomes.Settled, "outcome", outcome)


@mutant("a later grant has the id of the earlier one")
def grant_ids_used_again(replace_: Any) -> None:
    whole = Unit.create

    def create(self: Any, entity: str, row: Any, *rest: Any) -> Any:
        if entity == "grant":
            made = derived_id("grant", row["staff_id"], row["bucket"], row["purpose"])
            held = self.get("grant", made)
            if held is not None:
                fields = {"revoked_at": None, "revoked_because": None, **row}
                fields.pop("id")
                return self.update("grant", made, fields)
            row = {**row, "id": made}
        return whole(self, entity, row, *rest)

    replace_(Unit, "create", create)


@mutant("what a lease drops stays")
def drop_not_applied(replace_: Any) -> None:
    replace_(Holdings, "end", lambda *_a: [])


@mutant("a snapshot page is judged by what held at the page before")
def scope_not_checked_per_page(replace_: Any) -> None:
    whole = snapshot.reading
    before: dict[Any, Any] = {}

    def lagging(db: Any, connection: Any, caller: Any, *rest: Any) -> Any:
        now = whole(db, connection, caller, *rest)
        return before.setdefault((id(db), caller.device_id), now)

    replace_(snapshot, "reading", lagging)


@mutant("a change is forgotten as soon as it is settled")
def retention(replace_: Any) -> None:
    def forget(self: Any) -> None:
        self._db.execute("DELETE FROM outbox WHERE verdict IN ('applied', 'merged')")

    replace_(outbox.Outbox, "forget_backed_up", forget)


@mutant("a new epoch is taken without a word")
def epoch_ignored(replace_: Any) -> None:
    def seen(self: Any, epoch: str) -> set[Any]:
        self._parts.meta.put(OUTBOX_EPOCH, epoch)
        return set()

    replace_(inbound.Inbound, "_epoch_seen", seen)


@mutant("checksums are not compared, and one page in five is not stored")
def checksum_ignored(replace_: Any) -> None:
    from mobile.sync import engine

    async def agree(exchange: Any, _header: Any) -> None:
        exchange.report.agreed = True

    replace_(engine.agreeing, "agree", agree)
    count = [0]
    whole = inbound.Inbound.fetched

    def fetched(self: Any, fetch: Any, trailer: Any, lines: Any) -> None:
        count[0] += 1
        whole(self, fetch, trailer, [] if count[0] % 5 == 0 else lines)

    replace_(inbound.Inbound, "fetched", fetched)


@mutant("a grant that the lease does not name is dropped")
def hold_broken(replace_: Any) -> None:
    whole = Holdings.take

    def take(self: Any, given: Any) -> None:
        named = list(given)
        whole(self, named)
        self._db.execute("DELETE FROM held_grant WHERE NOT listed")
        self.end([])

    replace_(Holdings, "take", take)


@mutant("work that comes after the end of its grant is rejected")
def late_work_rejected(replace_: Any) -> None:
    whole = judging._manner

    def manner(*given: Any, **named: Any) -> Any:
        found = whole(*given, **named)
        if found in (judging.Manner.LATE, judging.Manner.AFTER_END):
            raise Refusal(Code.GRANT_ENDED)
        return found

    replace_(judging, "_manner", manner)


@mutant("the last one to write a field wins, and no one is told")
def base_versions_ignored(replace_: Any) -> None:
    replace_(Version, "seen_by", lambda *_a, **_k: True)


@mutant("nothing is copied into the sealed log")
def sealed_copy_skipped(replace_: Any) -> None:
    async def nothing(self: Any) -> None:
        self.store.parts.db.execute("UPDATE outbox SET sealed = 1 WHERE sealed = 0")

    replace_(phone.Phone, "seal", nothing)


@mutant("a commit does not wait for the disk")
def commit_not_durable(replace_: Any) -> None:
    from mobile.store import vault

    fast = tuple(s.replace("synchronous=full", "synchronous=off") for s in vault._DURABILITY)
    replace_(vault, "_DURABILITY", fast)


@mutant("unsent changes are not laid over what comes in")
def overlay_lost(replace_: Any) -> None:
    def nothing(db: Any, records: Any) -> None:
        for key in list(records):
            db.execute("DELETE FROM pending_row WHERE entity = ? AND id = ?", key)

    replace_(inbound.overlay, "refresh", nothing)


@contextmanager
def broken(which: Mutant) -> Iterator[None]:
    """The product with this one mechanism broken."""
    with ExitStack() as stack:

        def put(owner: Any, name: str, value: Any) -> None:
            stack.enter_context(patch.object(owner, name, value))

        which.put(put)
        yield


@dataclass(frozen=True)
class Caught:
    mutant: Mutant
    law: str
    seeds: int
    how: str
    story: run.Story | None = None


def hunt(made: template.Template, which: Mutant, bound: int) -> Caught:
    """Seeds until a law breaks; `law` is empty where none did."""
    with broken(which):
        for n in range(bound):
            story = run.tell(made, FIRST + n)
            if story.broken is not None:
                return Caught(which, story.law, n + 1, str(story.broken)[:100], story)
    return Caught(which, "", bound, "")


def recall(made: template.Template) -> int:
    """Each mutant against the story that is known to notice it; how many went unnoticed."""
    missed = 0
    for which in MUTANTS:
        phones, steps = KNOWN[which.name]
        whole = run.tell(made, 0, steps=steps, phones=phones)
        with broken(which):
            story = run.tell(made, 0, steps=steps, phones=phones)
        if whole.broken is not None or story.broken is None:
            missed += 1
            print(f"{which.name}: whole {whole.broken}, broken {story.broken}")
        else:
            print(f"{which.name}: {story.broken}")
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these (words of their names)")
    parser.add_argument("--bound", type=int, default=BOUND)
    parser.add_argument("--known", action="store_true", help="only the stories of known.py")
    asked = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.sim.mutants", *sys.argv[1:]])
    missed, folder, started = 0, scratch(), time.monotonic()
    chosen = [m for m in MUTANTS if not asked.names or any(n in m.name for n in asked.names)]
    try:
        with run.small_world():
            made = template.make(folder)
            if asked.known:
                return recall(made)
            print("| mechanism | what was broken | law | seeds | seen as |\n|---|---|---|---|---|")
            for which in chosen:
                caught = hunt(made, which, asked.bound)
                missed += not caught.law
                law = caught.law or "**not caught**"
                line = (which.name, which.breaks, law, str(caught.seeds), caught.how)
                print(f"| {' | '.join(line)} |", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{len(chosen) - missed} of {len(chosen)} caught in {time.monotonic() - started:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
