"""What an administrator does for someone's sign-in: a code that lets their next device in, a second
factor taken off, a linked identity, and the way back for an administrator who is locked out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from shared.declare import Role
from shared.errors import Code, Refusal
from sync_server.services import accounts, audit, scopes
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.enrolment_codes import EnrolmentCode, EnrolmentCodes
from sync_server.services.second_factors import SecondFactors
from sync_server.services.writing import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A code for one device of one person, and a link that carries it. In the link it stands in the
    fragment, which no browser sends and no server logs."""

    code: str
    link: str
    expires_at: str


def invite(
    connection: Connection,
    codes: EnrolmentCodes,
    account: accounts.Account,
    app_url: str,
    now: datetime,
    who: Caller | audit.Actor,
) -> Invitation:
    """A code with which this person's next device is let in at once. `app_url` is where the app is
    served. Refuses USER_INACTIVE."""
    if not account.active:
        raise Refusal(Code.USER_INACTIVE)
    policy = accounts.policy_of(connection, account.org_id, now)
    made: EnrolmentCode = codes.make(
        connection, account.org_id, account.staff_id, policy, now, who.staff_id
    )
    subject = ("staff", account.staff_id)
    audit.note(connection, who, Action.ENROLMENT_CODE_MADE, now=now, subject=subject)
    link = f"{app_url.rstrip('/')}/#/enrol/{made.code}"
    return Invitation(code=made.code, link=link, expires_at=made.expires_at)


def take_factor_off(
    connection: Connection,
    factors: SecondFactors,
    account: accounts.Account,
    now: datetime,
    who: Caller | audit.Actor,
) -> None:
    """Takes off a second factor that was lost. Harmless twice."""
    factors.end(connection, account.org_id, account.staff_id)
    subject = ("staff", account.staff_id)
    audit.note(connection, who, Action.FACTOR_REMOVED, now=now, subject=subject)


def make_administrator(unit: Unit, staff_id: str) -> None:
    """Makes someone an administrator with what the role holds, whatever was taken from them.
    Harmless twice. Account, password and second factor are for the caller to set right."""
    if unit.get("staff", staff_id) is None:
        raise Refusal(Code.RECORD_MISSING, entity="staff")
    unit.update("staff", staff_id, {"role": Role.ADMINISTRATOR.value})
    scopes.reactivate(unit, staff_id)
    who, subject = audit.command_line(unit.org_id), ("staff", staff_id)
    audit.note(unit, who, Action.USER_RESCUED, subject=subject)
