"""Access before its time: more of it, given back by its holder, ended by who may decide about it
(design §4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.access import parse_bucket
from shared.clock import to_wire
from shared.entities.access import RETURNABLE
from shared.errors import Code, Refusal
from sync_server.db.base import Database
from sync_server.services import audit
from sync_server.services.accounts import policy_of
from sync_server.services.approvals import check_decider, give
from sync_server.services.audit import Action, Actor
from sync_server.services.caller import Caller
from sync_server.services.grants import end_of, revoke
from sync_server.services.notices import tell
from sync_server.services.writing import Held, Unit, write


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A grant that runs now, and until when."""

    grant_id: str
    expires_at: str


def give_more(db: Database, giver: Caller, grant_id: str, hours: int, now: datetime) -> Given:
    """`hours` more of what a grant showed, from its end, or from now where it has ended: by a grant
    of its own, as ids are never used again. For whoever may decide about it. Refuses more than the
    policy allows, a grant without an end, and one that was revoked for security."""

    def work(unit: Unit) -> Given:
        most = policy_of(unit.connection, unit.org_id, now).longest_access_hours
        if not 1 <= hours <= most:
            raise Refusal(Code.FIELD_INVALID, field="hours", wanted=f"1 to {most}")
        grant, end = _steered(unit, giver, grant_id)
        if end is None or grant.row.get("revoked_because") == "security":
            raise Refusal(Code.FIELD_INVALID, field="grant", wanted="one that ends by time")
        until = max(end, now) + timedelta(hours=hours)
        row = grant.row
        given = give(unit, row["staff_id"], row["bucket"], until, giver.staff_id, None)
        kind = parse_bucket(row["bucket"]).kind
        tell(
            unit, given.id + to_wire(until), row["staff_id"], "access_given",
            subject=kind, count=hours, by=giver.staff_id,
        )  # fmt: skip
        audit.note(
            unit, giver, Action.GRANT_EXTENDED, subject=("grant", grant_id), to=row["staff_id"],
            hours=hours, grant=given.id,
        )  # fmt: skip
        return Given(grant_id=given.id, expires_at=given.row["expires_at"])

    return write(db, giver.org_id, now, work)


def end_now(db: Database, ender: Caller, grant_id: str, because: str, now: datetime) -> None:
    """Ends a grant before its time: `ended`, or `security` where what still comes under it is to
    wait for a manager. For whoever may decide about it. Harmless twice."""

    def work(unit: Unit) -> None:
        grant, _ = _steered(unit, ender, grant_id)
        revoke(unit, grant, because)
        audit.note(
            unit, ender, Action.GRANT_REVOKED, subject=("grant", grant_id),
            of=grant.row["staff_id"], because=because,
        )  # fmt: skip

    write(db, ender.org_id, now, work)


def take_back(unit: Unit, grant: Held, who: Actor) -> None:
    """Its holder needs it no more. What a role or an assignment brings is not given back."""
    if grant.row["purpose"] not in RETURNABLE:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    revoke(unit, grant, "ended")
    audit.note(unit, who, Action.GRANT_RETURNED, subject=("grant", grant.id))


def _steered(unit: Unit, caller: Caller, grant_id: str) -> tuple[Held, datetime | None]:
    """A grant on a customer or a case that `caller` may steer, and its end."""
    grant = unit.get("grant", grant_id)
    if grant is None:
        raise Refusal(Code.RECORD_MISSING, entity="grant")
    bucket = parse_bucket(grant.row["bucket"])
    if bucket.kind not in {"customer", "case"} or grant.row["staff_id"] == caller.staff_id:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    customer_id = bucket.key
    if bucket.kind == "case":
        case = unit.get("case", bucket.key)
        customer_id = case.row["customer_id"] if case else ""
    check_decider(unit, caller.staff_id, caller.role, customer_id)
    end = end_of(grant.row)
    return grant, end.at if end else None
