"""A unit of work: what a person did with one tap, in one durable transaction or not at all (L1).

Everything is checked as it is said and kept in memory; `commit` writes the rows on top, the
outbox entries, the files and the drafts together. A unit that is left without `commit` has done
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import apsw

from mobile.store import overlay
from mobile.store.authorship import WritingGrant, checked, grant_for
from mobile.store.blobs import Blobs, content_hash
from mobile.store.case_numbers import take_case_number
from mobile.store.commits import Commits
from mobile.store.drafts import Drafts
from mobile.store.gate import Gate, TrustedTime
from mobile.store.meta import LOOK_CHAIN, LOOKS, STAFF, Meta
from mobile.store.outbox import Outbox
from mobile.store.records import Records
from shared import looks
from shared.clock import from_wire, to_wire
from shared.codec import read, write
from shared.declare import ENTITIES, Entity, Record, entity_of
from shared.entities import File, Look
from shared.errors import Code, Refusal
from shared.ids import new_id, random_id
from shared.policy import PolicySettings
from shared.wire import Change

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a unit works with: the parts of one open vault."""

    db: apsw.Connection
    meta: Meta
    gate: Gate
    time: TrustedTime
    commits: Commits
    records: Records
    outbox: Outbox
    blobs: Blobs
    drafts: Drafts


@dataclass(slots=True)
class _Edit:
    """What this unit does to one record; several edits become one change."""

    entity: Entity
    id: str
    grant: WritingGrant
    creating: bool
    row: dict[str, Any]
    fields: dict[str, Any] = field(default_factory=dict)
    base: dict[str, int] = field(default_factory=dict)


