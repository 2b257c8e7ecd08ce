"""Replies with rows, read from their text: a JSON header, row lines, a JSON trailer that counts
them.

A reply without its trailer was cut on the way, and none of it is stored.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from mobile.sync.peer import Page
from shared.errors import Code, Refusal
from shared.messages import parse
from shared.rows import Lines
from shared.wire import Trailer

H = TypeVar("H")


def read_page(header: type[H], body: bytes) -> Page[H]:
    """The page in `body`. Refuses `cut_short` for anything that is not a whole reply."""
    begin, end = body.find(b"\n"), len(body) - body.endswith(b"\n")
    last = body.rfind(b"\n", 0, end)
    if begin < 0 or last < begin:
        raise Refusal(Code.CUT_SHORT, where="frame")
    trailer = parse_json(Trailer, body[last + 1 : end])
    lines = Lines(body[begin + 1 : last])
    if trailer.rows != len(lines):
        raise Refusal(Code.CUT_SHORT, where="trailer")
    return Page(parse_json(header, body[:begin]), lines, trailer)


def parse_json(message: type[H], text: str | bytes) -> H:
    """One message from its JSON text; whatever can't be read as one was cut short."""
    try:
        data: Any = json.loads(text)
        if not isinstance(data, dict):
            raise TypeError("a message is an object")
        return parse(message, data)
    except (KeyError, TypeError, ValueError):
        raise Refusal(Code.CUT_SHORT, where=message.__name__) from None
