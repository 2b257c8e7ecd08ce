"""Access that is asked for: with a reason, decided by someone else, for a limited time, on record
(design §4, S3 #149, #151).

Requests and decisions are records: phones write them, offline too, and what follows from them is
done here, in the change's own savepoint. The routes do the same for whoever has no phone at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from shared.clock import from_wire, to_wire
from shared.declare import Role
from shared.entities.access import ASKERS
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.policy import PolicySettings
from sync_server.db.base import Database
from sync_server.db.records import RECORDS, to_row
from sync_server.services import audit
from sync_server.services.accounts import policy_of
from sync_server.services.audit import Action, Actor
from sync_server.services.caller import Caller
from sync_server.services.grants import end_of, holders, is_live, issue, revoke
from sync_server.services.notices import tell
from sync_server.services.scopes import callback_bucket
from sync_server.services.votes import Vote
from sync_server.services.writing import Author, Held, Unit, write

_REQUEST = RECORDS["access_request"].c


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One request that nobody has decided. It names its customer by id alone."""

    request_id: str
    staff_id: str
    customer_id: str
    subject: str
    subject_id: str
    hours: int
    reason: str
    asked_at: str


def request_access(
    db: Database,
    caller: Caller,
    customer_id: str,
    reason: str,
    hours: int | None,
    now: datetime,
    subject: tuple[str, str] | None = None,
) -> str:
    """Asks to read one customer, or the `subject` (kind and id) of theirs, for some hours (None: as
    many as the policy says); returns the request's id. Refuses as `check_request`, other roles and
    an empty reason."""
    if caller.role not in ASKERS:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    if not reason.strip():
        raise Refusal(Code.FIELD_REQUIRED, field="reason")
    kind, subject_id = subject or ("customer", customer_id)
    request_id = new_id()
    author = Author(staff_id=caller.staff_id, device_id=caller.device_id, at=now)

    def work(unit: Unit) -> str:
        policy = policy_of(unit.connection, unit.org_id, now)
        row = {
            "id": request_id,
            "staff_id": caller.staff_id,
            "customer_id": customer_id,
            "subject": kind,
            "subject_id": subject_id,
            "hours": policy.access_hours if hours is None else hours,
            "reason": reason.strip()[:200],
            "asked_at": to_wire(now),
        }
        check_request(unit, unit.create("access_request", row, author), policy, caller)
        return request_id

    return write(db, caller.org_id, now, work)


def check_request(unit: Unit, held: Held, policy: PolicySettings, who: Caller | Actor) -> None:
    """Puts a new request on record. Refuses one in another's name, for longer than the policy
    allows, of something that is not that customer's, and of what its asker never held: head office
    alone may ask for what is new to them, and for whole customers only."""
    row = held.row
    asker = unit.get("staff", who.staff_id)
    if asker is None or row["staff_id"] != asker.id:
        raise Refusal(Code.OUT_OF_SCOPE)
    most = policy.longest_access_hours
    if not 1 <= row["hours"] <= most:
        raise Refusal(Code.FIELD_INVALID, field="hours", wanted=f"1 to {most}")
    _check_held(unit, held, asker)
    audit.note(
        unit, who, Action.DETAIL_REQUESTED, subject=("request", held.id),
        customer=row["customer_id"], about=row["subject"], hours=row["hours"],
    )  # fmt: skip


def _check_held(unit: Unit, held: Held, asker: Held) -> None:
    bucket = _bucket_asked(unit, held)
    if asker.row["role"] == Role.HEAD_OFFICE:
        if held.row["subject"] != "customer":
            raise Refusal(Code.ROLE_NOT_ALLOWED)
        return
    before = unit.find("grant", bucket=bucket, staff_id=asker.id)
    if any(end_of(g.row) is None for g in before):
        raise Refusal(Code.FIELD_INVALID, field="subject", wanted="what ends by time")
    if not before or any(g.row.get("revoked_because") == "security" for g in before):
        raise Refusal(Code.OUT_OF_SCOPE)


def _bucket_asked(unit: Unit, held: Held) -> str:
    """The bucket that a request is about. Refuses `RECORD_MISSING`, and `OUT_OF_SCOPE` where the
    record is another customer's."""
    row = held.row
    if row["subject"] == "customer":
        about, customer_id = unit.get("customer", row["subject_id"]), row["subject_id"]
    else:
        about = unit.get(row["subject"], row["subject_id"])
        customer_id = about.row["customer_id"] if about else None
    if about is None:
        raise Refusal(Code.RECORD_MISSING, entity=row["subject"])
    if customer_id != row["customer_id"]:
        raise Refusal(Code.OUT_OF_SCOPE)
    return callback_bucket(about) if about.entity == "callback" else f"{about.entity}:{about.id}"


def decide_request(
    db: Database,
    decider: Caller,
    request_id: str,
    *,
    approve: bool,
    now: datetime,
    answer: str | None = None,
) -> str | None:
    """Approves or refuses a request, once; returns the grant's id if there is one. For store
    managers who hold the customer, and for administrators; nobody decides their own."""
    author = Author(staff_id=decider.staff_id, device_id=decider.device_id, at=now)

    def work(unit: Unit) -> str | None:
        held = unit.get("access_request", request_id)
        if held is None or held.row.get("decision"):
            raise Refusal(Code.RECORD_MISSING, where="request")
        said = {"decision": "approved" if approve else "refused", "answer": answer or None}
        held = unit.update("access_request", request_id, said, author)
        carry_out(unit, held, decider, decider.role)
        granted: str | None = held.row.get("grant_id")
        return granted

    return write(db, decider.org_id, now, work)


