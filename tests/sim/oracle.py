"""The laws, judged by what was authored and by what the tables of the server say, never by the
code that is being judged."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from sqlalchemy import select

from shared.clock import to_wire
from shared.wire import SEALED_INFO
from sync_server.db.log import CHANGE_LOG
from tests.sim import cast

if TYPE_CHECKING:
    from tests.sim.line import Asked
    from tests.sim.phone import Phone
    from tests.sim.site import Answer
    from tests.sim.world import Authored, World

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
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
    moment = to_wire(now)
    live = {
        bucket
        for bucket, begins, expires in world.site.rows(
            "SELECT bucket, not_before, expires_at FROM grant_row"
            " WHERE staff_id = ? AND revoked_at IS NULL",
            cast.staff_id(who),
        )
        if begins <= moment and (expires is None or expires > moment)
    }
    of_cases = [
        customer
        for bucket in live
        if bucket.startswith("case:")
        for (customer,) in world.site.rows(
            "SELECT customer_id FROM case_row WHERE id = ?", bucket.removeprefix("case:")
        )
    ]
    whole = {cast.tail(b.removeprefix("customer:")) for b in live if b.startswith("customer:")}
    return whole, {cast.tail(c) for c in of_cases}


def barred(world: World, name: str) -> bool:
    """Whether the phone's person or device may read nothing at all now."""
    standing = world.site.rows(
        "SELECT a.active, d.state FROM device d JOIN account a ON a.staff_id = d.staff_id"
        " WHERE d.staff_id = ? AND d.name = ?",
        cast.staff_id(cast.PHONES[name]),
        name,
    )
    return not standing or not standing[0][0] or standing[0][1] != "approved"


def outside(text: str, whole: set[str], narrow: set[str], kinds: str = "OWA") -> list[cast.Found]:
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


def grants_stay_ended(world: World) -> None:
    """A grant that was revoked never runs again: a later one has an id of its own (L4)."""
    revoked = {
        grant_id: at is not None
        for grant_id, at in world.site.rows("SELECT id, revoked_at FROM grant_row")
    }
    if wrong := [i for i in world.ended if not revoked.get(i, True)]:
        raise broken("L4", f"grants that were revoked run again: {wrong}")
    world.ended = {i for i, is_revoked in revoked.items() if is_revoked}


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
            select(log.change_id, log.seq, log.verdict, log.code, log.body, log.settled_by)
        ).all()
    return {row.change_id: row for row in rows}


def nothing_lost(world: World, names: Iterable[str]) -> None:
    """What was saved is on its phone until a backup holds it (L1)."""
    log = dict(world.site.rows("SELECT change_id, seq FROM change_log"))
    backed_up_to = world.site.safe_up_to
    for name in names:
        phone = world.phones[name]
        here = {c for (c,) in phone.peek("SELECT change_id FROM outbox")}
        in_log: set[str] | None = None
        for made in list(world.authored.values()):
            if made.phone != name or made.excused:
                continue
            if made.vault == world.vaults[name] and made.change_id in here:
                continue
            seq = log.get(made.change_id)
            if seq is not None and seq <= backed_up_to:
                continue
            if made.vault != world.vaults[name]:
                in_log = sealed_here(world, phone) if in_log is None else in_log
                if made.change_id in in_log:
                    continue
            where = f"the server has it as {seq}, backed up to {backed_up_to}" if seq else "gone"
            raise broken("L1", f"{name} no longer holds change {made.number}: {where}")
        for key, body in world.drafts[name].items():
            if phone.store.parts.drafts.get(key) not in (None, body) or not phone.peek(
                "SELECT 1 FROM draft WHERE key = ?", key
            ):
                raise broken("L1", f"{name} lost a draft")


def sealed_here(world: World, phone: Phone) -> set[str]:
    """Ids of the changes in a phone's sealed log, as the server can open them."""
    device = phone.store.parts.meta.get("device_id") or world.device_ids.get(phone.name, "")
    found = set()
    for entry in phone.log.entries():
        try:
            info = SEALED_INFO + device.encode()
            held = json.loads(_SUITE.decrypt(entry.sealed, world.site.keys.seal, info=info))
        except (InvalidTag, ValueError):
            continue
        found |= {c["change_id"] for c in (held if isinstance(held, list) else [held])}
    return found


def leave_vault(world: World, phone: Phone) -> None:
    """A vault is about to be lost: what has no sealed copy goes with it, as the app says."""
    unsealed = {c for (c,) in phone.peek("SELECT change_id FROM outbox WHERE sealed = 0")}
    for made in world.authored.values():
        if made.phone == phone.name and made.change_id in unsealed:
            made.excused = "lost with a vault before it was sealed"
    if device := phone.store.parts.meta.get("device_id"):
        world.device_ids[phone.name] = device


def restored(world: World) -> None:
    """After a restore everything that the backup lacks is still on its phone (L1)."""
    nothing_lost(world, world.phones)
    world.ended.clear()  # what was decided after the backup was decided no more


def of(world: World, name: str) -> list[Authored]:
    return [made for made in world.authored.values() if made.phone == name]


# ── L4: what is dropped ───────────────────────────────────────────────────────────────────


def drops(world: World, phone: Phone) -> None:
    """A bucket leaves a phone because its grant ended, and never by mistake (L4)."""
    held = {name for (name,) in phone.peek("SELECT name FROM bucket")}
    gone = world.held_buckets.get(phone.name, set()) - held
    world.held_buckets[phone.name] = held
    latest = max(to_wire(world.site.clock.now()), to_wire(phone.store.now()))
    for bucket in sorted(gone):
        ends = world.site.rows(
            "SELECT min(coalesce(revoked_at, expires_at), coalesce(expires_at, revoked_at))"
            " FROM grant_row WHERE staff_id = ? AND bucket = ?",
            phone.id,
            bucket,
        )
        if any(end is not None and end <= latest for (end,) in ends):
            continue
        if not barred(world, phone.name) and (bucket, phone.name) not in world.ran_out:
            raise broken("L4", f"{phone.name} dropped {bucket}, of which no grant has ended")


# ── L4: what a screen shows ───────────────────────────────────────────────────────────────


def screens(world: World, phone: Phone) -> None:
    """No screen shows a record of a bucket whose grants have all ended by the phone's own time."""
    now = to_wire(phone.store.now())
    # By what it was told when it was last looked at as well: it may have died since, with its clock
    # set forward, and have ended what had run out before anyone looks again.
    told = world.told_ends.get(phone.name, set())
    held = set(
        phone.peek(
            "SELECT b.name, g.expires_at FROM held_grant g JOIN bucket b ON b.no = g.bucket"
            " WHERE g.expires_at IS NOT NULL"
        )
    )
    world.told_ends[phone.name] = held
    world.ran_out |= {(bucket, phone.name) for bucket, end in told | held if end <= now}
    drops(world, phone)
    if phone.readable() is not None:
        return
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
    hidden = [
        (entity, record_id)
        for entity, record_id, bucket in phone.peek(
            "SELECT entity, record_id, bucket FROM outbox o WHERE verdict IS NULL"
            " AND entity NOT IN ('look', 'survey_answer')"
            ' AND change LIKE \'%"kind":"create"%\' AND NOT EXISTS'
            " (SELECT 1 FROM shown_row v WHERE v.entity = o.entity AND v.id = o.record_id)"
        )
        if bucket in open_now
    ]
    if hidden:
        raise broken("L1", f"{phone.name} does not show its author {hidden}")
