"""The end of a run: everything is mended, everyone syncs until nothing moves any more, and then the
laws are checked against what was authored."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from mobile.store.files import VaultFiles
from mobile.store.vault import open_vault
from mobile.sync.sealed import hand_in
from shared.access import Bucket, buckets_of, companions_of, parse_bucket, project
from shared.clock import to_wire
from shared.declare import ENTITIES, Merge
from shared.errors import Code, Refusal
from shared.rows import DIGEST_MASK, body_text, digest
from shared.wire import SealedRequest
from sync_server.db.log import ALARM, BUCKET_HEAD, FEED, HISTORY
from sync_server.db.records import RECORDS, to_row
from sync_server.db.surveys import EVERYTHING, SURVEY_TALLY
from tests.sim import cast
from tests.sim.disk import SimDisk, SimFiles
from tests.sim.oracle import barred, broken, covered, drops, outside, server_log
from tests.sim.phone import VAULT

if TYPE_CHECKING:
    from tests.sim.oracle import Authored
    from tests.sim.phone import Phone
    from tests.sim.world import World

MOST_ROUNDS = 8
REFUSED_FOR_GOOD = frozenset({"unknown_field"})
"""Codes with which a change that its own app let through may be rejected all the same."""


async def mend(world: World) -> None:
    """No faults any more; all sync until nobody has anything to say."""
    world.site.trouble = None
    for name, phone in world.phones.items():
        phone.disk.full_after = phone.disk.steps_left = None
        phone.clock.off = timedelta(0)
        await world.finish(name)
    world.pass_time(minutes=3)
    quiet: dict[str, object] = {}  # phone → the server's state when it had nothing more to say
    for _ in range(MOST_ROUNDS):
        for name in world.phones:
            if quiet.get(name) != world.site.state():
                moved = await _one_more(world, name)
                quiet[name] = None if moved else world.site.state()
        if all(state == world.site.state() for state in quiet.values()):
            return
    raise broken("L1", f"after {MOST_ROUNDS} rounds someone still has something to say")


async def _one_more(world: World, name: str) -> bool:
    """One sync; whether anything came or went."""
    phone = world.phones[name]
    if not phone.signed_in:
        try:
            await world.drive(name, phone.sign_in())
        except Refusal as refusal:
            if refusal.code not in (Code.USER_INACTIVE, Code.DEVICE_BLOCKED):
                raise
            return await only_the_log(world, phone)
    report = await world.sync(name)
    if report.code is Code.SIGN_IN_REQUIRED:
        return True
    if not report.ok:
        raise broken("L1", f"{name} can't sync although all is well: {report}")
    waiting = phone.peek(
        "SELECT number, held_by, change FROM outbox WHERE verdict IS NULL ORDER BY number"
    )
    return bool(report.sent or report.received or report.files or report.repaired or waiting)


async def only_the_log(world: World, phone: Phone) -> bool:
    """Who can't sign in any more hands in the sealed log."""
    await phone.seal()
    reading = phone.time.reading()
    head = SealedRequest(
        device_id=phone.store.parts.meta.get("device_id") or world.device_ids.get(phone.name, ""),
        app_version="1.0",
        sent_at=to_wire(phone.store.now()),
        boot_id=reading.boot,
        monotonic_ms=reading.monotonic_ms,
        entries=[],
    )
    world.note("barred for good: the sealed log was handed in")
    await world.drive(phone.name, hand_in(phone.peer, phone.log, head))
    return False


def check(world: World) -> None:
    """Every law, after `mend`."""
    rows = _typed_rows(world)
    log = server_log(world)
    captured(world, rows, log)
    once(world, rows)
    feed = _feed(world)
    _scopes(world, rows, feed)
    for name, phone in world.phones.items():
        drops(world, phone)
        if phone.signed_in:
            _agrees(world, phone, feed)
        _forgot_what_ended(world, phone)
        _waits_for_nothing(world, name, log)


# ── L1 ────────────────────────────────────────────────────────────────────────────────────


