"""Other people's sign-in, for administrators: letting a device in, taking a second factor off,
linking an identity of the company's provider."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import APIRouter

from shared.errors import Code, Refusal
from shared.wire import STRICT
from sync_server.bootstrap import Server
from sync_server.routes.answers import READS_BODY, SIGNED_IN, documented
from sync_server.routes.caller import Administrator, TheRequest, TheServer
from sync_server.services import accounts
from sync_server.services.company_sign_in import ProviderSettings
from sync_server.services.identity_links import link, unlink
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


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRequest:
    """What the provider says of this person, in the claim that the settings name."""

    __pydantic_config__ = STRICT
    value: str


@router.post("/{staff_id}/enrolment-code", responses=documented(*_REFUSALS, Code.USER_INACTIVE))
def enrolment_code(
    staff_id: str, caller: Administrator, request: TheRequest, server: TheServer
) -> InvitationReply:
    """A code with which this person's next device is approved at its first sign-in. The one made
    before is worth nothing any more."""
    here = urlsplit(request.url)
    codes, now = server.sessions.codes, server.clock.now()
    with server.database.write() as connection:
        account = accounts.known_staff(connection, caller.org_id, staff_id)
        made = invite(connection, codes, account, f"{here.scheme}://{here.netloc}", now, caller)
    return InvitationReply(
        code=made.code, link=made.link, qr=as_svg(made.link), expires_at=made.expires_at
    )


@router.post("/{staff_id}/second-factor/reset", status_code=204, responses=documented(*_REFUSALS))
def reset_second_factor(staff_id: str, caller: Administrator, server: TheServer) -> None:
    """Take off the second factor of someone who has lost it. Harmless twice."""
    with server.database.write() as connection:
        account = accounts.known_staff(connection, caller.org_id, staff_id)
        factors, now = server.sessions.factors, server.clock.now()
        take_factor_off(connection, factors, account, now, caller)


@router.put(
    "/{staff_id}/identity",
    status_code=204,
    responses=documented(
        *_REFUSALS, *READS_BODY, Code.NOT_FOUND, Code.RECORD_EXISTS, Code.FIELD_INVALID
    ),
)
def link_identity(
    staff_id: str, asked: IdentityRequest, caller: Administrator, server: TheServer
) -> None:
    """Link someone with what the company's provider says of them (`oidc_claim`): from now on they
    may sign in there as well."""
    provider = _provider(server)
    with server.database.write() as connection:
        account = accounts.known_staff(connection, caller.org_id, staff_id)
        now = server.clock.now()
        link(connection, account, provider.issuer, provider.claim, asked.value, now, caller)


@router.delete(
    "/{staff_id}/identity", status_code=204, responses=documented(*_REFUSALS, Code.NOT_FOUND)
)
def unlink_identity(staff_id: str, caller: Administrator, server: TheServer) -> None:
    """End the link; the password goes on. Harmless twice."""
    provider = _provider(server)
    with server.database.write() as connection:
        account = accounts.known_staff(connection, caller.org_id, staff_id)
        unlink(connection, account, provider.issuer, server.clock.now(), caller)


def _provider(server: Server) -> ProviderSettings:
    if server.company is None:
        raise Refusal(Code.NOT_FOUND)
    return server.company.settings
