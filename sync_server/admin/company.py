"""Signing in to the console with the company's own account (OpenID Connect).

The session's cookie is `SameSite=Strict`: a redirect that began at the provider does not carry it.
So the answer to that redirect sets it and shows a page that goes on by itself, or by a link.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import parse_qsl, urlsplit

from anyio import to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shared.errors import Code, Refusal
from sync_server.admin.page import ConsoleRoute
from sync_server.admin.visit import COOKIE, HOME, Visit, address_of, secure, stranger
from sync_server.routes.company import CONSOLE_CALLBACK, FOR_CONSOLE, callback_of
from sync_server.services.company_sign_in import CompanySignIn

BEGUN_COOKIE = "huifang-company"
"""Ties the provider's answer to the browser that began: nobody signs another in as themselves."""
_SECONDS = 600

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)


@router.get(f"{HOME}/sign-in/company")
async def begin(request: Request) -> Response:
    """Off to the provider."""
    return await to_thread.run_sync(_begun, stranger(request))


@router.get(CONSOLE_CALLBACK)
async def finish(request: Request) -> Response:
    """Back from it, with its answer in the address."""
    return await to_thread.run_sync(_finished, stranger(request))


def _begun(visit: Visit) -> Response:
    mark = secrets.token_urlsafe(32)
    company = _needed(visit)
    begun = company.begin(FOR_CONSOLE, _hash(mark), _callback(visit), visit.now)
    response = RedirectResponse(begun.address, 303, {"Cache-Control": "no-store"})
    response.set_cookie(
        BEGUN_COOKIE,
        mark,
        max_age=_SECONDS,
        path=HOME,
        httponly=True,
        samesite="lax",  # it has to come along when the provider sends the browser back
        secure=secure(visit.request, visit.server),
    )
    return response


def _finished(visit: Visit) -> Response:
    company, request = _needed(visit), visit.request
    answer = dict(parse_qsl(urlsplit(str(request.url)).query, keep_blank_values=True))
    identity = company.finish(answer, _callback(visit), visit.now)
    mark = _hash(request.cookies.get(BEGUN_COOKIE, ""))
    if not hmac.compare_digest(mark.encode(), identity.bound_to.encode()):
        raise Refusal(Code.TOKEN_INVALID)
    cookie = visit.server.console.sign_in_as(identity, address_of(request))
    response = visit.show("company_done.html")
    response.headers["Refresh"] = f"0; url={HOME}"
    response.delete_cookie(BEGUN_COOKIE, HOME)
    visit.keep(response, COOKIE, cookie)
    return response


def _callback(visit: Visit) -> str:
    public = visit.server.settings.public_url
    return callback_of(public or str(visit.request.url))


def _hash(mark: str) -> str:
    return hashlib.sha256(mark.encode("utf-8", "surrogatepass")).hexdigest()


def _needed(visit: Visit) -> CompanySignIn:
    if visit.server.company is None:
        raise Refusal(Code.NOT_FOUND)
    return visit.server.company