def captured(world: World, rows: dict[str, dict[str, Any]], log: dict[str, Any]) -> None:
    """Every authored change is in the log word for word, and its values are in the record, its
    history, or a conflict (L1)."""
    past = _history(world)
    conflicts = list(rows["conflict"].values())
    for made in world.authored.values():
        row = log.get(made.change_id)
        if row is None:
            if made.excused:
                continue
            raise broken("L1", f"{_told(made)} never arrived")
        change = made.change
        if ENTITIES[change["entity"]].anonymous:  # of which no more than that is kept
            if row.verdict != "applied":
                raise broken("L1", f"{_told(made)} was {row.verdict}: {row.code}")
            continue
        if not _same(json.loads(row.body), change):
            raise broken("L1", f"{_told(made)} arrived as something else")
        if row.verdict == "rejected":
            _rejected(world, made, row, rows)
        elif row.verdict != "quarantined" and change["entity"] not in ("conflict", "look"):
            _values_kept(made, rows, past, conflicts)
    _files(world, rows)
    _nobody_overwritten(world, rows, past, conflicts)


def _nobody_overwritten(
    world: World,
    rows: dict[str, dict[str, Any]],
    past: dict[tuple[str, str], list[dict[str, Any]]],
    conflicts: list[dict[str, Any]],
) -> None:
    """Who had not seen a colleague's value does not replace it: a person decides (L1)."""
    replaced: dict[str, Any] = {}
    with world.site.database.read() as connection:
        query = select(HISTORY).where(HISTORY.c.change_id.is_not(None))
        for row in connection.execute(query):
            replaced[row.change_id] = row
    stood = {
        (record, name, value)
        for (entity, record), versions in past.items()
        for row in (*versions, rows[entity].get(record, {}))
        for name, value in row.items()
        if isinstance(value, str)
    }
    resolved = {(c["record_id"], c["field"]) for c in conflicts if c.get("resolution")}
    wrote: dict[tuple[str, str, str], tuple[str, int]] = {}
    edits = [m for m in world.authored.values() if m.change_id in replaced]
    for made in edits:
        for name, value in made.change["fields"].items():
            if isinstance(value, str):
                number = replaced[made.change_id].replaced_by
                wrote[made.change["record_id"], name, value] = (made.phone, number)
    for made in edits:
        change, before = made.change, json.loads(replaced[made.change_id].body)
        for name in change["fields"]:
            if ENTITIES[change["entity"]].fields[name].merge is not Merge.MANUAL:
                continue
            by = wrote.get((change["record_id"], name, str(before.get(name))))
            if by is None or by[0] == made.phone or (change["record_id"], name) in resolved:
                continue
            if (change["record_id"], name, change["fields"][name]) not in stood:
                continue  # it became a conflict; other fields of the change did not
            if change.get("base", {}).get(name, 0) < by[1]:
                raise broken("L1", f"{_told(made)} replaced what {by[0]} wrote, unseen")


def _files(world: World, rows: dict[str, dict[str, Any]]) -> None:
    """The bytes of each attached file are at the server, or their author sees why not; what the
    server calls verified is on its disk (L1)."""
    there = {path.name for path in world.site.files.glob("*/??/*")}
    for row in rows["file"].values():
        if row.get("verified_at"):
            world.note("file verified")
            if row["sha256"] not in there:
                raise broken("L1", f"file {row['id']} is verified and not on the server's disk")
    for made in world.authored.values():
        change, phone = made.change, world.phones[made.phone]
        taken = change["entity"] == "file" and change["record_id"] in rows["file"]
        lost = made.vault != world.vaults[made.phone] or made.excused
        if not taken or lost or not phone.signed_in or barred(world, made.phone):
            continue
        if rows["file"][change["record_id"]].get("verified_at"):
            continue
        code = phone.peek("SELECT held_by FROM blob WHERE file_id = ?", change["record_id"])
        if not code or code[0][0] is None:
            raise broken("L1", f"the bytes of {_told(made)} never arrive")


def _told(made: Authored) -> str:
    change = made.change
    names = ", ".join(change["fields"])
    return (
        f"change {made.number} of {made.phone} ({change['kind']} {change['entity']}"
        f" {change['record_id'][-12:]}: {names})"
    )