def still_counts(unit: Unit, held: Held, vote: Vote, _policy: PolicySettings) -> bool:
    """Whether a decision from a phone may still have an effect: nobody was faster, and its author
    holds the customer today (L3). Otherwise the request waits for who does."""
    if held.row.get("decision") or not vote.entitled:
        return False
    return vote.author.staff_id in holders(unit, held.row["customer_id"])


def carry_out(
    unit: Unit, held: Held, who: Caller | Actor, role: Role, *, late: bool = False
) -> Held:
    """What a decision brings: the grant, and word to whoever asked; returns the request with it.
    Refuses one's own request, deciders who may not and, unless the decision may have come `late`,
    the approval of what can't be given any more: then it is on record, and gives nothing."""
    row, decider_id = held.row, who.staff_id
    if decider_id is None or row["staff_id"] == decider_id:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    check_decider(unit, decider_id, role, row["customer_id"])
    grant_id = None
    if row["decision"] == "approved":
        try:
            bucket, until = _bucket_asked(unit, held), unit.now + timedelta(hours=row["hours"])
            grant_id = give(unit, row["staff_id"], bucket, until, decider_id, row["reason"]).id
        except Refusal:  # who asked has left meanwhile, or the record is another customer's now
            if not late:
                raise
    told = {"decided_at": unit.now_text, "decided_by": decider_id, "grant_id": grant_id}
    held = unit.update("access_request", held.id, told)
    kind = "access_given" if grant_id else "access_refused"
    tell(
        unit, held.id, row["staff_id"], kind,
        subject=row["subject"], count=row["hours"], by=decider_id,
    )  # fmt: skip
    action = Action.DETAIL_APPROVED if grant_id else Action.DETAIL_REFUSED
    audit.note(
        unit, who, action, subject=("request", held.id), customer=row["customer_id"],
        to=row["staff_id"], hours=row["hours"], grant=grant_id,
    )  # fmt: skip
    return held


def end_given(unit: Unit, held: Held, who: Actor) -> None:
    """Ends what an approval gave, before its time (S3 #151), for whoever held the customer when
    they said so. Refuses one's own; nothing to do where nothing was given, or it has ended."""
    row, grant = held.row, unit.get("grant", held.row.get("grant_id") or "")
    if who.staff_id is None or row["staff_id"] == who.staff_id:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    if grant is None or grant.row.get("revoked_at"):
        return
    revoke(unit, grant, "ended")
    audit.note(
        unit, who, Action.GRANT_REVOKED, subject=("grant", grant.id),
        of=grant.row["staff_id"], because="ended",
    )  # fmt: skip


def waiting_for(db: Database, caller: Caller, now: datetime) -> list[Waiting]:
    """Requests that `caller` may decide, the oldest first. Refuses other roles."""
    if caller.role not in {Role.STORE_MANAGER, Role.ADMINISTRATOR}:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    table = RECORDS["access_request"]
    with db.read() as connection:
        query = select(table).where(
            _REQUEST.org_id == caller.org_id,
            _REQUEST.decision.is_(None),
            _REQUEST.staff_id != caller.staff_id,
        )
        rows = [to_row("access_request", stored) for stored in connection.execute(query)]
        if caller.role is Role.STORE_MANAGER:
            grant = RECORDS["grant"]
            wanted = sorted({f"customer:{row['customer_id']}" for row in rows})
            held = connection.execute(
                select(grant).where(
                    grant.c.org_id == caller.org_id,
                    grant.c.bucket.in_(wanted),
                    grant.c.staff_id == caller.staff_id,
                )
            )
            grants = [to_row("grant", stored) for stored in held]
            mine = {g["bucket"] for g in grants if is_live(g, now)}
            rows = [row for row in rows if f"customer:{row['customer_id']}" in mine]
    names = Waiting.__dataclass_fields__
    found = [
        Waiting(request_id=row["id"], **{n: row[n] for n in names if n != "request_id"})
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.asked_at, one.request_id))


def check_decider(unit: Unit, staff_id: str, role: Role, customer_id: str) -> None:
    """Refuses whoever is neither an administrator nor a store manager who holds the customer."""
    if role is Role.ADMINISTRATOR:
        return
    if role is not Role.STORE_MANAGER:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    held = unit.find("grant", bucket=f"customer:{customer_id}", staff_id=staff_id)
    if not any(is_live(grant.row, unit.now) for grant in held):
        raise Refusal(Code.OUT_OF_SCOPE)


def give(
    unit: Unit, staff_id: str, bucket: str, until: datetime, by: str, reason: str | None
) -> Held:
    """Leave to read `bucket` until then at least: what runs longer already is not cut short."""
    staff = unit.get("staff", staff_id)
    if staff is None or staff.row.get("active") is False:
        raise Refusal(Code.USER_INACTIVE)
    running = unit.find("grant", bucket=bucket, staff_id=staff_id, purpose="approved_detail")
    ends = [from_wire(g.row["expires_at"]) for g in running if is_live(g.row, unit.now)]
    return issue(
        unit,
        staff_id,
        bucket,
        "approved_detail",
        staff.row["role"],
        expires_at=max([until, *ends]),
        granted_by=by,
        reason=reason,
    )
