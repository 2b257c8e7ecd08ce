"""The console put together: its pages in the order of the menu, signing in and out, and the
files that every page loads."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, FastAPI
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shared.errors import Code, Refusal
from shared.wording import LANGUAGES
from sync_server.admin import answering, company, entering, signing_in
from sync_server.admin.page import ConsoleRoute
from sync_server.admin.pages import (
    account,
    acts,
    alarms,
    assignments,
    backups,
    calendar,
    churn,
    conflicts,
    desk,
    devices,
    doubles,
    entrances,
    erasures,
    evaluations,
    feedback,
    feedback_owed,
    figures,
    grades,
    grants,
    health,
    importing,
    let_in,
    looks,
    overview,
    policy,
    ranks,
    reviews,
    stores,
    surveys,
    tiers,
    totp,
    trainings,
    users,
    vips,
    waiting,
)
from sync_server.admin.visit import HOME, LANGUAGE_COOKIE, Console, stranger
from sync_server.services import answer_pace

PAGES = (
    overview,
    desk,
    figures, ranks, alarms, users, stores, assignments, grades,
    trainings, devices, grants, let_in, waiting,
    conflicts, doubles, tiers, vips, churn,
    feedback, feedback_owed, entrances, surveys, evaluations,
    looks, reviews, erasures, acts, policy, calendar, importing,
    backups, health, account, totp,
)  # fmt: skip
"""Modules with a `PAGE` and a `router`, in the order of the menu."""

_FOLDER = Path(__file__).parent
_STATIC = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "console.svg": "image/svg+xml",
}
_YEAR = 366 * 24 * 3600


def add_console(app: FastAPI) -> None:
    """The console's routes, and what they need in `app.state`. Before the web app's, which take
    whatever address is left."""
    clock = app.state.server.clock
    app.state.answer_pace = answer_pace.of_surveys(clock)
    app.state.entrance_pace = answer_pace.of_entrances(clock)
    app.state.console = Console(tuple(module.PAGE for module in PAGES), _templates())
    doors = (signing_in.router, company.router, answering.router, entering.router)
    for router in (_ROUTER, *doors, *(module.router for module in PAGES), _REST):
        app.router.routes.extend(router.routes)


@cache
def _templates() -> Environment:
    """Of every app of this process: nothing in them is of one server."""
    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "HOME": HOME,
        "LANGUAGES": LANGUAGES,
        "static": {name: f"{HOME}/static/{name}?v={_digest(name)}" for name in _STATIC},
    }
    return made


def _digest(name: str) -> str:
    return hashlib.sha256((_FOLDER / "static" / name).read_bytes()).hexdigest()[:12]


_ROUTER = APIRouter(prefix=HOME, route_class=ConsoleRoute, include_in_schema=False)


@_ROUTER.get("/static/{name}")
def static(name: str) -> Response:
    """One of these files. Its address changes with its content, so it is kept for good."""
    if name not in _STATIC:
        raise Refusal(Code.NOT_FOUND)
    content = (_FOLDER / "static" / name).read_bytes()
    kept = {"Cache-Control": f"public, max-age={_YEAR}, immutable"}
    return Response(content, headers=kept, media_type=_STATIC[name])


@_ROUTER.get("/language/{tag}")
def language(tag: str, request: Request) -> Response:
    """Speak this language from now on, and go back to where one was."""
    if tag not in LANGUAGES:
        raise Refusal(Code.NOT_FOUND)
    response = RedirectResponse(signing_in.local_path(request.query_params.get("next", "")), 303)
    visit = stranger(request)
    visit.keep(response, LANGUAGE_COOKIE, tag, _YEAR)
    return response


_REST = APIRouter(prefix=HOME, route_class=ConsoleRoute, include_in_schema=False)


@_REST.api_route("/{rest:path}", methods=["GET", "POST"])
def nothing(rest: str) -> Response:
    """Whatever address is left has no page."""
    raise Refusal(Code.NOT_FOUND, length=len(rest))