def _same(stored: dict[str, Any], authored: dict[str, Any]) -> bool:
    defaults: dict[str, Any] = {"base": {}, "protocol": 1}
    return {**defaults, **stored} == {**defaults, **authored}


def _rejected(world: World, made: Authored, row: Any, rows: dict[str, dict[str, Any]]) -> None:
    world.note(f"rejected for good: {row.code}")
    if row.code in REFUSED_FOR_GOOD or row.settled_by:  # or a manager refused it
        return
    change = made.change
    named = {v for k, v in change["fields"].items() if k.endswith("_id") and isinstance(v, str)}
    named.add(change["record_id"])
    for entity in ENTITIES:
        named -= set(rows.get(entity, {}))
    if row.code == "record_missing" and named:
        return  # what it builds on was lost with a restore, or waits in quarantine
    raise broken("L1", f"{_told(made)} was rejected: {row.code}")


def _values_kept(
    made: Authored,
    rows: dict[str, dict[str, Any]],
    past: dict[tuple[str, str], list[dict[str, Any]]],
    conflicts: list[dict[str, Any]],
) -> None:
    change = made.change
    entity, record_id = change["entity"], change["record_id"]
    row = rows[entity].get(record_id)
    if row is None:
        raise broken("L1", f"{_told(made)} was applied and its record is not there")
    versions = [row, *past.get((entity, record_id), [])]
    declared = ENTITIES[entity].fields
    for name, value in change["fields"].items():
        if declared[name].merge is Merge.MAX and value is not None:
            if max(v.get(name) or value for v in versions) >= value:
                continue
        if declared[name].merge is Merge.APPEND:
            have = [item for v in versions for item in v.get(name) or []]
            if all(item in have for item in value or []):
                continue
        elif any((v.get(name) or None) == (value or None) for v in versions):
            continue
        if any(
            c["record_id"] == record_id
            and c["field"] == name
            and value in (c.get("other_value"), c.get("kept_value"), c.get("edited_value"))
            for c in conflicts
        ):
            continue
        raise broken("L1", f"{_told(made)}: its {name} is nowhere")


# ── L2 ────────────────────────────────────────────────────────────────────────────────────


def once(world: World, rows: dict[str, dict[str, Any]]) -> None:
    """No record, list item, look or conflict is there twice (L2)."""
    numbers: dict[str, str] = {}
    for case in rows["case"].values():
        if numbers.setdefault(case["number"], case["id"]) != case["id"]:
            raise broken("L2", f"two cases have the number {case['number']}")
    for entity in ("visit", "callback"):
        for row in rows[entity].values():
            for name in ("photo_ids", "attempts"):
                items = [json.dumps(i, sort_keys=True) for i in row.get(name) or []]
                if len(items) != len(set(items)):
                    raise broken("L2", f"{entity} {row['id']} has something twice in {name}")
    asked: set[tuple[str, str]] = set()
    for conflict in rows["conflict"].values():
        key = (conflict.get("change_id") or "", conflict["field"])
        if key in asked:
            raise broken("L2", f"two conflicts about one field of one change: {key}")
        asked.add(key)
    looks = {m.change["record_id"] for m in world.authored.values() if m.change["entity"] == "look"}
    if extra := set(rows["look"]) - looks:
        raise broken("L2", f"looks that nobody took: {extra}")
    _counted_once(world)
    with world.site.database.read() as connection:
        alarms = connection.execute(select(ALARM.c.kind, ALARM.c.subject_id)).all()
        seqs = connection.execute(
            select(HISTORY.c.entity, HISTORY.c.record_id, HISTORY.c.change_id).where(
                HISTORY.c.change_id.is_not(None)
            )
        ).all()
    for alarm in alarms:
        world.note(f"alarm {alarm.kind}")
        if alarm.kind == "change_id_reused":
            raise broken("L2", f"alarm {alarm.kind} for {alarm.subject_id}")
    if len(seqs) != len(set(seqs)):
        raise broken("L2", "one change made two versions of a record")


