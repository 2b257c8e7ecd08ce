"""Under which grant a change is written, and whether the device lets it be written at all.

The server judges again by the same rules; what is refused here is refused while its author still
holds the pen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import apsw

from mobile.store.sql import rows
from shared.access import (
    WRITABLE_UNDER_A_CASE,
    Bucket,
    buckets_of,
    may_create,
    may_edit,
    opens_beside,
    parse_bucket,
)
from shared.codec import check
from shared.declare import Entity, Merge, Role
from shared.errors import Code, Refusal
from shared.rows import body_text
from shared.seal import content_stands
from shared.states import may_move


@dataclass(frozen=True, slots=True)
class WritingGrant:
    """The grant that a change names, and the role in which it is written."""

    id: str
    bucket: Bucket
    role: Role


_GRANTS = """
    SELECT g.id, b.name, g.role,
           g.listed AND g.not_before <= :now AND coalesce(g.expires_at > :now, 1)
    FROM held_grant g CROSS JOIN bucket b ON b.no = g.bucket
    WHERE b.name IN (SELECT value FROM json_each(:names))
    ORDER BY b.rank, g.expires_at IS NOT NULL, g.expires_at DESC, g.id
"""
_LIES_IN = """
    SELECT b.name FROM server_row s JOIN bucket b ON b.no = s.bucket
    WHERE s.entity = ?1 AND s.id = ?2
    UNION SELECT b.name FROM pending_row p JOIN bucket b ON b.no = p.bucket
    WHERE p.entity = ?1 AND p.id = ?2
"""


def grant_for(
    db: apsw.Connection,
    entity: Entity,
    row: Mapping[str, Any],
    *,
    creating: bool,
    user: str,
    now: str,
    under: Iterable[Bucket] = (),
) -> WritingGrant:
    """The widest running grant under which `row` may be created or edited. `under` are buckets
    under which its customer or its case is being created in the same unit.

    Refuses `out_of_scope` where no grant covers it, `grant_ended` where one did, and
    `role_not_allowed` where the holder's role may not.
    """
    names = {str(bucket) for bucket in buckets_of(entity, row)}
    if not creating:
        names |= _lies_in(db, entity.name, row["id"])
    elif entity.name == "customer":
        # Nobody's yet: it goes up under the author's own bucket, and comes back with a grant of
        # its own.
        names.add(f"user:{user}")
    else:
        names |= _by_customer(db, entity, row, user) | _by_case(db, entity, row)
        names |= _beside(db, row, user) if entity.name == "case" else set()
        names |= {str(bucket) for bucket in under}
    grants = rows(db, _GRANTS, {"now": now, "names": json.dumps(sorted(names))})
    if not grants:
        raise Refusal(Code.OUT_OF_SCOPE, entity=entity.name)
    running = [
        WritingGrant(grant_id, parse_bucket(name), Role(role))
        for grant_id, name, role, runs in grants
        if runs
    ]
    if not running:
        raise Refusal(Code.GRANT_ENDED, entity=entity.name)
    for grant in running:
        if _allows(grant, entity, creating):
            return grant
    raise Refusal(Code.ROLE_NOT_ALLOWED, entity=entity.name)


def _lies_in(db: apsw.Connection, entity: str, record_id: str) -> set[str]:
    return {name for (name,) in db.execute(_LIES_IN, (entity, record_id))}


def _by_customer(
    db: apsw.Connection, entity: Entity, row: Mapping[str, Any], user: str
) -> set[str]:
    """Buckets in which the record's customer lies: a case's, for what may be written under a case
    without naming it, and the author's own for a customer whom the server does not know yet. A
    look at nobody in particular, a search, lies with its author."""
    customer = row.get(entity.customer) if entity.customer else None
    if entity.one_way and customer is None:
        return {f"user:{user}"}
    found = _lies_in(db, "customer", customer) if customer else set()
    if entity.one_way:  # a look lies nowhere by itself
        found.add(f"customer:{customer}")
    under_case = entity.name in WRITABLE_UNDER_A_CASE and not entity.case
    kinds = {"user", "case"} if under_case else {"user"}
    kinds |= {"customer"} if entity.one_way else set()
    return {name for name in found if parse_bucket(name).kind in kinds}


def _by_case(db: apsw.Connection, entity: Entity, row: Mapping[str, Any]) -> set[str]:
    """Buckets in which the record's case lies: of one that its author opened beside another, the
    other's, until the case has a bucket of its own."""
    case_id = row.get(entity.case) if entity.case and entity.case != "id" else None
    found = _lies_in(db, "case", case_id) if case_id else set()
    return {name for name in found if parse_bucket(name).kind == "case"}


def _beside(db: apsw.Connection, row: Mapping[str, Any], user: str) -> set[str]:
    """Buckets of the cases beside which a new one may be opened (`access.opens_beside`); rather of
    those that somebody else gave than of the author's own."""
    held = [
        json.loads(body)
        for (body,) in db.execute(
            "SELECT body FROM shown_row WHERE entity = 'case' AND customer_id = ?",
            (row.get("customer_id"),),
        )
    ]
    fitting = [case for case in held if opens_beside(case, row)]
    given = [case for case in fitting if case.get("created_by") != user]
    return {f"case:{case['id']}" for case in given or fitting}


def _allows(grant: WritingGrant, entity: Entity, creating: bool) -> bool:
    if creating:
        return may_create(grant.role, entity, grant.bucket)
    return may_edit(grant.role, entity, grant.bucket)


def checked(
    entity: Entity,
    before: Mapping[str, Any],
    values: Mapping[str, Any],
    role: Role,
    *,
    creating: bool,
    most_bytes: int | None,
) -> dict[str, Any]:
    """`values` in wire form, those alone that change something; every rule of the record holds
    afterwards.

    Refuses with the field and its limit, a move that may not follow, a sealed report, a record
    too large.
    """
    after = check(entity, values, role=role, whole=creating)
    changed = {n: v for n, v in after.items() if creating or v != before.get(n, _nothing(v))}
    if changed and entity.sealed_by and before.get(entity.sealed_by):
        raise Refusal(Code.REPORT_SEALED, entity=entity.name)
    for name, value in changed.items():
        field = entity.fields[name]
        if field.merge is Merge.STATE and not may_move(entity.name, before.get(name), value):
            raise Refusal(
                Code.MOVE_NOT_ALLOWED, entity=entity.name, before=str(before.get(name)), after=value
            )
        if field.merge is Merge.IMMUTABLE and before.get(name) not in (None, []):
            raise Refusal(Code.FIELD_INVALID, field=f"{entity.name}.{name}", wanted="set once")
    row = {**before, **changed}
    size = len(body_text(row).encode())
    if most_bytes is not None and size > most_bytes:
        raise Refusal(Code.RECORD_TOO_LARGE, entity=entity.name, limit=most_bytes, length=size)
    if entity.sealed_by in changed and not content_stands(row):
        raise Refusal(Code.SEAL_BROKEN, entity=entity.name)
    return {n: v for n, v in changed.items() if not (creating and v in (None, []))}


def _nothing(value: Any) -> Any:
    """What an absent field equals: an empty list, or nothing."""
    return [] if value == [] else None
