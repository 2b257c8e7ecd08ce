"""The web application: routes over the parts that `bootstrap.build` made."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from anyio import to_thread
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from shared.errors import Refusal
from sync_server.admin.console import add_console
from sync_server.admin.report_files import in_every_form
from sync_server.bootstrap import HOUSEKEEPING_SECONDS, Server
from sync_server.routes import (
    admin,
    auth,
    company,
    decisions,
    devices,
    docs,
    erasures,
    fast,
    files,
    grants,
    health,
    moves,
    poke,
    policy,
    review,
    sealed,
    second_factor,
    sync,
    user_sign_in,
    web,
)
from sync_server.routes.answers import answer_refusals
from sync_server.routes.guard import Guard
from sync_server.services import kept_reports
from sync_server.services.pace import Pace
from sync_server.services.poke import Hub
from sync_server.services.poke_between import keep_hearing

log = structlog.get_logger("huifang.app")

DESCRIPTION = """\
Sync server of Huifang (回访).

Every request but sign-in and refresh carries `Authorization: DPoP <token>` and a fresh `DPoP` proof
(RFC 9449). Every error has one body with a code; `docs/errors.md` lists them all.
"""


MINUTES_OF_A_DAY = 24 * 60
MINUTES_OF_AN_HOUR, RULES_MINUTE = 60, 10
"""The night's rules are thought of once an hour, and not while a server starts."""


@asynccontextmanager
async def housekeeping(app: FastAPI) -> AsyncIterator[None]:
    """Now and then clears away what is over. Nothing relies on it: what has ended counts as ended
    whoever looks."""
    server: Server = app.state.server
    tasks = [
        asyncio.create_task(_keep_house(server)),
        asyncio.create_task(keep_hearing(app.state.hub, server.database)),
    ]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_house(server: Server) -> None:
    def reports() -> None:
        keep_reports(server)

    daily_at = 0
    for minute in itertools.count():
        if await one_round(server, daily=minute >= daily_at):
            daily_at = minute + MINUTES_OF_A_DAY
        if minute % MINUTES_OF_AN_HOUR == RULES_MINUTE:
            await _done(server.run_rules)
            await _done(reports)
        await asyncio.sleep(HOUSEKEEPING_SECONDS)


def keep_reports(server: Server) -> None:
    """Make and keep what is missing of the stores' reports of the month that was published last
    (S3 #145). Harmless at any time, and from several processes."""
    kept_reports.keep_due(server.database, server.clock.now(), in_every_form)


async def one_round(server: Server, *, daily: bool) -> bool:
    """Does what is done each minute, and what is done daily; says whether the latter went through.
    What fails keeps nothing else from being done, and is tried again in the next round."""
    each_minute = (
        server.back_up_if_due,
        server.clear_away,
        server.watch_looks,
        server.keep_figures,
    )
    for work in each_minute:
        await _done(work)
    return daily and await _done(server.keep_to_retention)


async def _done(work: Callable[[], None]) -> bool:
    try:
        await to_thread.run_sync(work)
    except (SQLAlchemyError, OSError, Refusal) as fault:  # busy, away, full
        log.warning("housekeeping_failed", work=work.__name__, kind=type(fault).__name__)
    except Exception as fault:  # a task that died of our own mistake would back up nothing any more
        log.error("housekeeping_failed", work=work.__name__, kind=type(fault).__name__)
    else:
        return True
    return False


def create_app(server: Server) -> FastAPI:
    """The application over `server`, which the caller closes."""

    app = fast.Application(
        title="Huifang",
        description=DESCRIPTION,
        version="1",
        lifespan=housekeeping,
        docs_url=None,
        redoc_url=None,
        # Nobody is told of requests but by our own log and figures (`routes.guard`).
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.server = server
    app.state.hub = Hub(server.database, server.clock)
    answer_refusals(app)
    # The routers' own routes, ready since their modules were loaded: FastAPI's `include_router`
    # makes each of them anew, a third of a second in front of the first request. The web app comes
    # last: it answers whatever address is left.
    doors = (auth, company, second_factor)
    people = (devices, admin, user_sign_in, erasures)
    offices = (*people, decisions, grants, moves, review, policy)
    for part in (*doors, sync, poke, sealed, files, *offices, health, docs):
        app.router.routes.extend(part.router.routes)
    add_console(app)
    app.router.routes.extend(web.router.routes)
    docs.document(app)
    limits: dict[str, Any] = {
        "max_body_bytes": server.settings.max_body_bytes,
        "secure": (server.settings.public_url or "").startswith("https:"),
        "pace": Pace(server.settings.requests_per_address, server.clock),
    }
    app.add_middleware(Guard, **limits)
    fast.open_doors(app, server, lambda door: Guard(door, **limits))
    return app
