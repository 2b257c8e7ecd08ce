"""Other people's sign-in, for administrators: letting a device in, taking a second factor off."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import APIRouter

from shared.errors import Code, Refusal
from sync_server.routes.answers import SIGNED_IN, documented
from sync_server.routes.caller import Administrator, TheRequest, TheServer
from sync_server.services import accounts
from sync_server.services.letting_in import invite, take_factor_off
from sync_server.services.qr import as_svg

router = APIRouter(prefix="/v1/admin/users", tags=["admin"])
_REFUSALS = (*SIGNED_IN, Code.ROLE_NOT_ALLOWED, Code.RECORD_MISSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationReply:
    """A code for one device, to be typed, opened as a link, or scanned (`qr`, SVG)."""

    code: str
    link: str
    qr: str
    expires_at: str


@router.post("/{staff_id}/enrolment-code", responses=documented(*_REFUSALS, Code.USER_INACTIVE))
def enrolment_code(
    staff_id: str, caller: Administrator, request: TheRequest, server: TheServer
) -> InvitationReply:
    """A code with which this person's next device is approved at its first sign-in. The one made
    before is worth nothing any more."""
    here = urlsplit(request.url)
    with server.database.write() as connection:
        account = accounts.by_staff(connection, caller.org_id, staff_id)
        if account is None:
            raise Refusal(Code.RECORD_MISSING, entity="account")
        made = invite(
            connection,
            server.sessions.codes,
            account,
            f"{here.scheme}://{here.netloc}",
            server.clock.now(),
            caller,
        )
    return InvitationReply(
        code=made.code, link=made.link, qr=as_svg(made.link), expires_at=made.expires_at
    )


@router.post("/{staff_id}/second-factor/reset", status_code=204, responses=documented(*_REFUSALS))
def reset_second_factor(staff_id: str, caller: Administrator, server: TheServer) -> None:
    """Take off the second factor of someone who has lost it. Harmless twice."""
    with server.database.write() as connection:
        account = accounts.by_staff(connection, caller.org_id, staff_id)
        if account is None:
            raise Refusal(Code.RECORD_MISSING, entity="account")
        factors, now = server.sessions.factors, server.clock.now()
        take_factor_off(connection, factors, account, now, caller)
