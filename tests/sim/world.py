"""The world of one seed: the server, the phones, who is asking what, and what was authored.

A run is a list of steps. Each step is a name and a few numbers, and what the numbers mean depends
on the world alone, so the same steps are the same run and a shorter list is a run as well.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import apsw

from mobile.sync.report import SyncReport
from shared.errors import Code, Refusal
from tests.sim import cast, oracle
from tests.sim.disk import CUTS, PowerCut
from tests.sim.line import Asked, Line, pass_on
from tests.sim.phone import Packed, Phone
from tests.sim.site import Answer, Site, Trouble


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens. The numbers are 0 to 999."""

    name: str
    numbers: tuple[int, int, int] = (0, 0, 0)


class LawBroken(AssertionError):
    """A law does not hold: which, and what was seen."""

    def __init__(self, law: str, what: str) -> None:
        super().__init__(f"{law}: {what}")
        self.law = law


@dataclass
class Authored:
    """A change that the app said was saved, word for word. `vault` counts the phone's vaults."""

    phone: str
    vault: int
    number: int
    change_id: str
    text: str
    excused: str = ""

    @property
    def change(self) -> dict[str, Any]:
        return json.loads(self.text)


@dataclass
class World:
    """`packed` are the phones of the template that take part."""

    site: Site
    packed: dict[str, Packed]
    seed: int
    coverage: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)
        self.waiting: list[Asked] = []
        self.held_back: list[Asked] = []
        self.tasks: dict[str, asyncio.Task[SyncReport]] = {}
        self.phones: dict[str, Phone] = {}
        self.lines: dict[str, Line] = {}
        self.authored: dict[str, Authored] = {}
        self.vaults: Counter[str] = Counter()
        self.seen_number: Counter[str] = Counter()
        self.drafts: dict[str, dict[str, Any]] = {}
        self.attached: dict[str, str] = {}  # file id → sha256
        self.between_pages: dict[str, str] = {}  # phone → what it is in the middle of
        self.customers = [cast.customer_id(n) for n in range(cast.CUSTOMERS)]
        self.counter = 0
        self.told: dict[tuple[str, str], dict[str, Any]] = {}
        self.numbered: dict[tuple[str, int], str] = {}
        self.device_ids: dict[str, str] = {}
        self.held_buckets: dict[str, set[str]] = {}
        self.ran_out: set[tuple[str, str]] = set()
        self.told_ends: dict[str, set[tuple[str, str]]] = {}
        self.ended: set[str] = set()
        self.grants: dict[str, dict[str, Any]] = {}
        self.trace: list[str] = []

    async def open(self) -> None:
        for name, packed in self.packed.items():
            line = self.lines[name] = Line(self, name)
            phone = Phone(name, self.site.clock, line, packed.identity)
            await phone.unpack(packed)
            self.phones[name] = phone
            self.drafts[name] = {}
            self.seen_number[name] = phone.store.parts.outbox.next_number() - 1

    async def close(self) -> None:
        for name, phone in self.phones.items():
            phone.disk.dead = phone.disk.closed = True
            await self.end_sync(name)
            phone.close()
            await phone.files.release("vault")

    # ── small things ──────────────────────────────────────────────────────────────────────

    def note(self, what: str) -> None:
        self.coverage[what] += 1

    def say(self, what: str) -> None:
        """A line of the story that a failing seed tells."""
        self.trace.append(what)

    def pick(self, number: int) -> Phone:
        names = list(self.phones)
        return self.phones[names[number % len(names)]]

    def pass_time(self, **time: float) -> None:
        self.site.clock.pass_by(**time)

    def office(self, work: Callable[[Any], Any]) -> Any:
        """Something happens in the office; what it refuses, it refuses."""
        with suppress(Refusal):
            return self.site.write(work)

    # ── running ───────────────────────────────────────────────────────────────────────────

    async def settle(self) -> None:
        """Let everyone go on until all wait for the way between or for nothing."""
        loop: Any = asyncio.get_running_loop()
        while loop._ready:  # noqa: ASYNC110 - no event tells that nobody is left to run
            await asyncio.sleep(0)

    async def begin_sync(self, name: str) -> None:
        if name not in self.tasks:
            self.tasks[name] = asyncio.ensure_future(self.phones[name].engine.sync())
            await self.settle()
            await self.look_after(name)

    async def serve(self, asked: Asked, fault: str | None, place: int) -> None:
        self.interleaving(asked, fault)
        await pass_on(self, asked, fault, place)
        await self.settle()
        await self.look_after(asked.phone)

    async def look_after(self, name: str) -> None:
        """What has become of a phone's sync, and of its disk."""
        phone = self.phones[name]
        task = self.tasks.get(name)
        if phone.disk.dead:
            await self.power_cut(name)
        elif task is not None and task.done():
            del self.tasks[name]
            self.between_pages.pop(name, None)
            report = task.result()
            await self.synced(phone, report)

    async def synced(self, phone: Phone, report: SyncReport) -> None:
        if report.code is Code.SIGN_IN_REQUIRED:
            phone.signed_in = False
        if report.code is Code.DISK_FULL:
            self.note("sync met a full disk")
            await self.restart(phone, None)  # a re-keying may be half done: as the app does
        if report.ok and report.agreed is not True:
            raise LawBroken("L5", f"{phone.name} synced and does not agree: {report}")
        if report.repaired:  # nothing here ever spoils a row: what is missing was passed over
            raise LawBroken("L5", f"{phone.name} had to fetch {report.repaired} buckets again")
        self.say(f"  {phone.name}: {report.code or 'synced'}")

    async def sync(self, name: str) -> SyncReport:
        """One whole sync without faults; what others ask waits meanwhile."""
        if name in self.tasks:
            await self.finish(name)
        phone = self.phones[name]
        task = self.tasks[name] = asyncio.ensure_future(phone.engine.sync())
        await self.settle()
        while not task.done():
            mine = [asked for asked in self.waiting if asked.phone == name]
            if not mine:
                if phone.disk.dead:
                    break
                raise LawBroken("L1", f"{name}'s sync waits for nothing")
            await pass_on(self, mine[0], None, 0)
            await self.settle()
        report = task.result() if task.done() and not phone.disk.dead else SyncReport()
        await self.look_after(name)
        return report

    async def finish(self, name: str) -> None:
        while name in self.tasks:
            mine = [asked for asked in self.waiting if asked.phone == name]
            if not mine:
                raise LawBroken("L1", f"{name}'s sync waits for nothing")
            await self.serve(mine[0], None, 0)

    async def end_sync(self, name: str) -> None:
        """Whatever the phone was doing is gone with its process."""
        self.waiting = [asked for asked in self.waiting if asked.phone != name]
        self.between_pages.pop(name, None)
        task = self.tasks.pop(name, None)
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError, PowerCut, Refusal, Exception):
                await task

    async def reach(self, asked: Asked, body: bytes, cut_at: int | None = None) -> Answer:
        """A request reaches the server."""
        answer = await self.site.ask(asked.method, asked.url, asked.headers, body, cut_at=cut_at)
        if answer.status >= 500:
            self.note(f"the server itself answered {answer.status}")
        oracle.scope(self, asked, answer)
        return answer

    def received(self, asked: Asked, answer: Answer) -> None:
        """Bytes came to a phone."""
        oracle.outcomes(self, asked, answer)
        if asked.kind in ("pull", "snapshot") and answer.status == 200:
            more = b'"more":true' in answer.body[:4000] or b'"after":[' in answer.body[-300:]
            if more:
                self.between_pages[asked.phone] = asked.kind
            else:
                self.between_pages.pop(asked.phone, None)

    def interleaving(self, asked: Asked, fault: str | None) -> None:
        """Count what happens between two pages of someone else."""
        if asked.kind == "push" and fault not in ("request lost", "request held back"):
            for name, kind in self.between_pages.items():
                if name != asked.phone:
                    self.note(f"push between two pages of another's {kind}")
        if len(self.tasks) > 1:
            self.note("request while another phone is syncing")

    def happens(self, what: str) -> None:
        """Something in the office; counted by what it came between."""
        self.note(what)
        for kind in self.between_pages.values():
            self.note(f"{what} between two pages of a {kind}")

    # ── phones ────────────────────────────────────────────────────────────────────────────

    def authors(self, phone: Phone, work: Callable[[], Any]) -> None:
        """A person writes something; what the app has said was saved is on record."""
        try:
            work()
        except Refusal as refusal:
            self.note(f"refused to its author: {refusal.code.key}")
        except apsw.FullError:
            self.note("refused to its author: disk_full")
        except PowerCut:
            return
        self.note_authored(phone)

    def note_authored(self, phone: Phone) -> None:
        found = phone.peek(
            "SELECT number, change_id, change FROM outbox WHERE number > ? ORDER BY number",
            self.seen_number[phone.name],
        )
        for number, change_id, text in found:
            self.seen_number[phone.name] = number
            made = Authored(phone.name, self.vaults[phone.name], number, change_id, text)
            self.authored[change_id] = made

    async def power_cut(self, name: str, kept: str | None = None) -> None:
        """The phone is dead; its owner starts it again."""
        phone = self.phones[name]
        kept = kept or CUTS[self.chance.randrange(len(CUTS))]
        self.note(f"phone killed at a write; the disk keeps {kept}")
        self.say(f"  {name}: power cut, the disk keeps {kept}")
        await self.restart(phone, kept)

    async def restart(self, phone: Phone, kept: str | None) -> None:
        """Start the app again; `kept` None: it was closed in order."""
        if kept is None:
            await self.end_sync(phone.name)
            phone.close()
            await phone.files.release("vault")
            kept = CUTS[self.chance.randrange(len(CUTS))] if phone.disk.dead else "every write"
            phone._insert(phone.disk.after_the_cut(kept, self.chance))
        else:
            phone.disk.dead = True
            self.waiting = [a for a in self.waiting if a.phone != phone.name]
            await self.end_sync(phone.name)
            await phone.killed(kept, self.chance)
        full, phone.disk.full_after = phone.disk.full_after, None  # unlocking needs room
        await phone.open()
        phone.disk.full_after = full
        self.note_authored(phone)
        oracle.nothing_lost(self, [phone.name])

    def arm(self, kind: str, left: int) -> None:
        self.site.trouble = Trouble(kind, left)

    def leap(self, phone: Phone, minutes: float) -> None:
        phone.clock.off += timedelta(minutes=minutes)

    async def first_start(self, name: str) -> Phone:
        """A phone out of its box: a vault, a sign-in, a first sync."""
        self.lines[name] = Line(self, name)
        phone = self.phones[name] = Phone(name, self.site.clock, self.lines[name])
        await phone.begin_vault()
        await self.drive(name, phone.sign_in())
        report = await self.sync(name)
        if not report.agreed:
            raise LawBroken("L5", f"the first sync of {name}: {report}")
        del self.phones[name]
        return phone

    async def drive(self, name: str, work: Any) -> Any:
        """Run something that talks to the server, without faults."""
        task = asyncio.ensure_future(work)
        await self.settle()
        try:
            while not task.done():
                mine = [asked for asked in self.waiting if asked.phone == name]
                if not mine:
                    raise LawBroken("L1", f"{name} waits for nothing")
                await pass_on(self, mine[0], None, 0)
                await self.settle()
        finally:
            task.cancel()
        return task.result()
