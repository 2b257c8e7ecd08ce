"""How refusals leave the server: one body, one handler, one place that documents them
(`shared.errors`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from shared.errors import Code, Refusal, repeatable
from shared.wire import ErrorReply
from sync_server.db.limits import BUSY

log = structlog.get_logger("huifang.http")

RETRY_AFTER_SECONDS = {Code.TOO_MANY_TRIES: 60, Code.SERVER_BUSY: 5}
_UNKNOWN = {"extra_forbidden", "unexpected_keyword_argument"}  # of models, and of dataclasses
_OF_STATUS = {404: Code.NOT_FOUND, 413: Code.BATCH_TOO_LARGE, 503: Code.SERVER_BUSY}


def reply(code: Code, details: dict[str, Any] | None = None) -> JSONResponse:
    """The reply that carries `code`."""
    headers = {"Cache-Control": "no-store"}
    if code.status == 401:
        headers["WWW-Authenticate"] = f'DPoP algs="EdDSA", error="{code.key}"'
    wait = (details or {}).get("seconds", RETRY_AFTER_SECONDS.get(code))
    if wait is not None and code.status in (429, 503):
        headers["Retry-After"] = str(wait)
    body = ErrorReply(
        code=code.key,
        message=code.value.meaning,
        remedy=code.value.remedy,
        details=details or {},
    )
    return JSONResponse(jsonable_encoder(body), code.status or 500, headers)


def documented(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` of a route that may refuse with these codes."""
    by_status: dict[int | str, list[Code]] = {}
    for code in codes:
        by_status.setdefault(code.status, []).append(code)
    return {
        status: {
            "model": ErrorReply,
            "description": "; ".join(f"`{c.key}`: {c.value.meaning}" for c in found),
        }
        for status, found in by_status.items()
    }


SIGNED_IN = (
    Code.SIGN_IN_REQUIRED,
    Code.TOKEN_EXPIRED,
    Code.TOKEN_INVALID,
    Code.PROOF_INVALID,
    Code.DEVICE_PENDING,
    Code.DEVICE_BLOCKED,
    Code.DEVICE_UNKNOWN,
    Code.USER_INACTIVE,
    Code.TOO_MANY_REQUESTS,
)
"""What every route behind the sign-in may answer."""

READS_BODY = (
    Code.MALFORMED,
    Code.UNKNOWN_FIELD,
    Code.BATCH_TOO_LARGE,
    Code.TOO_MANY_REQUESTS,
)
"""What every route that takes a JSON body may answer."""


def answer_refusals(app: FastAPI) -> None:
    """Turn every refusal of this app into its reply."""

    @app.exception_handler(Refusal)
    async def refused(_request: Request, refusal: Refusal) -> JSONResponse:
        return reply(refusal.code, refusal.details)

    async def busy(_request: Request, fault: Exception) -> JSONResponse:
        log.warning("database_busy", kind=type(fault).__name__)
        return reply(Code.SERVER_BUSY)

    for kind in BUSY:
        app.add_exception_handler(kind, busy)

    @app.exception_handler(RequestValidationError)
    async def unreadable(_request: Request, bad: RequestValidationError) -> JSONResponse:
        errors = bad.errors()
        unknown = [e for e in errors if e["type"] in _UNKNOWN]
        code = Code.UNKNOWN_FIELD if unknown else Code.MALFORMED
        return reply(code, {"fields": ", ".join(_names(unknown or errors))})

    @app.exception_handler(HTTPException)
    async def elsewhere(_request: Request, other: HTTPException) -> JSONResponse:
        answer = reply(_OF_STATUS.get(other.status_code, Code.MALFORMED))
        answer.status_code = other.status_code
        answer.headers.update(other.headers or {})
        return answer


def _names(errors: Sequence[Any]) -> list[str]:
    """Where the errors lie: names and positions only, never what stood there."""
    paths = {".".join(_part(part) for part in error["loc"]) for error in errors[:10]}
    return sorted(paths)


def _part(part: object) -> str:
    return str(part) if isinstance(part, int) else repeatable(part)
