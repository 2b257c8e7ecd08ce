"""Who looked at whom, what was unusual, and the weekly sample: for administrators, and for store
managers about their own store (S4 #156, #157)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from shared.errors import Code
from shared.wire import STRICT
from shared.wire_looks import LooksReply
from sync_server.routes.answers import READS_BODY, SIGNED_IN, documented
from sync_server.routes.caller import ActiveCaller, Administrator, TheServer
from sync_server.services import (
    alarm_review,
    audit,
    audit_listing,
    look_listing,
    look_samples,
)
from sync_server.services.audit import Action
from sync_server.services.look_listing import Asked

router = APIRouter(prefix="/v1/audit", tags=["audit"])
_REFUSALS = documented(*SIGNED_IN, Code.ROLE_NOT_ALLOWED, Code.RECORD_MISSING, Code.MALFORMED)
_DECIDES = documented(
    *SIGNED_IN,
    *READS_BODY,
    Code.ROLE_NOT_ALLOWED,
    Code.OUT_OF_SCOPE,
    Code.RECORD_MISSING,
    Code.FIELD_REQUIRED,
    Code.FIELD_INVALID,
    Code.FIELD_TOO_LONG,
)
_WORD = r"^[0-9A-Za-z_:.\-]{1,80}$"
Word = Annotated[str | None, Query(pattern=_WORD)]
Id = Annotated[str, Path(pattern=_WORD)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    alarms: list[alarm_review.AlarmSeen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    samples: list[look_samples.Sample]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """The next page begins below the last one's number."""

    entries: list[audit_listing.EntrySeen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A sample's looks, and what was said of each."""

    looks: list[look_samples.Reviewed]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """Which alarms someone has seen."""

    __pydantic_config__ = STRICT
    alarm_ids: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainRequest:
    """What was behind an alarm."""

    __pydantic_config__ = STRICT
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRequest:
    """What a reviewer says of a look."""

    __pydantic_config__ = STRICT
    verdict: Literal["fine", "question"]
    note: str | None = None


@router.get("/looks", responses=_REFUSALS)
def list_looks(
    caller: ActiveCaller,
    server: TheServer,
    staff_id: Word = None,
    customer_id: Word = None,
    device_id: Word = None,
    what: Word = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: Word = None,
    limit: Annotated[int, Query(ge=1, le=look_listing.MOST)] = 50,
) -> LooksReply:
    """Looks on record, the newest first. Customers are ids: to see one, ask for it as anyone
    does."""
    asked = Asked(
        staff_id=staff_id, customer_id=customer_id, device_id=device_id, what=what,
        since=since, until=until, after=after, limit=limit,
    )  # fmt: skip
    with server.database.read() as connection:
        found = look_listing.looks(connection, caller, asked)
    with server.database.write() as connection:
        audit.note(
            connection, caller, Action.LOOKS_LISTED, now=server.clock.now(),
            subject=("staff", staff_id) if staff_id else None, customer=customer_id,
        )  # fmt: skip
    return LooksReply(looks=found)


@router.get("/customers/{customer_id}/looks", responses=_REFUSALS | documented(Code.OUT_OF_SCOPE))
def looks_at(
    customer_id: Id, caller: ActiveCaller, server: TheServer, after: Word = None
) -> LooksReply:
    """Who looked at one customer, for whoever holds that customer."""
    now = server.clock.now()
    with server.database.read() as connection:
        asked = Asked(after=after)
        return LooksReply(looks=look_listing.looks_at(connection, caller, customer_id, asked, now))


@router.get("/own-looks", responses=_REFUSALS)
def own_looks(caller: ActiveCaller, server: TheServer, after: Word = None) -> LooksReply:
    """What the caller looked at, as it is on record."""
    with server.database.read() as connection:
        return LooksReply(looks=look_listing.own_looks(connection, caller, Asked(after=after)))


@router.get("/alarms", responses=_REFUSALS)
def list_alarms(
    caller: ActiveCaller,
    server: TheServer,
    state: Literal["open", "seen", "explained"] | None = None,
    after: Word = None,
) -> Alarms:
    """Broken chains and unusual reading, the newest first."""
    with server.database.read() as connection:
        return Alarms(alarms=alarm_review.alarms(connection, caller, state, after))


@router.post("/alarms/seen", status_code=204, responses=_DECIDES)
def see_alarms(asked: SeenRequest, caller: ActiveCaller, server: TheServer) -> None:
    """Someone has seen these. Harmless twice."""
    alarm_review.see(server.database, caller, asked.alarm_ids, server.clock.now())


@router.post("/alarms/{alarm_id}/explain", status_code=204, responses=_DECIDES)
def explain_alarm(
    alarm_id: Id, asked: ExplainRequest, caller: ActiveCaller, server: TheServer
) -> None:
    """Say what was behind an alarm; nobody does for one about themselves."""
    now = server.clock.now()
    alarm_review.explain(server.database, caller, alarm_id, asked.explanation, now)


@router.get("/samples", responses=_REFUSALS)
def list_samples(caller: ActiveCaller, server: TheServer) -> Samples:
    """Each week's sample: how many looks to review, how many still wait, and what is overdue."""
    with server.database.read() as connection:
        return Samples(samples=look_samples.samples(connection, caller, server.clock.now()))


@router.get("/samples/{sample_id}", responses=_REFUSALS)
def list_sample(sample_id: Id, caller: ActiveCaller, server: TheServer) -> Chosen:
    """A sample's looks. Those that nobody has reviewed come first."""
    with server.database.read() as connection:
        return Chosen(looks=look_samples.chosen(connection, caller, sample_id))


@router.post("/looks/{look_id}/review", status_code=204, responses=_DECIDES)
def review_look(look_id: Id, asked: ReviewRequest, caller: ActiveCaller, server: TheServer) -> None:
    """Say of a look in a sample that it is fine, or a question; nobody does for their own."""
    now = server.clock.now()
    look_samples.review(server.database, caller, look_id, asked.verdict, asked.note, now)


@router.get("/entries", responses=_REFUSALS)
def list_entries(
    caller: Administrator,
    server: TheServer,
    action: Word = None,
    actor_id: Word = None,
    customer_id: Word = None,
    since: datetime | None = None,
    until: datetime | None = None,
    below: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Entries:
    """The server's audit log, the newest first."""
    asked = audit_listing.Asked(
        action=action, actor_id=actor_id, customer_id=customer_id, since=since, until=until,
        below=below,
    )  # fmt: skip
    with server.database.read() as connection:
        found = audit_listing.entries(connection, caller.org_id, asked)
    with server.database.write() as connection:
        audit.note(connection, caller, Action.AUDIT_LISTED, now=server.clock.now())
    return Entries(entries=found)
