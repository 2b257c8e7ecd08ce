"""What was half written when access to its record ended: it goes into the outbox, as its author
last left it, and from there to the server (L1). On the device nobody reads it again (L4).

Only drafts of work on a record that is there: a call, a visit, a report. Of something new in a case
the words become a note on it. A draft of an edit that its author never meant to keep stays a draft,
hidden with its record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mobile.store import overlay
from mobile.store.authorship import WritingGrant, checked, grant_for
from mobile.store.drafts import OF, SEEN
from mobile.store.meta import STAFF
from mobile.store.outbox import Touched
from mobile.store.sql import rows
from shared.clock import from_wire, to_wire
from shared.codec import check
from shared.declare import ENTITIES, Entity, Merge, Personal
from shared.errors import Refusal
from shared.ids import new_id
from shared.wire import Change

if TYPE_CHECKING:
    from mobile.store.unit import Parts

WORK = (
    "callback", "case", "customer_training", "feedback", "report", "retention_plan", "transfer",
    "visit",
)  # fmt: skip
PUT_AWAY_WITHIN = timedelta(seconds=10)
"""After the end: a screen takes a moment to go, and stores what was typed last as it does."""
_NOT_ONES_OWN = (Merge.STATE, Merge.IMMUTABLE)
"""Steps and what is set once are taken by a person, not by the end of a grant."""

_ABOUT = (
    "SELECT key, body, saved_at, entity, record_id FROM draft"
    f" WHERE entity IN ({', '.join('?' * len(WORK))})"
)
_LIES_IN = """
    SELECT bucket, seq, body FROM pending_row WHERE entity = ?1 AND id = ?2
    UNION ALL SELECT bucket, seq, body FROM server_row WHERE entity = ?1 AND id = ?2
"""


def hand_over(parts: Parts, bare: Sequence[int]) -> set[Touched]:
    """Makes changes of the drafts about records that lie in these buckets (by number) and in no
    other, dated when they were last saved, under the grant that ran then. Inside a transaction,
    before the rows go."""
    touched: set[Touched] = set()
    if not bare:
        return touched
    for key, body, saved_at, entity_name, record_id in rows(parts.db, _ABOUT, WORK):
        found = rows(parts.db, _LIES_IN, (entity_name, record_id))
        if not found or not {bucket for bucket, _, _ in found} <= set(bare):
            continue
        entity, (_, seq, text) = ENTITIES[entity_name], found[0]
        written = _written(parts, [bucket for bucket, _, _ in found], saved_at)
        row, draft = json.loads(text), json.loads(body)
        of = ENTITIES.get(draft.get(OF, entity_name))
        if of is None:  # by a newer app, which can tell what of it are words: it stays a draft
            continue
        if of is entity:
            changes = _change(parts, entity, row, seq, draft, written)
        else:
            changes = _notes(parts, entity, row, _words(of, draft), written)
        for change in changes:
            parts.drafts.discard(key)
            touched |= {(change.entity, change.record_id), ("outbox", str(change.number))}
    overlay.refresh(parts.db, [one for one in touched if one[0] in ENTITIES])
    return touched


def _written(parts: Parts, buckets: Sequence[int], saved_at: str) -> str:
    """When the words of a draft were written at the latest: when it was saved, or in the last
    moment of the access where the screen that held them was put away by its end."""
    ends = parts.db.execute(
        "SELECT max(expires_at) FROM held_grant WHERE bucket IN (SELECT value FROM json_each(?))",
        (json.dumps(list(buckets)),),
    ).get
    if ends is None or not ends <= saved_at <= to_wire(from_wire(ends) + PUT_AWAY_WITHIN):
        return saved_at
    return to_wire(from_wire(ends) - timedelta(milliseconds=1))


def _change(
    parts: Parts,
    entity: Entity,
    row: Mapping[str, Any],
    seq: int,
    draft: Mapping[str, Any],
    written: str,
) -> list[Change]:
    """The change that a draft comes to, in the outbox; none where it says nothing that its author
    may write."""
    user = (parts.meta.get(STAFF) or {}).get("id", "")
    try:
        grant = grant_for(parts.db, entity, row, creating=False, user=user, now=written)
        fields = checked(
            entity, row, _values(entity, grant, draft), grant.role,
            creating=False, most_bytes=None,  # what is too long the server keeps, and says so
        )  # fmt: skip
    except Refusal:
        return []
    if not fields:
        return []
    began_with = draft.get(SEEN)
    base = {
        name: seq if began_with is None or began_with.get(name) == row.get(name) else 0
        for name in fields
    }
    return [_add(parts, grant, entity, row["id"], fields, written, base)]


def _notes(
    parts: Parts, entity: Entity, row: Mapping[str, Any], said: str, written: str
) -> list[Change]:
    """What was said for something new in a case - a question, a milestone, why it is handed back -
    goes on the case's record as a note, in as many as its length wants; the act itself was not
    taken. Elsewhere it stays a draft."""
    if entity.name != "case":
        return []
    event, user = ENTITIES["case_event"], (parts.meta.get(STAFF) or {}).get("id", "")
    most, changes = event.fields["note"].limit, []
    for start in range(0, len(said), most):
        values = {
            "case_id": row["id"],
            "customer_id": row["customer_id"],
            "kind": "noted",
            "happened_at": written,
            "staff_id": user,
            "note": said[start : start + most],
        }
        try:
            grant = grant_for(parts.db, event, values, creating=True, user=user, now=written)
            fields = checked(event, {}, values, grant.role, creating=True, most_bytes=None)
        except Refusal:
            return []  # the same for each of them
        changes.append(_add(parts, grant, event, new_id(), fields, written))
    return changes


def _words(of: Entity, draft: Mapping[str, Any]) -> str:
    """What a draft of this entity says in its author's own words."""
    texts = [name for name, field in of.fields.items() if field.personal is Personal.TEXT]
    return "\n".join(str(draft[name]) for name in texts if draft.get(name)).strip()


def _add(
    parts: Parts,
    grant: WritingGrant,
    entity: Entity,
    record_id: str,
    fields: dict[str, Any],
    written: str,
    base: dict[str, int] | None = None,
) -> Change:
    """Puts a change into the outbox; without a `base`, of a new record."""
    change = Change(
        change_id=new_id(),
        number=parts.outbox.next_number(),
        grant_id=grant.id,
        entity=entity.name,
        record_id=record_id,
        kind="create" if base is None else "update",
        fields=fields,
        base=base or {},
        claimed_at=written,
        boot_id=new_id(),  # of a moment past: only the claim says when
        monotonic_ms=0,
    )
    parts.outbox.add(change, str(grant.bucket))
    return change


def _values(entity: Entity, grant: WritingGrant, draft: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a draft that hold by themselves: one that is half typed keeps none of the
    others back."""
    found = {}
    for name, said in draft.items():
        field, value = entity.fields.get(name), None if said == "" else said
        if field is None or field.merge in _NOT_ONES_OWN or grant.role not in field.writers:
            continue
        try:
            if value is not None:
                check(entity, {name: value}, role=grant.role, whole=False)
        except Refusal:
            continue
        found[name] = value
    return found
