"""Canaries (L3, L4): every byte that was ever sent to a device, and every byte that still lies on
one, searched for customers that its user may not see.

The world, its people and its phones are the simulation's. Here a life is long and made of what
gives and takes access: customers handed on, grants that run out, revocations, people and devices
shut out, syncs at every stage of it; phones also ask for what nobody offered them. In the end
everyone loses everything, and nothing of any customer may be left.

    python -m tests.sim.canaries --seconds 20
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import secrets
import shutil
import sys
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any
from unittest.mock import patch

import zstandard

from mobile.store import sealed_copies
from shared import ids
from shared.clock import to_wire
from shared.entities import File
from shared.errors import Refusal
from shared.messages import dump
from shared.wire import SnapshotRequest
from sync_server.services import accounts, grants, scopes
from tests.sim import cast, laws, oracle
from tests.sim.coverage import table
from tests.sim.line import Asked
from tests.sim.phone import VAULT, Phone
from tests.sim.run import Chance, Story, cast_of, everyone_sees_what_they_may, small_world
from tests.sim.site import ORG, Answer
from tests.sim.soak import scratch
from tests.sim.steps import KINDS, sealed
from tests.sim.stored import frames, pages, readable
from tests.sim.template import Template, make, run
from tests.sim.work import WORKS, Desk
from tests.sim.world import Step, World

STEPS = 110
KEPT_IMAGES = 3
"""Earlier copies of a phone's files that a thief may have, against the key of today."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One reply as its phone got it: when, whether the phone was shut out, and its marks."""

    kind: str
    at: datetime
    barred: bool
    marks: frozenset[cast.Found]


