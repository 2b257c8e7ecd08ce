"""The policy's versions: which there are, what a new one would change, and how it is stored or
taken back before it holds.

A version holds what was decided and nothing else: settings that nobody ever set follow their
defaults. A new one is laid over the last, and holds later than every one before it, so that none
undoes what it did not know. What runs under an older version goes on under it: a case's clocks by
the version that held when it was opened, a grant to the end that it was given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from shared.clock import from_wire, to_wire
from shared.errors import Code, Refusal
from shared.ids import derived_id
from shared.policy import DEFAULTS, SETTINGS, PolicySettings, check_settings, settings_from
from sync_server.db.base import Database
from sync_server.db.records import RECORDS
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.policy_effects import Effects, effects_of
from sync_server.services.writing import Author, Unit, write

_POLICY = RECORDS["policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version. `state`: ``past``, ``holds`` (now), ``coming``, or ``withdrawn`` before it held.
    `settings` are those that were ever set, here or before; `made_by` is a member of staff."""

    id: str
    version: int
    holds_from: str
    made_at: str
    made_by: str | None
    state: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One setting's way."""

    name: str
    before: int | str | bool
    after: int | str | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a new version would be and do. `base` is the version that it is laid over: hand it in
    again when storing, and nobody's version in between is overlooked."""

    version: int
    base: int
    holds_from: str
    changes: Sequence[Change]
    effects: Effects


def versions(connection: Connection, org_id: str, now: datetime) -> list[Version]:
    """All of them, the newest first."""
    query = select(_POLICY).where(_POLICY.c.org_id == org_id).order_by(_POLICY.c.version)
    rows = connection.execute(query).all()
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row.holds_from, row.version)
    begun = [since for since in first if from_wire(since) <= now]
    holding = max(begun, default="")

    def state(row: Any) -> str:
        if first[row.holds_from] != row.version:
            return "withdrawn"
        if row.holds_from > holding:
            return "coming"
        return "holds" if row.holds_from == holding else "past"

    return [
        Version(
            id=row.id,
            version=row.version,
            holds_from=row.holds_from,
            made_at=row.created_at,
            made_by=row.created_by,
            state=state(row),
            settings=row.settings,
        )
        for row in reversed(rows)
    ]


def latest(connection: Connection, org_id: str, now: datetime) -> tuple[int, PolicySettings]:
    """The newest version that was not withdrawn, whether it holds yet or not: what a new one is
    laid over. Version 0 with the defaults where there is none."""
    return _latest(versions(connection, org_id, now))


def holding(there: Sequence[Version]) -> PolicySettings:
    """The settings that hold now; `there` as `versions` gives them."""
    found = next((one for one in there if one.state == "holds"), None)
    return settings_from(found.settings) if found else DEFAULTS


def propose(
    connection: Connection,
    org_id: str,
    changed: Mapping[str, Any],
    holds_from: datetime | None,
    now: datetime,
    base: int | None = None,
) -> Proposal:
    """What the settings `changed` would do from `holds_from` (None: at once). Reads only.

    Refuses FIELD_INVALID for a value out of its bounds, for a time that is past or not after the
    last version's (`holds_from`), and where nothing changes (`settings`); UNKNOWN_FIELD; and
    MOVE_NOT_ALLOWED where `base` is not the newest version any more.
    """
    there = versions(connection, org_id, now)
    number, before = _latest(there)
    if base is not None and base != number:
        raise Refusal(Code.MOVE_NOT_ALLOWED, before=base, after=number)
    after = check_settings(changed, before)
    begins = max(holds_from or now, now)
    if holds_from is not None and holds_from < now:
        raise Refusal(Code.FIELD_INVALID, field="policy.holds_from", wanted="now or later")
    last = max((one.holds_from for one in there), default="")
    if to_wire(begins) <= last:
        raise Refusal(Code.FIELD_INVALID, field="policy.holds_from", wanted=f"after {last}")
    changes = differences(before, after)
    if not changes:
        raise Refusal(Code.FIELD_INVALID, field="policy.settings", wanted="a change")
    return Proposal(
        version=max((one.version for one in there), default=0) + 1,
        base=number,
        holds_from=to_wire(begins),
        changes=changes,
        effects=effects_of(connection, org_id, before, after, now),
    )


