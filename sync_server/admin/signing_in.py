"""Signing in to the console and out of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial

from anyio import to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shared.declare import text
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import SIGN_IN, ConsoleRoute, check_form, check_origin, form_of
from sync_server.admin.visit import COOKIE, FLASH_COOKIE, HOME, Visit, address_of, stranger, visitor
from sync_server.routes.caller import server_of
from sync_server.services.accounts import LONGEST_USERNAME
from sync_server.services.passwords import LONGEST_PASSWORD

_LOCAL = re.compile(rf"{HOME}(?:/[\w./-]*)?", re.ASCII)

router = APIRouter(prefix=HOME, route_class=ConsoleRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What the form asks for; `next` is where one wanted to go."""

    username: str = text(4 * LONGEST_USERNAME, required=True)
    password: str = text(4 * LONGEST_PASSWORD, required=True)
    next: str | None = text(500)


@router.get("/sign-in")
def ask(request: Request) -> Response:
    """The form; whoever is signed in goes on."""
    if (signed := visitor(request, "sign_in")) and signed.who.wanted is None:
        return RedirectResponse(HOME, 303)
    onward = {"next": local_path(request.query_params.get("next", ""))}
    return _form(stranger(request), filled(SignIn, onward), 200)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """A new session, never one that was there before."""
    check_origin(request)
    visit = replace(stranger(request), form=await form_of(request))
    return await to_thread.run_sync(_submitted, visit)


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """The session ends, here and at the server. Harmless twice."""
    form = await form_of(request)
    check_form(request, form)
    return await to_thread.run_sync(_ended, request)


def _submitted(visit: Visit) -> Response:
    return submit(visit, SignIn, partial(_begun, visit), partial(_form, visit))


def _begun(visit: Visit, asked: SignIn) -> Response:
    address = address_of(visit.request)
    cookie = visit.server.console.sign_in(asked.username, asked.password, address)
    response = RedirectResponse(local_path(asked.next or ""), 303)
    response.delete_cookie(FLASH_COOKIE, HOME)
    visit.keep(response, COOKIE, cookie)
    return response


def _form(visit: Visit, form: Form[SignIn], status: int) -> Response:
    form.raw.pop("password", None)
    return visit.show("sign_in.html", status=status, form=form)


def _ended(request: Request) -> Response:
    server_of(request).console.end(request.cookies.get(COOKIE, ""), address_of(request))
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(COOKIE, HOME)
    response.delete_cookie(FLASH_COOKIE, HOME)
    return response


def local_path(path: str) -> str:
    """An address of the console: the one asked for, or its first page."""
    return path if _LOCAL.fullmatch(path) and ".." not in path else HOME


__all__ = ["local_path", "router"]
