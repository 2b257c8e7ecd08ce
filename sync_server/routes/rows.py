"""Replies made of rows: a JSON header, row lines, a JSON trailer that counts them, compressed.

A reply without its trailer was cut short; devices store none of it.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

from fastapi import Request, Response

from shared.rows import write_line
from shared.wire import dump
from sync_server.services.pull import Page

MEDIA_TYPE = "application/vnd.huifang.rows"
_WORTH_IT = 1400
"""Bytes: what fits one packet anyway is sent as it is."""
_LEVEL = 4  # of 9: a quarter of the time of the default for a tenth more bytes


def page_text(page: Page) -> str:
    """The reply's text, as the device stores it."""
    return "".join(
        (_json(page.header), "\n", *map(write_line, page.lines), _json(page.trailer), "\n")
    )


def page_response(request: Request, page: Page) -> Response:
    """The reply, compressed for whoever can read that."""
    body = page_text(page).encode()
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if len(body) > _WORTH_IT and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, _LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=MEDIA_TYPE, headers=headers)


def _json(message: Any) -> str:
    return json.dumps(dump(message), ensure_ascii=False, separators=(",", ":"))
