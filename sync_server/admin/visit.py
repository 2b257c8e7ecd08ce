"""One request of somebody at the console: who they are, what they may see, and how they are
answered."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from jinja2 import Environment
from sqlalchemy import ColumnElement, true
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from shared.declare import Role
from sync_server.admin.texts import Words, preferred, words
from sync_server.bootstrap import Server
from sync_server.routes.caller import server_of
from sync_server.services.caller import Caller
from sync_server.services.console_sessions import SignedIn, form_token

if TYPE_CHECKING:
    from sync_server.admin.page import Page

HOME = "/console"
COOKIE = "huifang-console"
LANGUAGE_COOKIE = "huifang-language"
FLASH_COOKIE = "huifang-said"
_FLASH_SECONDS = 300

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Console:
    """The pages in the order of the menu, and their templates."""

    pages: tuple[Page, ...]
    templates: Environment

    def menu(self, role: Role) -> dict[str, list[Page]]:
        """Pages by group, as someone of this role finds them."""
        found: dict[str, list[Page]] = {}
        for page in self.pages:
            if page.group and role in page.roles:
                found.setdefault(page.group, []).append(page)
        return found

    def first(self, role: Role) -> Page:
        """The page at which someone of this role begins."""
        return next(page for pages in self.menu(role).values() for page in pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """What takes an action back: a form of one button that posts `fields` to `path`."""

    path: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Templates know it as `visit`, and its `words` as `t`."""

    request: Request
    server: Server
    console: Console
    words: Words
    page: str
    now: datetime
    form: FormData = field(default_factory=FormData)
    cookie: str = ""
    signed_in: SignedIn | None = None

    @property
    def who(self) -> SignedIn:
        assert self.signed_in is not None  # a page lets nobody else in
        return self.signed_in

    @property
    def caller(self) -> Caller:
        return self.who.caller

    @property
    def org_id(self) -> str:
        return self.caller.org_id

    @property
    def asked(self) -> Mapping[str, str]:
        """The address's own questions: filters, order, place in a list."""
        return self.request.query_params

    @property
    def today(self) -> date:
        """The day in the organisation's zone."""
        return self.now.astimezone(self.words.zone).date()

    @property
    def form_token(self) -> str:
        return form_token(self.cookie) if self.cookie else ""

    def in_store(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Nothing to ask of an administrator; a store manager sees their own store's."""
        if self.caller.role is Role.ADMINISTRATOR:
            return true()
        return column == (self.caller.store_id or "")

    def show(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page. What was said by the action before it is shown once."""
        said = self._said()
        made = self.console.templates.get_template(template).render(
            visit=self,
            t=self.words,
            said=said,
            menu=self.console.menu(self.caller.role) if self.signed_in else {},
            **values,
        )
        response = HTMLResponse(made, status, HEADERS)
        if said is not None:
            response.delete_cookie(FLASH_COOKIE, HOME)
        return response

    def done(
        self, to: str, said: str, undo: Undo | None = None, *, tone: str = "good", **values: Any
    ) -> Response:
        """Back to a page of ours, which says the text of key `said`, with a way to take back what
        was done. `values` name no customer. `tone` is ``good`` or ``warn``."""
        response = RedirectResponse(to, 303, {"Cache-Control": "no-store"})
        told: dict[str, Any] = {"text": said, "values": values, "tone": tone}
        told |= {"undo": undo and undo.path, "fields": dict(undo.fields) if undo else {}}
        self.keep(response, FLASH_COOKIE, self._sealed(told), _FLASH_SECONDS)
        return response

    def keep(self, response: Response, name: str, value: str, seconds: int | None = None) -> None:
        """A cookie for the console alone. Without `seconds` it goes with the browser."""
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path=HOME,
            httponly=True,
            samesite="strict",
            secure=secure(self.request, self.server),
        )

    def _sealed(self, told: Mapping[str, Any]) -> str:
        body = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
        return f"{body}.{self._mark(body)}"

    def _said(self) -> dict[str, Any] | None:
        body, _, mark = self.request.cookies.get(FLASH_COOKIE, "").partition(".")
        if not self.cookie or not hmac.compare_digest(mark.encode(), self._mark(body).encode()):
            return None
        try:
            told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body))
        except (ValueError, binascii.Error):
            return None
        return told

    def _mark(self, body: str) -> str:
        return hmac.new(self.form_token.encode(), body.encode(), "sha256").hexdigest()


def secure(request: Request, server: Server) -> bool:
    """Whether cookies may be kept to HTTPS: there, and on this very machine."""
    host = request.url.hostname or ""
    public = server.settings.public_url or ""
    local = host in {"localhost", "127.0.0.1", "::1"}
    return local or request.url.scheme == "https" or public.startswith("https:")


def address_of(request: Request) -> str:
    """Where a request came from."""
    return request.client.host if request.client else ""


def stranger(request: Request) -> Visit:
    """A visit of somebody who is not signed in."""
    server = server_of(request)
    return Visit(
        request=request,
        server=server,
        console=request.app.state.console,
        words=words(language_of(request)),
        page="sign_in",
        now=server.clock.now(),
    )


def visitor(request: Request, page: str) -> Visit | None:
    """A visit of whoever's cookie this is; None where it is nobody's any more."""
    server, cookie = server_of(request), request.cookies.get(COOKIE, "")
    found = server.console.find(cookie, address_of(request)) if cookie else None
    if found is None:
        return None
    return Visit(
        request=request,
        server=server,
        console=request.app.state.console,
        words=words(language_of(request), found.timezone),
        page=page,
        now=server.clock.now(),
        cookie=cookie,
        signed_in=found,
    )


def language_of(request: Request) -> str:
    """The language that was chosen, or else the browser's."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen or preferred(request.headers.get("accept-language", ""))