def add_version(
    db: Database,
    who: Caller | audit.Actor,
    changed: Mapping[str, Any],
    holds_from: datetime | None,
    now: datetime,
    base: int | None = None,
) -> Proposal:
    """Stores what `propose` shows, which also says what it refuses; phones have it with their next
    sync."""

    def work(unit: Unit) -> Proposal:
        made = propose(unit.connection, who.org_id, changed, holds_from, unit.now, base)
        there = versions(unit.connection, who.org_id, unit.now)
        raw = next((one.settings for one in there if one.version == made.base), {})
        record_id = derived_id(who.org_id, "policy", str(made.version))
        if unit.get("policy", record_id) is not None:
            raise Refusal(Code.RECORD_EXISTS, entity="policy")
        row = {
            "id": record_id,
            "version": made.version,
            "holds_from": made.holds_from,
            "settings": {**raw, **{one.name: one.after for one in made.changes}},
        }
        unit.create("policy", row, Author(staff_id=who.staff_id))
        audit.note(
            unit, who, Action.POLICY_CHANGED, subject=("policy", record_id),
            version=made.version, settings=len(made.changes),
        )  # fmt: skip
        return made

    return write(db, who.org_id, now, work)


def withdraw(db: Database, who: Caller | audit.Actor, version: int, now: datetime) -> None:
    """Takes the newest version back before it holds. Refuses RECORD_MISSING, and MOVE_NOT_ALLOWED
    for one that holds already, or that another was laid over.

    Records are never deleted, and phones may have it already: it becomes a copy of the version
    before it, of the same time and the same settings, which changes nothing on any phone.
    """

    def work(unit: Unit) -> None:
        there = versions(unit.connection, who.org_id, unit.now)
        found = next((one for one in there if one.version == version), None)
        if found is None:
            raise Refusal(Code.RECORD_MISSING, entity="policy")
        standing = [one for one in there if one.state != "withdrawn"]
        if found.state != "coming" or found != standing[0] or len(standing) == 1:
            raise Refusal(Code.MOVE_NOT_ALLOWED, before=found.state, after="withdrawn")
        before = standing[1]
        same = {"holds_from": before.holds_from, "settings": dict(before.settings)}
        for one in there:  # itself, and those that were made its copies
            if one.holds_from == found.holds_from:
                unit.update("policy", one.id, same, Author(staff_id=who.staff_id))
        audit.note(
            unit, who, Action.POLICY_CHANGED, subject=("policy", found.id),
            version=version, withdrawn=True,
        )  # fmt: skip

    write(db, who.org_id, now, work)


def differences(before: PolicySettings, after: PolicySettings) -> list[Change]:
    """What differs, in the order of declaration."""
    return [
        Change(name=name, before=getattr(before, name), after=getattr(after, name))
        for name in SETTINGS
        if getattr(before, name) != getattr(after, name)
    ]


def changes_of(there: Sequence[Version]) -> dict[int, list[Change]]:
    """What each version changed in the one before it, by its number; `there` as `versions` gives
    them. Nothing for one that was withdrawn."""
    found: dict[int, list[Change]] = {}
    before = DEFAULTS
    for one in reversed(there):
        after = settings_from(one.settings)
        found[one.version] = [] if one.state == "withdrawn" else differences(before, after)
        before = before if one.state == "withdrawn" else after
    return found


def _latest(there: Sequence[Version]) -> tuple[int, PolicySettings]:
    newest = next((one for one in there if one.state != "withdrawn"), None)
    return (newest.version, settings_from(newest.settings)) if newest else (0, DEFAULTS)


__all__ = [
    "Change",
    "Proposal",
    "Version",
    "add_version",
    "changes_of",
    "differences",
    "holding",
    "latest",
    "propose",
    "versions",
    "withdraw",
]
