"""Files, and the two kinds of entry that an auditor reads: looks (L7) and conflicts (L1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.declare import (
    FIELD_ROLES,
    SERVER_ONLY,
    Merge,
    Personal,
    Record,
    Role,
    boolean,
    choice,
    entity,
    instant,
    integer,
    json_value,
    reference,
    text,
)


@entity("file", customer="customer_id", case="case_id", at="taken_at", creators=FIELD_ROLES)
@dataclass(frozen=True, slots=True, kw_only=True)
class File(Record):
    """A photo or document, addressed by the SHA-256 of its bytes. The bytes travel apart (tus
    1.0)."""

    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, case=True)
    case_id: str | None = reference("case", merge=Merge.IMMUTABLE, case=True)
    visit_id: str | None = reference("visit", merge=Merge.IMMUTABLE)
    report_id: str | None = reference("report", merge=Merge.IMMUTABLE, case=True)
    sha256: str = text(64, required=True, merge=Merge.IMMUTABLE, case=True)
    bytes: int = integer(1, 2**31, required=True, merge=Merge.IMMUTABLE, case=True)
    media_type: str = text(60, required=True, merge=Merge.IMMUTABLE, case=True)
    purpose: str | None = choice("visit", "before", "after", "evidence", "document", case=True)
    width: int | None = integer(1, 100_000, merge=Merge.IMMUTABLE, case=True)
    height: int | None = integer(1, 100_000, merge=Merge.IMMUTABLE, case=True)
    taken_at: Any = instant(merge=Merge.IMMUTABLE, case=True)
    verified_at: Any = instant(writers=SERVER_ONLY, case=True)


_READERS = frozenset(Role)
"""Whoever may come to see a customer leaves looks: head office too, for an approved hour."""


LOOKS = ("opened", "unmasked", "dialled", "shared", "copied", "exported", "searched")
"""What leaves an entry. Only a search names no customer: it says that it happened and how many
hits it had, never its words."""


@entity("look", customer="customer_id", at="looked_at", creators=_READERS, one_way=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Record):
    """Someone looked at a customer's detail, on or offline (L7, S4 #157).

    Entries of one store on one device form a chain: `number` rises by one and `previous` is the
    hash of the entry before, so that one left out or altered shows. `began_at` and `signature`
    stand in the first one, with which the device says that a chain begins (`shared.looks`).
    """

    customer_id: str | None = reference("customer", merge=Merge.IMMUTABLE, writers=_READERS)
    entity: str = text(40, required=True, merge=Merge.IMMUTABLE, writers=_READERS)
    record_id: str = text(36, required=True, merge=Merge.IMMUTABLE, writers=_READERS)
    what: str = choice(*LOOKS, required=True, merge=Merge.IMMUTABLE, writers=_READERS)
    looked_at: Any = instant(required=True, merge=Merge.IMMUTABLE, writers=_READERS)
    number: int = integer(1, 2**53, required=True, merge=Merge.IMMUTABLE, writers=_READERS)
    previous: str = text(64, required=True, merge=Merge.IMMUTABLE, writers=_READERS)
    hits: int | None = integer(0, 10**6, merge=Merge.IMMUTABLE, writers=_READERS)
    chain_id: str | None = text(36, merge=Merge.IMMUTABLE, writers=_READERS)
    began_at: Any = instant(merge=Merge.IMMUTABLE, writers=_READERS)
    signature: str | None = text(88, merge=Merge.IMMUTABLE, writers=_READERS)


@entity("conflict", customer="customer_id", case="case_id", at="found_at")
@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict(Record):
    """Two values for one field, both kept until a person chose, and after that too (design §5).

    The server makes it; whoever holds the record resolves it by writing `resolution` (and
    `edited_value`).
    """

    customer_id: str = reference("customer", required=True, writers=SERVER_ONLY, case=True)
    case_id: str | None = reference("case", writers=SERVER_ONLY, case=True)
    entity: str = text(40, required=True, writers=SERVER_ONLY, case=True)
    record_id: str = text(36, required=True, writers=SERVER_ONLY, case=True)
    field: str = text(60, required=True, writers=SERVER_ONLY, case=True)
    kept_value: Any = json_value(personal=Personal.TEXT, case=True)
    kept_by: str | None = reference("staff", writers=SERVER_ONLY, case=True)
    kept_at: Any = instant(writers=SERVER_ONLY, case=True)
    other_value: Any = json_value(personal=Personal.TEXT, case=True)
    other_by: str | None = reference("staff", writers=SERVER_ONLY, case=True)
    other_at: Any = instant(writers=SERVER_ONLY, case=True)
    change_id: str | None = text(36, writers=SERVER_ONLY)
    late: bool | None = boolean(writers=SERVER_ONLY, case=True)
    found_at: Any = instant(required=True, writers=SERVER_ONLY, case=True)
    resolution: str | None = choice("kept", "other", "edited", case=True)
    edited_value: str | None = text(8000, personal=Personal.TEXT, case=True)


__all__ = ["LOOKS", "Conflict", "File", "Look"]
