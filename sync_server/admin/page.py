"""What a page of the console is: its name, who may open it, and the routes under its address.

    PAGE = Page("devices", group="access")
    router = PAGE.router()

    @router.get("")
    def devices(visit: Visiting) -> Response: ...

Whoever asks for anything under the page's address is looked at before its routes run: a session
that holds, a role that may, and for a POST the form's own token.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shared.declare import Role
from shared.errors import Code, Refusal
from sync_server.admin.visit import COOKIE, HOME, Visit, stranger, visitor
from sync_server.db.limits import BUSY
from sync_server.services.console_sessions import form_token

ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
WITH_MANAGERS = frozenset({Role.ADMINISTRATOR, Role.STORE_MANAGER})
WITH_HEAD_OFFICE = WITH_MANAGERS | {Role.HEAD_OFFICE}
"""For pages that tell head office what is published and no more (S3 #149), and one's account."""
SIGN_IN = f"{HOME}/sign-in"
TOKEN = "form_token"
_MOST_FIELDS = 2000
_STATUS = {404: Code.NOT_FOUND, 405: Code.NOT_FOUND, 413: Code.BATCH_TOO_LARGE}


class _Elsewhere(Exception):
    """The visitor has to go somewhere else first."""

    def __init__(self, path: str) -> None:
        self.path = path


class ConsoleRoute(APIRoute):
    """A route whose refusals are pages, in the visitor's language."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await inner(request)
            except _Elsewhere as elsewhere:
                return RedirectResponse(elsewhere.path, 303)
            except Refusal as refusal:
                return await _refused(request, refusal)
            except BUSY:
                return await _refused(request, Refusal(Code.SERVER_BUSY))
            except RequestValidationError:
                return await _refused(request, Refusal(Code.MALFORMED))
            except HTTPException as other:
                code = _STATUS.get(other.status_code, Code.MALFORMED)
                return await _refused(request, Refusal(code))
            finally:
                await request.close()  # files that came with a form

        return answered


async def _refused(request: Request, refusal: Refusal) -> Response:
    visit = getattr(request.state, "visit", None) or stranger(request)
    meaning, remedy = visit.words.error(refusal)
    shown = {"meaning": meaning, "remedy": remedy, "code": refusal.code.key}
    response: Response = await to_thread.run_sync(
        lambda: visit.show("refused.html", status=refusal.code.status or 500, **shown)
    )
    return response


@dataclass(frozen=True, slots=True)
class Page:
    """One page: `name` is what its texts' keys begin with (`<name>.title`, `<name>.lead`) and,
    unless `path` says otherwise, the last part of its address; `group` the part of the menu that it
    stands in, none for one that stands in no menu. `wanted`: for sessions from which that is still
    wanted (a second factor), and for no others."""

    name: str
    group: str = ""
    roles: frozenset[Role] = ADMINISTRATORS
    wanted: str | None = None
    path: str = ""

    def __post_init__(self) -> None:
        usual = f"{SIGN_IN}/{self.wanted}" if self.wanted else f"{HOME}/{self.name}"
        object.__setattr__(self, "path", self.path or usual)

    def router(self) -> APIRouter:
        """Where the page's routes are declared, with paths below its own."""

        async def enter(request: Request) -> None:
            request.state.visit = await self._enter(request)

        return APIRouter(
            prefix=self.path,
            route_class=ConsoleRoute,
            include_in_schema=False,
            dependencies=[Depends(enter)],
        )

    async def _enter(self, request: Request) -> Visit:
        visit = await to_thread.run_sync(visitor, request, self.name)
        if visit is None:
            raise _Elsewhere(_sign_in_for(request))
        request.state.visit = visit
        if visit.who.wanted != self.wanted:
            raise _Elsewhere(f"{SIGN_IN}/{visit.who.wanted}" if visit.who.wanted else HOME)
        if visit.caller.role not in self.roles:
            if self.path == HOME:  # where everybody begins
                raise _Elsewhere(visit.console.first(visit.caller.role).path)
            raise Refusal(Code.ROLE_NOT_ALLOWED)
        if request.method == "GET":
            return visit
        form = await form_of(request)  # of nobody else is a body read
        check_form(request, form)
        return replace(visit, form=form)


def _sign_in_for(request: Request) -> str:
    """The sign-in, from where one comes back to the page that was asked for."""
    return f"{SIGN_IN}?next={request.url.path}" if request.method == "GET" else SIGN_IN


def visit_of(request: Request) -> Visit:
    """The visit that `Page.router` let in."""
    visit: Visit = request.state.visit
    return visit


Visiting = Annotated[Visit, Depends(visit_of)]


async def form_of(request: Request) -> FormData:
    """What a form sent."""
    return await request.form(max_files=10, max_fields=_MOST_FIELDS)


def check_origin(request: Request) -> None:
    """Refuses a form that another site's page sent: browsers say where a request comes from."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        ours = site in {"same-origin", "none"}
    else:
        ours = origin is None or origin.partition("://")[2] == request.headers.get("host")
    if not ours:
        raise Refusal(Code.FORM_STALE)


def check_form(request: Request, form: FormData) -> None:
    """Refuses (FORM_STALE) what no form of this very session sent."""
    check_origin(request)
    said = form.get(TOKEN)
    wanted = form_token(request.cookies.get(COOKIE, ""))
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), wanted.encode()):
        raise Refusal(Code.FORM_STALE)
