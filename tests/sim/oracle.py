"""The laws, judged by what was authored and by what the tables of the server say, never by the
code that is being judged."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from shared.clock import to_wire
from sync_server.db.accounts import ACCOUNT, DEVICE
from sync_server.db.log import CHANGE_LOG
from sync_server.db.records import RECORDS
from sync_server.services.sealed import open_entry
from tests.sim import cast

if TYPE_CHECKING:
    from tests.sim.line import Asked
    from tests.sim.phone import Phone
    from tests.sim.site import Answer
    from tests.sim.world import Authored, World

SETTLED = ("applied", "merged", "conflict", "late", "quarantined", "rejected")


class Stop(BaseException):
    """Ends a run from within a callback of SQLite, where an ordinary exception would be lost."""


def broken(law: str, what: str) -> Exception:
    from tests.sim.world import LawBroken

    return LawBroken(law, what)


# ── L3: while replies go out ──────────────────────────────────────────────────────────────


def covered(world: World, who: str, now: datetime) -> tuple[set[str], set[str]]:
    """Ends of ids of the customers whose whole records, and of those of whom a case's view, the
    person may read at this moment, by the grants as they stand in their table."""
    grant, case, moment = RECORDS["grant"].c, RECORDS["case"].c, to_wire(now)
    with world.site.database.read() as connection:
        rows = connection.execute(
            select(grant.bucket, grant.not_before, grant.expires_at, grant.revoked_at).where(
                grant.staff_id == cast.staff_id(who)
            )
        ).all()
        live = {
            r.bucket
            for r in rows
            if r.revoked_at is None
            and r.not_before <= moment
            and (r.expires_at is None or r.expires_at > moment)
        }
        cases = {b.removeprefix("case:") for b in live if b.startswith("case:")}
        of_cases = (
            connection.scalars(select(case.customer_id).where(case.id.in_(sorted(cases)))).all()
            if cases
            else []
        )
    whole = {cast.tail(b.removeprefix("customer:")) for b in live if b.startswith("customer:")}
    return whole, {cast.tail(c) for c in of_cases}


def barred(world: World, name: str) -> bool:
    """Whether the phone's person or device may read nothing at all now."""
    who = cast.PHONES[name]
    with world.site.database.read() as connection:
        active = connection.scalar(
            select(ACCOUNT.c.active).where(ACCOUNT.c.staff_id == cast.staff_id(who))
        )
        state = connection.scalar(
            select(DEVICE.c.state).where(
                DEVICE.c.staff_id == cast.staff_id(who), DEVICE.c.name == name
            )
        )
    return not active or state != "approved"


def outside(
    text: str, whole: set[str], narrow: set[str], kinds: str = "OWA"
) -> list[cast.Found]:
    """Marks in a text that its reader has no grant for."""
    return sorted(
        (
            found
            for found in cast.marks_in(text)
            if found.kind in kinds
            and found.customer not in whole
            and not (found.customer in narrow and found.kind in "OA")
        ),
        key=str,
    )


def scope(world: World, asked: Asked, answer: Answer) -> None:
    """No byte of a customer goes to a phone whose user has no grant for it now (L3)."""
    text = answer.body.decode("utf-8", "replace")
    if "-MARK-" not in text:
        return
    whole, narrow = covered(world, cast.PHONES[asked.phone], world.site.clock.now())
    if barred(world, asked.phone) or asked.kind in ("push", "sealed"):
        whole, narrow = set(), set()
    if wrong := outside(text, whole, narrow):
        raise broken("L3", f"{asked.kind} gave {asked.phone} {wrong}")


# ── L2: outcomes ──────────────────────────────────────────────────────────────────────────


def outcomes(world: World, asked: Asked, answer: Answer) -> None:
    """Each change has one outcome, with a number of its own, however often it is asked for."""
    if asked.kind not in ("push", "sealed") or answer.status != 200:
        return
    try:
        reply = json.loads(answer.body)
        told = reply["outcomes"]
    except (ValueError, KeyError):  # a portal's page
        return
    for outcome in told:
        world.note(f"outcome {outcome['verdict']} {outcome.get('code') or ''}".strip())
        if outcome["verdict"] not in SETTLED:
            continue
        key, seq = (reply["epoch"], outcome["change_id"]), outcome["seq"]
        if seq <= 0:
            raise broken("L2", f"{outcome} has no number")
        known = world.told.setdefault(key, outcome)
        if known["seq"] != seq:
            raise broken("L2", f"{known} was told, then {outcome}")
        first = world.numbered.setdefault((reply["epoch"], seq), outcome["change_id"])
        if first != outcome["change_id"]:
            raise broken("L2", f"number {seq} was given to {first} and {outcome['change_id']}")


