"""Replies made of rows: a JSON header, row lines, a JSON trailer that counts them, compressed.

A reply without its trailer was cut short; devices store none of it.
"""

from __future__ import annotations

import gzip

import zstandard
from fastapi import Response
from msgspec.json import encode

from sync_server.services.pull import Page

MEDIA_TYPE = "application/vnd.huifang.rows"
_WORTH_IT = 1400
"""Bytes: what fits one packet anyway is sent as it is."""
_ZSTD_LEVEL = 1  # smaller than gzip's 4 and eight times as fast; 3 saves 2 % for double the time
_GZIP_LEVEL = 4  # of 9: a quarter of the time of the default for a tenth more bytes


def page_text(page: Page) -> bytes:
    """The reply's text, as the device stores it."""
    lines = (line.text for line in page.lines)
    return b"".join((encode(page.header), b"\n", *lines, encode(page.trailer), b"\n"))


def page_response(accepted: str, page: Page) -> Response:
    """The reply, compressed for whoever can read that: `accepted` is what the request says of
    it."""
    body = page_text(page)
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if len(body) > _WORTH_IT:
        if "zstd" in accepted:
            body = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body)
            headers["Content-Encoding"] = "zstd"
        elif "gzip" in accepted:
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=MEDIA_TYPE, headers=headers)
