"""The web application: routes over the parts that `bootstrap.build` made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from sync_server.bootstrap import Server
from sync_server.routes import admin, auth, devices, docs, files, health, sealed, sync, web
from sync_server.routes.answers import answer_refusals
from sync_server.routes.guard import Guard

DESCRIPTION = """\
Sync server of Huifang (回访).

Every request but sign-in and refresh carries `Authorization: DPoP <token>` and a fresh `DPoP` proof
(RFC 9449). Every error has one body with a code; `docs/errors.md` lists them all.
"""


def create_app(server: Server) -> FastAPI:
    """The application over `server`, which the caller closes."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    app = FastAPI(
        title="Huifang",
        description=DESCRIPTION,
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.server = server
    answer_refusals(app)
    # The web app comes last: it answers whatever address is left.
    for part in (auth, sync, sealed, files, devices, admin, health, docs, web):
        app.include_router(part.router)
    docs.document(app)
    app.add_middleware(
        Guard,
        max_body_bytes=server.settings.max_body_bytes,
        secure=(server.settings.public_url or "").startswith("https:"),
    )
    return app
