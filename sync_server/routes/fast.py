"""Pull and snapshot, answered without the framework's general way: what every phone asks every few
minutes takes half a millisecond, and the way there took more than the answer.

The routes are declared, with all that their description says, in `routes.sync`; these doors stand
before the application. Body, token, proof, standing, scope: everything is looked at for each
request, in one thread and one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.wire import PullRequest, SnapshotRequest
from sync_server.bootstrap import Server
from sync_server.routes.caller import heard, sent, unbarred
from sync_server.routes.rows import page_response
from sync_server.services.leases import sign_lease
from sync_server.services.pull import Page, note_pull, read_pull
from sync_server.services.sessions import Sent, standing_of
from sync_server.services.snapshot import read_snapshot

_PULL = TypeAdapter(PullRequest)
_SNAPSHOT = TypeAdapter(SnapshotRequest)

Answer = Callable[[Server, Sent, bytes], Page]


class Application(FastAPI):
    """FastAPI, and before it doors for what is asked most: each by its path, to be posted to."""

    doors: Mapping[str, ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in self.doors:
            scope["app"] = self
            await self.doors[scope["path"]](scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class Fast:
    """One route as plain ASGI. Refusals and unreadable bodies go the way of all others."""

    def __init__(self, server: Server, path: str, answer: Answer) -> None:
        self._server = server
        self.path = path
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self  # by its path the log and the figures know a request
        request = Request(scope, receive)
        body = await request.body()
        headers = request.headers
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise RequestValidationError([{"type": "content_type", "loc": ("body",)}])
        said = sent(request, headers.get("authorization"), headers.get("dpop"))
        accepted = headers.get("accept-encoding", "")
        response = await to_thread.run_sync(self._answered, said, body, accepted)
        await response(scope, receive, send)

    def _answered(self, said: Sent, body: bytes, accepted: str) -> Response:
        return page_response(accepted, self._answer(self._server, said, body))


def open_doors(app: Application, server: Server, guarded: Callable[[ASGIApp], ASGIApp]) -> None:
    """Once all handlers of refusals are there. `guarded` puts around a door what stands around the
    whole application."""
    answers = {"/v1/sync/pull": _pulled, "/v1/sync/snapshot": _fetched}
    app.doors = {
        path: guarded(ExceptionMiddleware(Fast(server, path, answer), app.exception_handlers))
        for path, answer in answers.items()
    }


def _pulled(server: Server, said: Sent, body: bytes) -> Page:
    """Also for whoever is barred: they hear what to drop, and nothing else."""
    claims = server.sessions.proven(said)
    asked = _read(_PULL, body)
    db, now = server.database, server.clock.now()
    with db.read() as connection:
        caller = heard(standing_of(connection, claims))
        sign = partial(sign_lease, server.keys.lease)
        told = read_pull(db, connection, caller, asked, now, sign)
    return note_pull(db, caller, asked, told, now)


def _fetched(server: Server, said: Sent, body: bytes) -> Page:
    claims = server.sessions.proven(said)
    asked = _read(_SNAPSHOT, body)
    with server.database.read() as connection:
        caller = unbarred(standing_of(connection, claims))
        return read_snapshot(server.database, connection, caller, asked, server.clock.now())


def _read(message: TypeAdapter[Any], body: bytes) -> Any:
    try:
        return message.validate_json(body)
    except ValidationError as bad:
        errors = bad.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError(
            [{**error, "loc": ("body", *error["loc"])} for error in errors]
        ) from None