def _counted_once(world: World) -> None:
    """Each anonymous answer that has an outcome is one more in the tallies (L2)."""
    log = server_log(world)
    came = sum(
        ENTITIES[made.change["entity"]].anonymous and made.change_id in log
        for made in world.authored.values()
    )
    tally = SURVEY_TALLY.c
    with world.site.database.read() as connection:
        total = select(func.sum(tally.amount)).where(tally.question == EVERYTHING)
        counted = connection.scalar(total) or 0
    if counted != came:
        raise broken("L2", f"{came} answers came, {counted} are counted")


def _waits_for_nothing(world: World, name: str, log: dict[str, Any]) -> None:
    phone = world.phones[name]
    if not phone.signed_in:
        return
    unsettled = phone.peek("SELECT number FROM outbox WHERE verdict IS NULL")
    if unsettled:
        raise broken("L1", f"{name} still waits with {unsettled}")
    told = phone.peek("SELECT change_id, seq, verdict FROM outbox")
    for change_id, seq, verdict in told:
        row = log.get(change_id)
        if row is None or row.seq != seq or (row.verdict != verdict and verdict != "quarantined"):
            raise broken("L2", f"{name} heard {verdict} as {seq}, the server has {row}")
    files = phone.peek("SELECT sha256, held_by FROM blob WHERE verified = 0")
    if files and any(code is None for _, code in files):
        raise broken("L1", f"{name} has files that nobody asks for: {files}")


# ── L4 ────────────────────────────────────────────────────────────────────────────────────


def _forgot_what_ended(world: World, phone: Phone) -> None:
    """Nothing of an ended grant can be read: not in a table, not in a page that was let go, not
    with an old key (L4)."""
    if not phone.signed_in:
        return
    whole, narrow = covered(world, phone.who, world.site.clock.now())
    if barred(world, phone.name):
        whole, narrow = set(), set()
    whole |= _held_and_closed(world, phone)
    for table in ("server_row", "pending_row"):
        for (body,) in phone.peek(f"SELECT body FROM {table}"):
            if wrong := outside(body, whole, narrow):
                raise broken("L4", f"{table} of {phone.name} shows {wrong}")
    for (text,) in phone.peek("SELECT text FROM finding"):
        if wrong := outside(text, whole, narrow):
            raise broken("L4", f"search of {phone.name} finds {wrong}")
    assert phone.db is not None
    image = phone.db.serialize("main").decode("latin-1")
    if wrong := outside(image, whole, narrow, "O"):
        raise broken("L4", f"a page of {phone.name}'s vault still holds {wrong}")
    if phone.store.inbound.rekey_due():
        raise broken("L4", f"{phone.name} has yet to change its key")
    if phone.keys.old:
        _old_key_opens_nothing(phone)


def _held_and_closed(world: World, phone: Phone) -> set[str]:
    """Customers under grants that a restored server lost: nobody said that they ended, so they
    are kept and shown to no one (design §5, Client)."""
    known = {i for (i,) in world.site.rows("SELECT id FROM grant_row")}
    closed = {
        bucket
        for grant, bucket in phone.peek("SELECT id, bucket FROM held_grant WHERE NOT listed")
        if grant not in known
    }
    customers = phone.peek("SELECT DISTINCT bucket, customer_id FROM server_row")
    return {cast.tail(customer) for bucket, customer in customers if bucket in closed and customer}


def _old_key_opens_nothing(phone: Phone) -> None:
    files: VaultFiles = SimFiles(SimDisk({n: bytes(d) for n, d in phone.disk.files.items()}))
    with suppress(StopIteration):
        files.claim(VAULT).send(None)
    try:
        open_vault(files, VAULT, phone.keys.old[-1]).close()
    except Refusal as refusal:
        if refusal.code is Code.VAULT_WRONG_KEY:
            return
        raise
    finally:
        with suppress(StopIteration):
            files.release(VAULT).send(None)
    raise broken("L4", f"an old key still opens the vault of {phone.name}")


# ── L5 ────────────────────────────────────────────────────────────────────────────────────

Shown = dict[str, dict[tuple[str, str], tuple[int, str]]]
"""Bucket → (entity, id) → number and body."""


def _feed(world: World) -> Shown:
    feed = FEED.c
    found: Shown = {}
    with world.site.database.read() as connection:
        for row in connection.execute(
            select(feed.bucket, feed.entity, feed.record_id, feed.seq, feed.body).where(
                feed.body.is_not(None)
            )
        ):
            found.setdefault(row.bucket, {})[row.entity, row.record_id] = (row.seq, row.body)
    return found


