"""Signing in with the company's own accounts (OpenID Connect), as far as a device takes part."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from shared.errors import Code, Refusal
from shared.wire_company import CompanyReply, CompanyRequest, WaysReply
from sync_server.routes.answers import READS_BODY, documented
from sync_server.routes.caller import TheRequest, TheServer
from sync_server.services.company_sign_in import CompanySignIn

router = APIRouter(prefix="/v1/auth", tags=["auth"])
CALLBACK = "/v1/auth/company/callback"
FOR_APP, FOR_CONSOLE = "app", "console"
CONSOLE_CALLBACK = "/console/company"
"""Where the console takes over; it gets the provider's answer as it came."""


@router.get("/ways")
def ways(server: TheServer) -> WaysReply:
    """How one may sign in here, besides with name and password."""
    company = server.company
    return WaysReply(company=company.settings.name if company else None)


@router.post(
    "/company/begin",
    responses=documented(*READS_BODY, Code.PROOF_INVALID, Code.NOT_FOUND, Code.PROVIDER_FAILED),
)
def begin(asked: CompanyRequest, request: TheRequest, server: TheServer) -> CompanyReply:
    """Go to the company's sign-in: the reply says where. Good for ten minutes, for this device."""
    company = _needed(server.company)
    device = server.sessions.proven_device(asked.device_key, request)
    begun = company.begin(FOR_APP, device, callback_of(request.url), server.clock.now())
    return CompanyReply(address=begun.address)


@router.get(
    "/company/callback",
    status_code=303,
    response_class=RedirectResponse,
    responses=documented(Code.NOT_FOUND),
)
def callback(
    request: Request,
    sent: TheRequest,
    server: TheServer,
    state: Annotated[str, Query(description="As it was sent to the provider.")] = "",
    code: Annotated[str | None, Query(description="The provider's authorization code.")] = None,
    error: Annotated[str | None, Query(description="Why there is none.")] = None,
) -> RedirectResponse:
    """Where the provider sends the browser back to. It goes on to the app with a ticket, in the
    fragment, which no server sees; or to the console."""
    del code, error  # read as they came, with what else the provider says
    company, now = _needed(server.company), server.clock.now()
    query = urlsplit(str(request.url)).query
    answer = dict(parse_qsl(query, keep_blank_values=True))
    try:
        if company.purpose_of(state, now) == FOR_CONSOLE:
            return RedirectResponse(f"{CONSOLE_CALLBACK}?{query}", 303)
        identity = company.finish(answer, callback_of(sent.url), now)
        ticket = server.sessions.ticket_for(identity, sent.address)
    except Refusal as refusal:
        return RedirectResponse(f"/#/sign-in-failed/{refusal.code.key}", 303)
    return RedirectResponse(f"/#/signed-in/{ticket}", 303)


def callback_of(url: str) -> str:
    """The one address that the provider has to know of this server."""
    here = urlsplit(url)
    return f"{here.scheme}://{here.netloc}{CALLBACK}"


def _needed(company: CompanySignIn | None) -> CompanySignIn:
    if company is None:
        raise Refusal(Code.NOT_FOUND)
    return company
