"""One line for the audit log (L7), written in the same transaction as what it records.

    audit.note(unit, caller, Action.CASE_DISPATCHED, subject=("case", case_id), to=staff_id)
    audit.note(connection, caller, Action.DEVICE_APPROVED, now=now, subject=("device", device.id))
    audit.note(connection, audit.command_line(org_id), Action.PASSWORD_SET, now=now, …)

An act that has no line in `Action` gets one there, and its words in the console's catalogues.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select

from shared.clock import to_wire
from shared.errors import Code
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.db.records import RECORDS
from sync_server.services.audit_chain import details_text, extend
from sync_server.services.caller import Caller
from sync_server.services.writing import Unit

NOBODYS = "server"
"""The chain of what belongs to no organisation: who signs in under a name that nobody has."""

_WORD = re.compile(r"[A-Za-z0-9_.:/+\-]{0,80}")
_IPV4, _IPV6 = 24, 48


class Action(StrEnum):
    """What is recorded. Values are stored: add, never rename."""

    # Signing in
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    TOKEN_REUSED = "token_reused"
    FACTOR_ENROLLED = "factor_enrolled"
    FACTOR_REMOVED = "factor_removed"
    FACTOR_REFUSED = "factor_refused"
    RECOVERY_CODE_USED = "recovery_code_used"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"

    # Users
    USER_ADDED = "user_added"
    USER_DEACTIVATED = "user_deactivated"
    USER_REACTIVATED = "user_reactivated"
    USER_TRANSFERRED = "user_transferred"
    USER_RESCUED = "user_rescued"
    ROLE_CHANGED = "role_changed"
    PASSWORD_SET = "password_set"
    STORE_ADDED = "store_added"
    STORE_CHANGED = "store_changed"

    # Devices
    DEVICE_ENROLLED = "device_enrolled"
    DEVICE_APPROVED = "device_approved"
    DEVICE_BLOCKED = "device_blocked"
    DEVICE_WIPE_ORDERED = "device_wipe_ordered"
    DEVICE_WIPED = "device_wiped"
    ENROLMENT_CODE_MADE = "enrolment_code_made"
    ENROLMENT_CODE_USED = "enrolment_code_used"

    # Who may see whom
    DETAIL_REQUESTED = "detail_requested"
    DETAIL_APPROVED = "detail_approved"
    DETAIL_REFUSED = "detail_refused"
    GRANT_EXTENDED = "grant_extended"
    GRANT_RETURNED = "grant_returned"
    GRANT_REVOKED = "grant_revoked"
    CUSTOMERS_MOVED = "customers_moved"
    RECORD_MOVED = "record_moved"
    CASE_DISPATCHED = "case_dispatched"
    CALLBACK_ASSIGNED = "callback_assigned"
    HOLDERS_ASKED = "holders_asked"

    # Work that waited
    CHANGES_RELEASED = "changes_released"
    CHANGES_REFUSED = "changes_refused"
    CHANGES_RETRIED = "changes_retried"
    CONFLICT_DECIDED = "conflict_decided"

    # Rules and data
    POLICY_CHANGED = "policy_changed"
    TIER_DECIDED = "tier_decided"
    GRADE_SAID = "grade_said"
    TRAINING_NOTED = "training_noted"
    SERVICE_PLAN_WRITTEN = "service_plan_written"
    REPORT_READ = "report_read"
    DECIDED_LATE = "decided_late"
    CALENDAR_CHANGED = "calendar_changed"
    TOPIC_CHANGED = "topic_changed"
    IMPORTED = "imported"
    EXPORTED = "exported"
    CUSTOMER_ERASED = "customer_erased"
    RETENTION_SWEPT = "retention_swept"

    # Entrances for customers
    ENTRANCE_OPENED = "entrance_opened"
    ENTRANCE_CLOSED = "entrance_closed"

    # Surveys
    SURVEY_MADE = "survey_made"
    SURVEY_ENDED = "survey_ended"
    SURVEY_LINKS_MADE = "survey_links_made"
    EVALUATION_ENTERED = "evaluation_entered"

    # The server itself
    BACKED_UP = "backed_up"
    RESTORED = "restored"
    BACKUP_DRILLED = "backup_drilled"
    EPOCH_BEGUN = "epoch_begun"
    KEYS_ADDED = "keys_added"
    KEYS_ROTATED = "keys_rotated"

    # Review
    LOOKS_LISTED = "looks_listed"
    ALARM_SEEN = "alarm_seen"
    ALARM_EXPLAINED = "alarm_explained"
    SAMPLE_DRAWN = "sample_drawn"
    LOOK_REVIEWED = "look_reviewed"
    AUDIT_LISTED = "audit_listed"
    AUDIT_VERIFIED = "audit_verified"
    AUDIT_LET_GO = "audit_let_go"
    CLOCK_LEAPT = "clock_leapt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever acts without being a signed-in `Caller`: the server itself, someone at its command
    line, or someone who only tries to sign in."""

    org_id: str
    via: str
    staff_id: str | None = None
    device_id: str | None = None
    address: str = ""


