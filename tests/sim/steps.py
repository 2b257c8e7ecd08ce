"""Every step that a run is made of, and how often it is drawn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from shared.clock import to_wire
from shared.declare import Role
from shared.errors import Refusal
from shared.ids import new_id
from sync_server.services import (
    accounts,
    devices,
    grants,
    policies,
    quarantine,
    scopes,
    tier_panel,
)
from sync_server.services.accounts import policy_of
from sync_server.services.audit import by_itself
from sync_server.services.caller import Caller
from tests.sim import cast, oracle
from tests.sim.cast import PEOPLE, staff_id
from tests.sim.line import FAULTS
from tests.sim.site import ORG, ServerKilled
from tests.sim.trade import WORKS, Desk
from tests.sim.world import Step, World

Run = Callable[[World, int, int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    weight: int
    run: Run


KINDS: dict[str, Kind] = {}


def step(weight: int) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        KINDS[run.__name__] = Kind(weight, run)
        return run

    return register


def draw(chance: Random, length: int) -> list[Step]:
    """The steps of one run."""
    names, weights = list(KINDS), [kind.weight for kind in KINDS.values()]
    return [
        Step(name, (chance.randrange(1000), chance.randrange(1000), chance.randrange(1000)))
        for name in chance.choices(names, weights, k=length)
    ]


# ── people at work ────────────────────────────────────────────────────────────────────────


@step(30)
async def someone_writes(world: World, a: int, b: int, c: int) -> None:
    phone = world.pick(a)
    names = list(WORKS)
    name = names[c % len(names)]
    world.note(f"wrote {name}")
    world.authors(phone, lambda: WORKS[name](Desk(world, phone, b, c // len(names) + b)))
    await sealed(world, phone.name, a)


async def sealed(world: World, name: str, a: int) -> None:
    """The app seals what was saved, at once; sometimes the phone dies before."""
    phone = world.phones[name]
    if not phone.disk.dead and a % 7 and name not in world.tasks:
        try:
            await phone.seal()
        except Refusal:
            world.note("a full disk kept the sealed copy out")
        except Exception:
            if not phone.disk.dead:
                raise
    await world.look_after(name)


@step(6)
async def someone_starts_a_sync(world: World, a: int, _b: int, _c: int) -> None:
    await world.begin_sync(world.pick(a).name)


@step(6)
async def someone_syncs(world: World, a: int, _b: int, _c: int) -> None:
    await world.sync(world.pick(a).name)


@step(34)
async def a_request_passes(world: World, a: int, _b: int, _c: int) -> None:
    """One that waits; if none does, someone begins a sync."""
    if not world.waiting:
        await world.begin_sync(world.pick(a).name)
    if world.waiting:
        await world.serve(world.waiting[a % len(world.waiting)], None, 0)


@step(12)
async def a_request_fails(world: World, a: int, b: int, c: int) -> None:
    if not world.waiting:
        await world.begin_sync(world.pick(a).name)
    if world.waiting:
        asked = world.waiting[a % len(world.waiting)]
        world.say(f"  {asked.phone} {asked.kind}: {FAULTS[b % len(FAULTS)]} at {c}")
        await world.serve(asked, FAULTS[b % len(FAULTS)], c)


@step(4)
async def an_old_request_arrives(world: World, a: int, _b: int, _c: int) -> None:
    if world.held_back:
        asked = world.held_back.pop(a % len(world.held_back))
        world.note("old request arrived after newer ones")
        try:
            oracle.outcomes(world, asked, await world.reach(asked, asked.body))
        except ServerKilled:
            world.note("server killed at a statement")
            world.site.start()


# ── phones ────────────────────────────────────────────────────────────────────────────────


@step(3)
async def an_app_is_restarted(world: World, a: int, _b: int, _c: int) -> None:
    world.note("app restarted")
    await world.restart(world.pick(a), None)


@step(3)
async def a_phone_is_killed(world: World, a: int, _b: int, c: int) -> None:
    phone = world.pick(a)
    phone.disk.dead = True
    await world.power_cut(phone.name, ("every write", "flushed writes")[c % 2])


@step(6)
async def a_phone_will_be_killed(world: World, a: int, b: int, _c: int) -> None:
    world.pick(a).disk.steps_left = b % 60


@step(2)
async def a_phone_will_be_full(world: World, a: int, b: int, _c: int) -> None:
    world.note("phone's disk fills up")
    world.pick(a).disk.full_after = b % 25


@step(2)
async def a_phone_has_room_again(world: World, a: int, _b: int, _c: int) -> None:
    world.pick(a).disk.full_after = None


@step(3)
async def a_clock_is_set(world: World, a: int, b: int, c: int) -> None:
    phone = world.pick(a)
    world.note("phone's clock set forward" if c % 2 else "phone's clock set back")
    minutes = (1, 4, 30, 60 * 5, 60 * 24 * 4)[b % 5]
    world.leap(phone, minutes if c % 2 else -minutes)


@step(2)
async def a_clock_is_right_again(world: World, a: int, _b: int, _c: int) -> None:
    world.pick(a).clock.off = timedelta(0)


@step(1)
async def a_pin_is_forgotten(world: World, a: int, _b: int, _c: int) -> None:
    await forget_pin(world, world.pick(a).name)


async def forget_pin(world: World, name: str) -> None:
    """The vault can't be opened any more; a new one begins, and the sealed log stays."""
    phone = world.phones[name]
    if phone.disk.full_after is not None or phone.disk.steps_left is not None:
        return
    world.note("PIN forgotten: only the sealed log is left")
    world.say(f"  {name}: PIN forgotten")
    oracle.leave_vault(world, phone)
    await world.end_sync(name)
    await phone.begin_vault()
    world.vaults[name] += 1
    world.seen_number[name] = 0
    world.held_buckets.pop(name, None)
    world.drafts[name] = {}
    oracle.nothing_lost(world, [name])