class Unit:
    """One unit of work over a vault's `Parts`; get one from `Store.unit()`, and use it in a
    `with`: leaving that, with or without an exception, forgets what was not committed."""

    def __init__(self, parts: Parts, policy: PolicySettings) -> None:
        self._parts = parts
        self._policy = policy
        self._edits: dict[tuple[str, str], _Edit] = {}
        self._files: list[tuple[str, str, bytes]] = []
        self._drafts_done: list[str] = []
        self._looks: tuple[int, str] | None = None
        self._case_numbers: list[str] = []
        self._now = parts.gate.settle()
        self._user: str = (parts.meta.get(STAFF) or {}).get("id", "")

    def __enter__(self) -> Unit:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.forget()

    def create(self, record: R) -> R:
        """A new record. Its marks are set by whoever applies it. Refuses what `authorship`
        refuses, and `record_exists` for an id that is taken."""
        entity = entity_of(type(record))
        key = (entity.name, record.id)
        if key in self._edits or self._parts.records.unguarded(*key):
            raise Refusal(Code.RECORD_EXISTS, entity=entity.name)
        row = write(record)
        above = (("customer", row.get(entity.customer, "")), ("case", row.get(entity.case, "")))
        new = [edit for key in above if (edit := self._edits.get(key)) and edit.creating]
        grant = grant_for(
            self._parts.db,
            entity,
            row,
            creating=True,
            user=self._user,
            now=self._now,
            under=[edit.grant.bucket for edit in new],
        )
        values = {name: row[name] for name in entity.fields if name in row}
        fields = checked(
            entity, {}, values, grant.role, creating=True, most_bytes=self._policy.max_record_bytes
        )
        row = {"id": record.id, "created_at": self._now, "created_by": self._user, **fields}
        self._edits[key] = _Edit(entity, record.id, grant, True, row, fields)
        return read(type(record), row)

    def update(self, record: R, **values: Any) -> R:
        """The record with `values` changed (None clears a field). What is already so is left out.

        `record` is what the author saw: where the stored value of a field has moved on since, the
        change says that its author had not seen it. Refuses `record_missing` and what
        `authorship` refuses.
        """
        entity = entity_of(type(record))
        edit = self._edit(entity, record.id)
        fields = checked(
            entity,
            edit.row,
            values,
            edit.grant.role,
            creating=False,
            most_bytes=self._policy.max_record_bytes,
        )
        seen = write(record)
        shown = self._parts.records.unguarded(entity.name, record.id)
        for name in fields:
            if shown is not None and name not in edit.base:
                edit.base[name] = shown.seq if shown.row.get(name) == seen.get(name) else 0
        edit.fields |= fields
        edit.row = {n: v for n, v in {**edit.row, **fields}.items() if v is not None and v != []}
        return read(type(record), edit.row)

    def _edit(self, entity: Entity, record_id: str) -> _Edit:
        key = (entity.name, record_id)
        if key not in self._edits:
            shown = self._parts.records.unguarded(*key)
            if shown is None:
                raise Refusal(Code.RECORD_MISSING, entity=entity.name)
            grant = grant_for(
                self._parts.db, entity, shown.row, creating=False, user=self._user, now=self._now
            )
            self._edits[key] = _Edit(entity, record_id, grant, False, shown.row)
        return self._edits[key]

    def attach(self, file: File, data: bytes) -> File:
        """A photo or document with its bytes; its hash and size are filled in. Refuses
        `file_too_large`."""
        limit = self._policy.most_bytes(file.media_type)
        if len(data) > limit:
            raise Refusal(Code.FILE_TOO_LARGE, limit=limit, length=len(data))
        made = self.create(replace(file, sha256=content_hash(data), bytes=len(data)))
        self._files.append((made.id, made.media_type, data))
        return made

    def look(self, customer_id: str, entity: str, record_id: str, what: str = "opened") -> Look:
        """Put on record that a detail was looked at (L7), as the next entry of this store's
        chain."""
        return self._look(
            customer_id=customer_id, entity=ENTITIES[entity].name, record_id=record_id, what=what
        )

    def search(self, hits: int) -> Look:
        """Put on record that somebody searched, and how many hits there were; never for what."""
        return self._look(entity="search", record_id=new_id(), what="searched", hits=hits)

    def _look(self, **seen: Any) -> Look:
        number, previous = self._looks or self._parts.meta.get(LOOKS) or (0, looks.FIRST)
        chain = self._parts.meta.get(LOOK_CHAIN) or {}
        if number == 0 and chain:
            seen |= {"began_at": from_wire(chain["began_at"]), "signature": chain["signature"]}
        made = self.create(
            Look(
                id=new_id(),
                looked_at=self._parts.time.now(),
                number=number + 1,
                previous=previous,
                chain_id=chain.get("id"),
                **seen,
            )
        )
        self._looks = (number + 1, looks.entry_hash(write(made)))
        return made

    def case_number(self) -> str:
        """The next number for a case that this device opens, from the blocks that the server
        handed it."""
        number = take_case_number(self._parts.meta, skip=len(self._case_numbers))
        self._case_numbers.append(number)
        return number

    def discard_draft(self, key: str) -> None:
        """The draft has become a record: it goes with the commit."""
        self._drafts_done.append(key)

    def commit(self) -> None:
        """Write everything, durably. A unit that changes nothing writes nothing; a second call
        does nothing.

        Refuses `disk_full`; then nothing was written, and the unit may be committed again.
        """
        parts = self._parts
        claimed, reading = to_wire(parts.time.now()), parts.time.reading()
        with parts.commits.begin() as touched:
            if self._looks:
                parts.meta.put(LOOKS, list(self._looks))
            for _ in self._case_numbers:
                take_case_number(parts.meta, skip=0, keep=False)
            for key in self._drafts_done:
                parts.drafts.discard(key)
            for file_id, media_type, data in self._files:
                parts.blobs.add(file_id, media_type, data, verified=False)
            for edit in self._changed():
                change = Change(
                    change_id=random_id() if edit.entity.anonymous else new_id(),
                    number=parts.outbox.next_number(),
                    grant_id=edit.grant.id,
                    entity=edit.entity.name,
                    record_id=edit.id,
                    kind="create" if edit.creating else "update",
                    fields=edit.fields,
                    base=edit.base,
                    claimed_at=claimed,
                    boot_id=reading.boot,
                    monotonic_ms=reading.monotonic_ms,
                )
                parts.outbox.add(change, str(edit.grant.bucket))
                touched.add((edit.entity.name, edit.id))
            overlay.refresh(parts.db, touched)
        self.forget()

    def forget(self) -> None:
        """Drop what was not committed."""
        self._edits.clear()
        self._files.clear()
        self._drafts_done.clear()
        self._case_numbers.clear()
        self._looks = None

    def _changed(self) -> Iterator[_Edit]:
        return (edit for edit in self._edits.values() if edit.creating or edit.fields)
