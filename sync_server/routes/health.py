"""Whether the server lives, is ready, and how busy it is. No customer data, no ids."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shared.clock import to_wire
from shared.errors import Code, Refusal
from sync_server.routes.answers import documented
from sync_server.routes.caller import TheServer
from sync_server.services.monitored import monitored

log = structlog.get_logger("huifang.health")
router = APIRouter(tags=["health"])

REQUESTS = Counter(
    "huifang_requests", "Requests by route and status.", ["method", "route", "status"]
)
SECONDS = Histogram(
    "huifang_request_seconds",
    "Time to the end of the reply.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)


WAITING = Gauge("huifang_waiting", "What waits, by name (`monitored`).", ["what"])


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReply:
    """`status` is ok; whatever else there would be to say is a refusal."""

    status: str
    server_time: str


@router.get("/healthz")
def healthz(server: TheServer) -> HealthReply:
    """The process answers."""
    return HealthReply(status="ok", server_time=to_wire(server.clock.now()))


@router.get("/readyz", responses=documented(Code.SERVER_BUSY))
def readyz(server: TheServer) -> HealthReply:
    """The database answers as well."""
    try:
        with server.database.read() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as fault:
        log.error("database_not_ready", kind=type(fault).__name__)
        raise Refusal(Code.SERVER_BUSY) from fault
    return HealthReply(status="ok", server_time=to_wire(server.clock.now()))


@router.get("/metrics", response_class=Response, include_in_schema=False)
def metrics(server: TheServer) -> Response:
    """Counts and times by route pattern, and what waits, for Prometheus. A database that is away
    leaves out what only it knows."""
    try:
        with server.database.read() as connection:
            figures = monitored(connection, server.clock.now())
    except SQLAlchemyError as fault:
        log.warning("figures_not_read", kind=type(fault).__name__)
        figures = {}
    for name, figure in figures.items():
        WAITING.labels(name).set(figure)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
