"""Sends the built web app. Comes last: whatever no other route knows is looked for among its
files."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse

from shared.errors import Code, Refusal
from sync_server.routes.caller import TheServer
from sync_server.services.web_files import WebFile

router = APIRouter(include_in_schema=False)

NOT_BUILT = "The web app is not built here: run `huifang build-web`. 网页应用尚未构建。\n"
_OURS = ("v1/", "console", "docs", "openapi.json", "healthz", "readyz", "metrics")


@router.api_route("/{path:path}", methods=["GET", "HEAD"])
def web(path: str, request: Request, server: TheServer) -> Response:
    """A file of the web app; for an address that is none of them, a person's browser gets its
    first page."""
    files = server.web
    if path.startswith(_OURS):
        raise Refusal(Code.NOT_FOUND)
    gzip_taken = "gzip" in request.headers.get("accept-encoding", "")
    found = files.find(path, gzip_taken=gzip_taken)
    if found is None and _asks_for_a_page(path, request):
        found = files.find("", gzip_taken=gzip_taken)
        if found is None:
            return PlainTextResponse(NOT_BUILT, 404)
    if found is None:
        raise Refusal(Code.NOT_FOUND)
    return _answer(found, request.headers.get("if-none-match", ""))


def _answer(found: WebFile, held: str) -> Response:
    headers = {**found.headers, "ETag": found.etag, "Vary": "Accept-Encoding"}
    if found.etag in (tag.strip().removeprefix("W/") for tag in held.split(",")):
        return Response(status_code=304, headers=headers)
    if found.gzipped:
        headers["Content-Encoding"] = "gzip"
    return FileResponse(found.path, media_type=found.media_type, headers=headers)


def _asks_for_a_page(path: str, request: Request) -> bool:
    last = path.rsplit("/", 1)[-1]
    return "." not in last and "text/html" in request.headers.get("accept", "")