class Watched(World):
    """A world that keeps every byte on its way to a phone, and looks into the phones."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sent: dict[str, list[Sent]] = {name: [] for name in self.packed}
        self.images: dict[str, list[dict[str, bytes]]] = {name: [] for name in self.packed}

    async def reach(self, asked: Asked, body: bytes, cut_at: int | None = None) -> Answer:
        answer = await super().reach(asked, body, cut_at)
        self.note(f"reply to {asked.kind}")
        marks = frozenset(cast.marks_in(_said(answer)))
        if marks:
            self.note("reply with a canary")
        now, barred = self.site.clock.now(), oracle.barred(self, asked.phone)
        self.sent[asked.phone].append(Sent(asked.kind, now, barred, marks))
        return answer


def _said(answer: Answer) -> str:
    """Status, headers and body of a reply, unpacked: all that crossed the line."""
    packed, body = answer.headers.get("content-encoding"), answer.body
    if packed == "zstd":
        body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    elif packed == "gzip":
        body = gzip.decompress(body)
    return f"{answer.status} {answer.headers} {body.decode('latin-1')}"


# ── what happens ──────────────────────────────────────────────────────────────────────────

Happening = Callable[[Watched, int, int, int], Awaitable[None]]


async def someone_syncs(world: Watched, a: int, _b: int, _c: int) -> None:
    """A whole sync; afterwards every byte of the phone is looked at."""
    phone = world.pick(a)
    before, held = _image(phone), _held(phone)
    report = await world.sync(phone.name)
    if report.ok and world.phones[phone.name] is phone and not phone.disk.dead:
        looked_into(world, phone)
        if held - _held(phone):
            world.note("customer or case left a phone")
            world.images[phone.name] = [*world.images[phone.name], before][-KEPT_IMAGES:]
        earlier_copies_are_shut(world, phone)


async def someone_asks_for_more(world: Watched, a: int, b: int, c: int) -> None:
    """A phone whose software was changed asks for what nobody told it of."""
    phone = world.pick(a)
    await world.finish(phone.name)
    with suppress(Refusal):
        await world.drive(phone.name, phone.engine.ask(lambda peer: _greedy(world, peer, b, c)))
    world.note("a phone asked for what is not its own")


async def _greedy(world: World, peer: Any, b: int, c: int) -> None:
    customers = [f"customer:{one}" for one in world.customers]
    cases = [f"case:{one}" for (one,) in world.site.rows("SELECT id FROM case_row")]
    others = [f"user:{cast.staff_id(name)}" for name in cast.PEOPLE]
    everything = [*customers, *cases, *others, f"store:{cast.NORTH}", f"agg:{ORG}"]
    hashes = sorted(
        {h for p in world.phones.values() for (h,) in p.peek("SELECT sha256 FROM blob")}
    )
    wants: list[tuple[str, str, Any]] = [
        ("POST", "/v1/sync/snapshot", dump(SnapshotRequest(buckets=everything, limit=2000))),
        ("GET", "/v1/decisions/quarantine", None),
        ("GET", f"/v1/moves/holders/{world.customers[b % len(world.customers)]}", None),
        ("GET", "/v1/admin/users", None),
        ("GET", "/v1/devices", None),
    ]
    wants += [("GET", f"/v1/files/{one}", None) for one in hashes[: 3 + c % 3]]
    for method, path, body in wants:
        content = None if body is None else json.dumps(body).encode()
        with suppress(Refusal):
            await peer._send(method, path, {"Content-Type": "application/json"}, content)


async def someone_opens_a_photo(world: Watched, a: int, b: int, _c: int) -> None:
    """One that others took: its bytes come to lie in the vault."""
    phone = world.pick(a)
    await world.finish(phone.name)
    with suppress(Refusal):
        files = phone.store.find(File)
        if files:
            await world.drive(phone.name, phone.engine.file(files[b % len(files)]))
            world.note("photo fetched")


async def someone_takes_a_photo(world: Watched, a: int, b: int, c: int) -> None:
    phone = world.pick(a)
    world.authors(phone, lambda: WORKS["a_photo"](Desk(world, phone, b, c)))
    await sealed(world, phone.name, a)


async def access_ends_between_two_pages(world: Watched, a: int, b: int, _c: int) -> None:
    """Someone is given a customer and loses it again while the phone is fetching."""
    phone = world.pick(a)
    await world.finish(phone.name)
    customer = world.customers[b % len(world.customers)]
    to = cast.staff_id(phone.who)
    world.office(lambda unit: scopes.assign_customer(unit, customer, to))
    await world.begin_sync(phone.name)
    while mine := [asked for asked in world.waiting if asked.phone == phone.name]:
        if mine[0].goes_on():
            world.happens("everything of someone revoked")
            world.office(lambda unit: _revoke_all(unit, phone.who, ("ended", "security")[a % 2]))
            await world.serve(mine[0], None, 0)
            return
        await world.serve(mine[0], None, 0)


OWN: dict[str, tuple[int, Happening]] = {
    "someone_syncs": (16, someone_syncs),
    "someone_asks_for_more": (6, someone_asks_for_more),
    "someone_takes_a_photo": (4, someone_takes_a_photo),
    "someone_opens_a_photo": (4, someone_opens_a_photo),
    "access_ends_between_two_pages": (3, access_ends_between_two_pages),
}
WEIGHTS = {
    "someone_writes": 14,
    "someone_starts_a_sync": 4,
    "a_request_passes": 16,
    "a_request_fails": 2,
    "an_old_request_arrives": 1,
    "an_app_is_restarted": 2,
    "a_phone_is_killed": 1,
    "a_pin_is_forgotten": 1,
    "a_clock_is_set": 1,
    "a_clock_is_right_again": 2,
    "time_passes": 6,
    "a_customer_is_reassigned": 12,
    "a_case_is_dispatched": 5,
    "a_grant_for_some_time": 10,
    "a_grant_is_revoked": 9,
    "a_user_is_deactivated": 2,
    "a_user_is_let_in_again": 3,
    "a_device_is_judged": 2,
    "the_office_writes": 7,
    "a_manager_decides": 2,
    "a_backup_is_taken": 3,
    "the_server_is_restarted": 1,
    "the_server_keeps_house": 1,
}


def draw(chance: Random) -> list[Step]:
    weights = WEIGHTS | {name: weight for name, (weight, _) in OWN.items()}
    chosen = chance.choices(list(weights), list(weights.values()), k=STEPS)
    return [Step(name, _three(chance)) for name in chosen]


def _three(chance: Random) -> tuple[int, int, int]:
    return chance.randrange(1000), chance.randrange(1000), chance.randrange(1000)


# ── looking ───────────────────────────────────────────────────────────────────────────────


def looked_into(world: Watched, phone: Phone) -> None:
    """Right after a sync a device holds what its user may see now, and their own work that is not
    backed up (docs/threat-model.md); nothing else can be read on it."""
    whole, narrow = oracle.covered(world, phone.who, world.site.clock.now())
    if oracle.barred(world, phone.name):
        whole, narrow = set(), set()
    own = _own_work(phone)
    for place, text in readable(phone.disk.files, _key(phone)).items():
        found = oracle.outside(text, whole, narrow)
        if wrong := [one for one in found if one not in own]:
            raise oracle.broken("L4", f"{place} of {phone.name} still holds {wrong}")
        if cast.marks_in(text):
            world.note("canary found where it may be")


def _own_work(phone: Phone) -> set[cast.Found]:
    """Marks in changes whose author has not seen them arrive for good, and in the bytes of their
    photos."""
    waiting = [text for (text,) in phone.peek("SELECT change FROM outbox")]
    photos = phone.peek(
        "SELECT p.data FROM blob_part p JOIN blob b USING (sha256)"
        " WHERE b.verified = 0 OR b.file_id IN (SELECT value FROM json_each(?))"
        " OR b.file_id IN (SELECT record_id FROM outbox WHERE entity = 'file')",
        json.dumps(sorted(sealed_copies.known(phone.store.parts.meta))),
    )
    waiting += [bytes(data).decode("latin-1") for (data,) in photos]
    return {mark for text in waiting for mark in cast.marks_in(text)}


def earlier_copies_are_shut(world: Watched, phone: Phone) -> None:
    """A copy of the files from before a grant ended, found with the key of today: nothing of it
    opens (design §6, End of a grant)."""
    key = _key(phone)
    for image in world.images[phone.name]:
        vault = image[f"{VAULT}.db"]
        log = image.get(f"{VAULT}.db-wal", b"")
        if any(True for _ in pages(vault, key)) or any(True for _ in frames(log, key)):
            raise oracle.broken("L4", f"the key of {phone.name} opens a copy from before the end")
        world.note("earlier copy tried with the key of today")


def _key(phone: Phone) -> bytes:
    return phone.keys.wraps[VAULT].key


def _held(phone: Phone) -> set[str]:
    """Buckets of which something lies on the phone."""
    rows = phone.peek("SELECT name FROM bucket b WHERE no IN (SELECT bucket FROM server_row)")
    return {name for (name,) in rows if name.startswith(("customer:", "case:"))}


def _image(phone: Phone) -> dict[str, bytes]:
    return {name: bytes(data) for name, data in phone.disk.files.items()}


def everything_sent_was_granted(world: Watched) -> None:
    """Every reply of the whole life once more, against the history of the grants: at the moment
    when it went out, a grant of its reader ran for each customer in it (L3)."""
    cases = dict(world.site.rows("SELECT id, customer_id FROM case_row"))
    for name, replies in world.sent.items():
        runs = world.site.rows(
            "SELECT bucket, not_before, coalesce(revoked_at, '9'), coalesce(expires_at, '9')"
            " FROM grant_row WHERE staff_id = ?",
            cast.staff_id(cast.PHONES[name]),
        )
        for reply in (one for one in replies if one.marks):
            moment = to_wire(reply.at)
            held = {b for b, begins, *ends in runs if begins <= moment <= min(ends)}
            whole = {cast.tail(b.partition(":")[2]) for b in held if b.startswith("customer:")}
            narrow = {cast.tail(cases[b[5:]]) for b in held if b.startswith("case:")}
            wrong = [
                mark
                for mark in reply.marks
                if reply.barred
                or not (mark.customer in whole or (mark.customer in narrow and mark.kind in "OA"))
            ]
            if wrong:
                raise oracle.broken("L3", f"{reply.kind} gave {name} {wrong} at {moment}")


# ── the end ───────────────────────────────────────────────────────────────────────────────


async def everyone_loses_everything(world: Watched, chance: Random) -> None:
    """Grants are revoked or run out, people and devices are shut out; what was written is backed
    up and its outcomes were seen. Then nothing of any customer is left on any phone."""
    for name in cast.PEOPLE:
        how = chance.randrange(3)
        if how == 0:
            world.office(lambda unit, who=name: scopes.deactivate(unit, cast.staff_id(who)))
            with world.site.database.write() as connection:
                accounts.set_active(connection, ORG, cast.staff_id(name), False)
        else:
            because = ("ended", "security")[how - 1]
            world.office(lambda unit, who=name, why=because: _revoke_all(unit, who, why))
        world.note("in the end everything was taken away")
    for _ in range(3):
        world.pass_time(minutes=1)
        for phone in world.phones.values():
            if phone.signed_in:
                await world.sync(phone.name)
                for (number,) in phone.peek("SELECT number FROM outbox WHERE verdict NOTNULL"):
                    phone.store.dismiss(number)
            else:
                await laws.only_the_log(world, phone)
        world.site.back_up()
    for phone in world.phones.values():
        nothing_left(world, phone)


def _revoke_all(unit: Any, who: str, because: str) -> None:
    for held in unit.find("grant", staff_id=cast.staff_id(who), **grants.NOT_REVOKED):
        if held.row["bucket"].startswith(("customer:", "case:")):
            grants.revoke(unit, held, because)


def nothing_left(world: Watched, phone: Phone) -> None:
    for place, text in readable(phone.disk.files, _key(phone)).items():
        if left := cast.marks_in(text):
            raise oracle.broken("L4", f"after the end {place} of {phone.name} holds {left}")
    world.note("phone emptied in the end")


# ── one life ──────────────────────────────────────────────────────────────────────────────


def live(template: Template, seed: int, steps: Sequence[Step] | None = None) -> Story:
    """One seed from its beginning to its end."""
    chance = Random(seed)
    phones, drawn = cast_of(chance), draw(chance)
    story = Story(seed, phones, list(drawn if steps is None else steps))
    with patch.object(ids, "secrets", Chance(seed)), patch.object(ids, "_last", 0):
        world = template.world_of(Watched, seed, phones)
        world.coverage, story.trace = story.coverage, world.trace
        try:
            run(_lived(world, story.steps, chance))
        except (Exception, oracle.Stop) as failure:  # whatever it is, the seed has failed
            story.broken = failure
        finally:
            run(world.close())
    return story


async def _lived(world: Watched, steps: Sequence[Step], chance: Random) -> None:
    await world.open()
    for step in steps:
        world.say(f"{step.name} {step.numbers}")
        world.pass_time(seconds=2)
        happening = OWN[step.name][1] if step.name in OWN else KINDS[step.name].run
        await happening(world, *step.numbers)
        await everyone_sees_what_they_may(world)
    world.say("— mended —")
    await laws.mend(world)
    await everyone_loses_everything(world, chance)
    everything_sent_was_granted(world)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, help="the first; drawn if left out")
    parser.add_argument("--seeds", type=int, default=10**6, help="end after so many")
    asked = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # or sets of names would come in another order
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.sim.canaries", *sys.argv[1:]])
    first = secrets.randbelow(10**9) if asked.seed is None else asked.seed
    print(f"canaries: seeds {first} and on", flush=True)
    folder, ends, seed = scratch(), time.monotonic() + asked.seconds, first
    total: Counter[str] = Counter()
    try:
        with small_world():
            made = make(folder)
            while time.monotonic() < ends and seed < first + asked.seeds:
                story = live(made, seed)
                total += story.coverage
                if story.broken is not None:
                    print("".join(traceback.format_exception(story.broken)[-4:]))
                    print(story.told())
                    print(f"again: python -m tests.sim.canaries --seeds 1 --seed {seed}")
                    return 1
                seed += 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(table(total, seed - first))
    print(f"{seed - first} lives, first {first}: no canary where it may not be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