def _typed_rows(world: World) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    with world.site.database.read() as connection:
        for entity, table in RECORDS.items():
            rows = connection.execute(select(table)).all()
            found[entity] = {row.id: to_row(entity, row) for row in rows}
    return found


def _history(world: World) -> dict[tuple[str, str], list[dict[str, Any]]]:
    past: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with world.site.database.read() as connection:
        for row in connection.execute(
            select(HISTORY.c.entity, HISTORY.c.record_id, HISTORY.c.body)
        ):
            past.setdefault((row.entity, row.record_id), []).append(json.loads(row.body))
    return past


def _live_buckets(world: World, who: str) -> set[str]:
    now, found = to_wire(world.site.clock.now()), set()
    for grant in world.grants.values():
        if grant["staff_id"] == cast.staff_id(who) and grant["not_before"] <= now:
            ends = [e for e in (grant.get("expires_at"), grant.get("revoked_at")) if e]
            if all(end > now for end in ends):
                found.add(grant["bucket"])
    return found


def _scopes(world: World, rows: dict[str, dict[str, Any]], feed: Shown) -> None:
    """The feed of every bucket that someone holds is what the records say that it shows."""
    world.grants = rows["grant"]
    held = {b for who in cast.PEOPLE for b in _live_buckets(world, who)}
    wanted: Shown = {bucket: {} for bucket in held}
    for entity, declared in ENTITIES.items():
        for row in rows.get(entity, {}).values():  # what is anonymous is kept as tallies
            places = {str(b) for b in buckets_of(declared, row)}
            for bucket in places & held:
                wanted[bucket][entity, row["id"]] = (0, _body(entity, row, parse_bucket(bucket)))
    for case in rows["case"].values():
        opened = Bucket("case", case["id"])
        if str(opened) in held:
            for entity, record_id in companions_of(case):
                body = _body(entity, rows[entity][record_id], opened)
                wanted[str(opened)][entity, record_id] = (0, body)
    heads = {}
    with world.site.database.read() as connection:
        for head in connection.execute(select(BUCKET_HEAD)):
            heads[head.bucket] = (head.row_count, head.digest)
    for bucket in sorted(held):
        shown = feed.get(bucket, {})
        if {k: v[1] for k, v in shown.items()} != {k: v[1] for k, v in wanted[bucket].items()}:
            have = {(k, v[1]) for k, v in shown.items()}
            odd = sorted(have ^ {(k, v[1]) for k, v in wanted[bucket].items()})[:2]
            raise broken("L5", f"the feed of {bucket} is not what its records are: {odd}")
        total = sum(digest(e, i, body) for (e, i), (_, body) in shown.items()) & DIGEST_MASK
        if heads.get(bucket, (0, 0)) != (len(shown), total):
            raise broken("L5", f"the head of {bucket} counts wrong")


def _body(entity: str, row: dict[str, Any], bucket: Bucket) -> str:
    return body_text(project(ENTITIES[entity], row, bucket))


def _agrees(world: World, phone: Phone, feed: Shown) -> None:
    """The copy is what the server would send afresh, and shows nothing else (L5)."""
    held = set() if barred(world, phone.name) else _live_buckets(world, phone.who)
    wanted = {
        (bucket, *key, *value) for bucket in held for key, value in feed.get(bucket, {}).items()
    }
    have = set(
        phone.peek(
            "SELECT b.name, s.entity, s.id, s.seq, s.body FROM server_row s"
            " JOIN bucket b ON b.no = s.bucket WHERE EXISTS"
            " (SELECT 1 FROM held_grant g WHERE g.bucket = b.no AND g.listed)"
        )
    )
    if have != wanted:
        odd = sorted(have ^ wanted, key=str)[:3]
        raise broken("L5", f"{phone.name} differs from the server in {len(have ^ wanted)}: {odd}")
    lying = phone.peek("SELECT entity, id FROM pending_row")
    if lying:
        raise broken("L5", f"{phone.name} shows settled changes over the server's: {lying}")