# ── L1: where everything is ───────────────────────────────────────────────────────────────


def server_log(world: World) -> dict[str, Any]:
    log = CHANGE_LOG.c
    with world.site.database.read() as connection:
        rows = connection.execute(
            select(log.change_id, log.seq, log.verdict, log.code, log.body, log.entity)
        ).all()
    return {row.change_id: row for row in rows}


def nothing_lost(world: World, names: Iterable[str]) -> None:
    """What was saved is on its phone until a backup holds it (L1)."""
    log, backed_up_to = server_log(world), world.site.state()[2]
    for name in names:
        phone = world.phones[name]
        here = {c for (c,) in phone.peek("SELECT change_id FROM outbox")}
        in_log: set[str] | None = None
        for made in list(world.authored.values()):
            if made.phone != name or made.excused:
                continue
            if made.vault == world.vaults[name] and made.change_id in here:
                continue
            row = log.get(made.change_id)
            if row is not None and row.seq <= backed_up_to:
                continue
            if made.vault != world.vaults[name]:
                in_log = sealed_here(world, phone) if in_log is None else in_log
                if made.change_id in in_log:
                    continue
            where = f"the server has it as {row.seq}, backed up to {backed_up_to}" if row else "gone"
            raise broken("L1", f"{name} no longer holds change {made.number}: {where}")
        for key, body in world.drafts[name].items():
            if phone.store.parts.drafts.get(key) not in (None, body) or not phone.peek(
                "SELECT 1 FROM draft WHERE key = ?", key
            ):
                raise broken("L1", f"{name} lost a draft")


def sealed_here(world: World, phone: Phone) -> set[str]:
    """Ids of the changes in a phone's sealed log, as the server can open them."""
    from base64 import b64encode

    device = phone.store.parts.meta.get("device_id") or world.device_ids[phone.name]
    found = set()
    for entry in phone.log.entries():
        change = open_entry(world.site.keys.seal, device, b64encode(entry.sealed).decode())
        if change is not None:
            found.add(change["change_id"])
    return found


def leave_vault(world: World, phone: Phone) -> None:
    """A vault is about to be lost: what has no sealed copy goes with it, as the app says."""
    unsealed = {c for (c,) in phone.peek("SELECT change_id FROM outbox WHERE sealed = 0")}
    for made in world.authored.values():
        if made.phone == phone.name and made.change_id in unsealed:
            made.excused = "lost with a vault before it was sealed"
    world.device_ids[phone.name] = phone.store.parts.meta.get("device_id") or ""


def restored(world: World) -> None:
    """After a restore everything that the backup lacks is still on its phone (L1)."""
    nothing_lost(world, world.phones)


def of(world: World, name: str) -> list[Authored]:
    return [made for made in world.authored.values() if made.phone == name]


# ── L4: what a screen shows ───────────────────────────────────────────────────────────────


def screens(world: World, phone: Phone) -> None:
    """No screen shows a record of a bucket whose grants have all ended by the phone's own time."""
    if phone.readable() is not None:
        return
    now = to_wire(phone.store.now())
    shown = {
        bucket
        for (bucket,) in phone.peek(
            "SELECT DISTINCT b.name FROM shown_row v JOIN bucket b ON b.no = v.bucket"
        )
    }
    open_now = {
        bucket
        for bucket, begins, ends in phone.peek(
            "SELECT b.name, g.not_before, g.expires_at FROM held_grant g"
            " JOIN bucket b ON b.no = g.bucket WHERE g.listed"
        )
        if begins <= now and (ends is None or ends > now)
    }
    if wrong := shown - open_now:
        raise broken("L4", f"{phone.name} shows {sorted(wrong)} after their grants ended")