@step(5)
async def time_passes(world: World, a: int, b: int, _c: int) -> None:
    minutes = (1, 10, 60, 60 * 8, 60 * 30, 60 * 80)[min(a % 6, b % 6)]
    world.pass_time(minutes=minutes)


# ── the office ────────────────────────────────────────────────────────────────────────────


def _customer(world: World, number: int) -> str:
    return world.customers[number % len(world.customers)]


@step(5)
async def a_customer_is_reassigned(world: World, a: int, b: int, _c: int) -> None:
    customer, to = _customer(world, a), ("lin", "he", "sun", "chen")[b % 4]
    world.happens("customer reassigned")
    world.say(f"  office: {cast.tail(customer)} to {to}")
    world.office(lambda unit: scopes.assign_customer(unit, customer, staff_id(to)))


@step(2)
async def a_case_is_dispatched(world: World, a: int, b: int, _c: int) -> None:
    def send(unit: Any) -> None:
        cases = sorted(held.id for held in unit.find("case", state=_OPEN))
        if cases:
            policy = policy_of(unit.connection, ORG, unit.now)
            to = staff_id(("wu", "tu")[b % 2])
            scopes.dispatch_case(unit, cases[a % len(cases)], to, policy)

    world.happens("case dispatched")
    world.office(send)


_OPEN = ("new", "assigned", "accepted", "in_progress", "waiting", "resolved")


@step(3)
async def a_grant_for_some_time(world: World, a: int, b: int, c: int) -> None:
    customer, who = _customer(world, a), ("he", "sun", "cai", "lin")[b % 4]
    hours = (1, 5, 30)[c % 3]
    world.happens("grant given that ends by time")
    world.office(
        lambda unit: grants.issue(
            unit,
            staff_id(who),
            f"customer:{customer}",
            "approved_detail",
            PEOPLE[who][0],
            expires_at=unit.now + timedelta(hours=hours),
        )
    )


@step(4)
async def a_grant_is_revoked(world: World, a: int, b: int, _c: int) -> None:
    because = "security" if b % 3 == 0 else "ended"

    def end(unit: Any) -> None:
        who = list(PEOPLE)[b % len(PEOPLE)]
        held = [
            g
            for g in unit.find("grant", staff_id=staff_id(who), **grants.NOT_REVOKED)
            if g.row["bucket"].startswith(("customer:", "case:"))
        ]
        if held:
            grants.revoke(unit, sorted(held, key=lambda g: g.id)[a % len(held)], because)

    world.happens(f"grant revoked ({because})")
    world.office(end)


@step(2)
async def a_user_is_deactivated(world: World, a: int, b: int, _c: int) -> None:
    who = list(PEOPLE)[a % len(PEOPLE)]
    because = "security" if b % 2 else "ended"
    world.happens(f"user deactivated ({because})")
    world.say(f"  office: {who} deactivated ({because})")
    world.office(lambda unit: scopes.deactivate(unit, staff_id(who), because))
    with world.site.database.write() as connection:
        accounts.set_active(connection, ORG, staff_id(who), False)


@step(2)
async def a_user_is_let_in_again(world: World, a: int, b: int, _c: int) -> None:
    who = list(PEOPLE)[a % len(PEOPLE)]
    world.happens("user reactivated")
    world.say(f"  office: {who} reactivated")
    with world.site.database.write() as connection:
        accounts.set_active(connection, ORG, staff_id(who), True)
    world.office(lambda unit: scopes.reactivate(unit, staff_id(who)))
    if PEOPLE[who][0] == "account_manager":
        world.office(lambda unit: scopes.assign_customer(unit, _customer(world, b), staff_id(who)))


