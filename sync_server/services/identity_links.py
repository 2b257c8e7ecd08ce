"""Which identity of the company's provider is whom here: an administrator says so, nothing else."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from shared.clock import to_wire
from shared.errors import Code, Refusal
from sync_server.db.sign_in import IDENTITY_LINK
from sync_server.services import accounts, audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.company_sign_in import Identity, spelled

LONGEST = 200
_L = IDENTITY_LINK.c


def link(
    connection: Connection,
    account: accounts.Account,
    issuer: str,
    claim: str,
    value: str,
    now: datetime,
    who: Caller | audit.Actor,
) -> None:
    """Links someone with what the provider says of them, in the place of what was linked before.
    Refuses FIELD_INVALID for an empty or endless value, and RECORD_EXISTS for one that is somebody
    else's."""
    said = spelled(claim, value)
    if not 1 <= len(said) <= LONGEST or not said.isprintable():
        raise Refusal(Code.FIELD_INVALID, field="value", wanted=f"1 to {LONGEST} characters")
    holder = connection.execute(
        select(_L.org_id, _L.staff_id).where(
            _L.issuer == issuer, _L.claim == claim, _L.value == said
        )
    ).first()
    mine = (account.org_id, account.staff_id)
    if holder is not None and tuple(holder) != mine:
        raise Refusal(Code.RECORD_EXISTS, entity="identity_link")
    _delete(connection, account, issuer)
    connection.execute(
        insert(IDENTITY_LINK).values(
            org_id=account.org_id,
            staff_id=account.staff_id,
            issuer=issuer,
            claim=claim,
            value=said,
            linked_at=to_wire(now),
            linked_by=who.staff_id,
        )
    )
    subject = ("staff", account.staff_id)
    audit.note(connection, who, Action.IDENTITY_LINKED, now=now, subject=subject, claim=claim)


def unlink(
    connection: Connection,
    account: accounts.Account,
    issuer: str,
    now: datetime,
    who: Caller | audit.Actor,
) -> None:
    """Ends it; the password goes on. Harmless twice."""
    _delete(connection, account, issuer)
    subject = ("staff", account.staff_id)
    audit.note(connection, who, Action.IDENTITY_UNLINKED, now=now, subject=subject)


def linked(connection: Connection, org_id: str, staff_id: str, issuer: str) -> str | None:
    """What someone is linked with."""
    query = select(_L.value).where(
        _L.org_id == org_id, _L.staff_id == staff_id, _L.issuer == issuer
    )
    value: str | None = connection.execute(query).scalar()
    return value


def account_of(connection: Connection, identity: Identity) -> accounts.Account | None:
    """Whose identity it is; None: nobody's, and nobody gets an account by signing in."""
    row = connection.execute(
        select(_L.org_id, _L.staff_id).where(
            _L.issuer == identity.issuer,
            _L.claim == identity.claim,
            _L.value == identity.value,
        )
    ).first()
    return accounts.by_staff(connection, row.org_id, row.staff_id) if row is not None else None


def _delete(connection: Connection, account: accounts.Account, issuer: str) -> None:
    connection.execute(
        delete(IDENTITY_LINK).where(
            _L.org_id == account.org_id, _L.staff_id == account.staff_id, _L.issuer == issuer
        )
    )