def command_line(org_id: str) -> Actor:
    """Someone at the server's own command line, whom nobody asked for a name."""
    return Actor(org_id=org_id, via="command")


def by_itself(org_id: str) -> Actor:
    """The server, in its housekeeping."""
    return Actor(org_id=org_id, via="server")


def note(
    where: Unit | Connection,
    who: Caller | Actor,
    action: Action,
    *,
    subject: tuple[str, str] | None = None,
    customer: str | None = None,
    result: str | Code = "done",
    now: datetime | None = None,
    **details: str | int | bool | None,
) -> None:
    """Puts an act on record, in the transaction of `where`; a unit that is undone leaves none.

    `subject` is (kind, id) of what it was done to, `customer` the customer concerned, `result`
    ``done`` or the code of a refusal. `details` are ids, codes and counts: text of another kind, in
    which a name might stand, is stored as ``?``. With a connection say `now`, and note last: from
    here on others wait to add theirs.
    """
    if isinstance(where, Unit):
        at = where.now_text
    elif now is not None:
        at = to_wire(now)
    else:
        raise TypeError("a connection has no time of its own: say now")
    entry = {
        "org_id": who.org_id,
        "at": at,
        "action": action.value,
        "result": result.key if isinstance(result, Code) else result,
        "actor_id": who.staff_id or None,
        "via": who.via,
        "device_id": who.device_id or None,
        "address": shortened(who.address) or None,
        "subject": subject[0] if subject else None,
        "subject_id": _said(subject[1]) if subject else None,
        "customer_id": customer if customer and len(customer) <= 36 else None,
        "details": details_text({n: _said(v) for n, v in details.items() if v is not None}),
    }
    if isinstance(where, Unit):
        where.append(AUDIT_ENTRY, entry)
    else:
        extend(where, [entry])


def whose_chain(connection: Connection) -> str:
    """Where an act stands that names no organisation: with the only one there is, else apart."""
    table = RECORDS["organisation"]
    found = connection.execute(select(table.c.org_id).distinct().limit(2)).scalars().all()
    return found[0] if len(found) == 1 else NOBODYS


def shortened(address: str) -> str:
    """The network that an address lies in (/24 or /48): enough to tell a home from an office, not
    to tell who. Empty for what is no address."""
    try:
        read = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    inside = read.ipv4_mapped if isinstance(read, ipaddress.IPv6Address) else None
    bits = _IPV6 if read.version == 6 and inside is None else _IPV4
    return str(ipaddress.ip_network((inside or read, bits), strict=False))


def _said(value: str | int | bool | None) -> str | int | bool | None:
    if isinstance(value, str) and _WORD.fullmatch(value) is None:
        return "?"
    return value