@step(2)
async def a_device_is_judged(world: World, a: int, b: int, _c: int) -> None:
    state = devices.BLOCKED if b % 2 else devices.APPROVED
    world.happens(f"device {state}")
    set_device(world, world.pick(a).name, state)


def set_device(world: World, name: str, state: str) -> None:
    with world.site.database.write() as connection:
        for device in devices.all_devices(connection, ORG):
            if device.name == name:
                devices.decide(connection, device, state, now=world.site.clock.now())


@step(4)
async def the_office_writes(world: World, a: int, b: int, c: int) -> None:
    customer = _customer(world, a)
    world.happens("the office wrote")
    field, kind = (("address", "O"), ("email", "W"), ("needs", "W"), ("city", "O"))[b % 4]
    world.counter += 1
    value = f"{cast.mark(kind, customer)} office {world.counter}"
    world.office(lambda unit: unit.update("customer", customer, {field: value}))
    if c % 3 == 0:
        world.office(lambda unit: _office_customer(world, unit, ("lin", "he", "sun")[c % 3]))


def _office_customer(world: World, unit: Any, who: str) -> None:
    made = new_id()
    world.customers.append(made)
    unit.create(
        "customer",
        {
            "id": made,
            "name": f"{cast.mark('O', made)}",
            "email": cast.mark("W", made),
            "store_id": cast.NORTH,
        },
    )
    scopes.assign_customer(unit, made, staff_id(who))


def _chen() -> Caller:
    """At the console."""
    return Caller(
        org_id=ORG,
        staff_id=staff_id("chen"),
        role=Role.STORE_MANAGER,
        device_id="",
        device_key="",
        store_id=cast.NORTH,
    )


@step(2)
async def the_panel_settles(world: World, a: int, b: int, c: int) -> None:
    """A proposal is decided at the console, or made where none is open; sometimes others sit in
    the panel's seats from here on."""
    now, customer = world.site.clock.now(), _customer(world, a)
    if c % 9 == 0:
        seats = ("callback_agent", "store_manager")[b % 2]
        world.happens(f"the panel's seats are the {seats}'s")
        said = dict.fromkeys(("panel_sales", "panel_marketing", "panel_service"), seats)
        with suppress(Refusal):
            policies.add_version(world.site.database, by_itself(ORG), said, None, now)
        return
    open_ = world.site.rows(
        "SELECT id, customer_id FROM tier_proposal_row WHERE state IN ('proposed', 'disputed')"
    )
    if not open_:
        row = {
            "id": new_id(), "customer_id": customer, "axis": "loyalty",
            "after": ("loyal", "general")[b % 2], "proposed_at": to_wire(now), "state": "proposed",
        }  # fmt: skip
        world.office(lambda unit: unit.create("tier_proposal", row))
        return
    (chosen, about), verdict = sorted(open_)[a % len(open_)], tier_panel.VERDICTS[b % 3]
    world.happens(f"the panel {verdict}")
    with suppress(Refusal):
        note = cast.mark("W", about)
        tier_panel.decide(world.site.database, _chen(), [chosen], verdict, note, now)


@step(2)
async def a_manager_decides(world: World, a: int, b: int, _c: int) -> None:
    """What waits in quarantine is released or refused."""
    now, manager = world.site.clock.now(), _chen()
    waiting = quarantine.waiting_for(world.site.database, manager, now)
    if waiting:
        ids = [waiting[a % len(waiting)].change_id]
        world.note("quarantined change released" if b % 2 else "quarantined change refused")
        decide = quarantine.release if b % 2 else quarantine.refuse
        try:
            decide(world.site.database, manager, ids, now)
        except Refusal as refusal:
            world.note(f"release refused: {refusal.code.key}")


# ── the server ────────────────────────────────────────────────────────────────────────────


@step(4)
async def a_backup_is_taken(world: World, _a: int, _b: int, _c: int) -> None:
    world.happens("backup taken")
    world.pass_time(seconds=1)
    world.site.back_up()


@step(2)
async def an_older_backup_is_restored(world: World, _a: int, _b: int, _c: int) -> None:
    copies = world.site.backups()
    if copies:
        world.happens("server restored from an older backup")
        world.say("  server restored")
        world.site.restore(copies[-1])
        oracle.restored(world)


@step(3)
async def the_server_will_be_killed(world: World, _a: int, b: int, _c: int) -> None:
    world.arm("killed", b % 40)


@step(2)
async def the_server_will_be_full(world: World, _a: int, b: int, _c: int) -> None:
    world.note("server's disk fills up")
    world.arm("full", b % 30)


@step(2)
async def the_server_is_restarted(world: World, _a: int, _b: int, _c: int) -> None:
    world.note("server restarted")
    world.site.trouble = None
    world.site.start()


@step(1)
async def the_server_keeps_house(world: World, _a: int, _b: int, _c: int) -> None:
    world.note("server kept house")
    world.site.trouble = None
    world.site.server.clear_away()
