"""Reading what a device pushed: the envelope strictly, each change on its own.

A change that can't be read must not hold up the others behind it, so it becomes an `Unreadable`
in its place, and its outcome is a rejection with a code; its text is kept like any other's (L1).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.clock import from_wire
from shared.declare import ENTITIES
from shared.device_time import Sending
from shared.errors import Code, Refusal
from shared.ids import is_id
from shared.wire import Change, PushRequest

_CHANGE_FIELDS = {f.name for f in dataclasses.fields(Change)}
_PUSH_FIELDS = {f.name for f in dataclasses.fields(PushRequest)}
_NUMBER_LIMIT = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable(Change):
    """A change of which only the id could be read: `raw` is its text as it came, `refusal` what
    is wrong with it."""

    raw: Mapping[str, Any] = field(default_factory=dict)
    refusal: Refusal = field(default_factory=lambda: Refusal(Code.MALFORMED))


def read_push(data: Any) -> PushRequest:
    """The request of its decoded JSON. Refuses (`MALFORMED`, `UNKNOWN_FIELD`) only what leaves no
    way to answer change by change: a wrong envelope, or a change without an id."""
    if not isinstance(data, Mapping):
        raise Refusal(Code.MALFORMED, where="push")
    if unknown := sorted(set(data) - _PUSH_FIELDS):
        raise Refusal(Code.UNKNOWN_FIELD, field=unknown[0][:60])
    changes = data.get("changes")
    if not isinstance(changes, list):
        raise Refusal(Code.MALFORMED, field="changes")
    for name, kind in (("app_version", str), ("boot_id", str), ("monotonic_ms", int)):
        if type(data.get(name)) is not kind:
            raise Refusal(Code.MALFORMED, field=name)
    if not isinstance(data.get("epoch"), (str, type(None))):
        raise Refusal(Code.MALFORMED, field="epoch")
    _moment(data.get("sent_at"), "sent_at")
    return PushRequest(**{**data, "changes": [_read_change(c) for c in changes]})


def sending_of(request: PushRequest, received_at: Any) -> Sending:
    """The clocks by which the request's changes are dated."""
    return Sending(
        sent_at=from_wire(request.sent_at),
        boot_id=request.boot_id,
        monotonic_ms=request.monotonic_ms,
        received_at=received_at,
    )


def original(change: Change) -> str:
    """The change as it came, as JSON text: what is kept whatever becomes of it, and what its
    digest is made of."""
    raw = change.raw if isinstance(change, Unreadable) else dataclasses.asdict(change)
    text = json.dumps(raw, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if any("\ud800" <= c <= "\udfff" for c in text):  # half a character: no UTF-8 has it
        text = json.dumps(raw, separators=(",", ":"), sort_keys=True)
    return text


def content_digest(text: str) -> bytes:
    """By which a change that comes again is known to be the same."""
    return hashlib.sha256(text.encode()).digest()


def _read_change(data: Any) -> Change:
    if not isinstance(data, Mapping) or not is_id(data.get("change_id")):
        raise Refusal(Code.MALFORMED, field="changes.change_id")
    try:
        _check_change(data)
    except Refusal as refusal:
        return Unreadable(
            change_id=data["change_id"],
            number=0,
            grant_id="",
            entity="",
            record_id="",
            kind="",
            fields={},
            claimed_at="",
            boot_id="",
            monotonic_ms=0,
            raw=data,
            refusal=refusal,
        )
    return Change(**data)


def _check_change(data: Mapping[str, Any]) -> None:
    if unknown := sorted(set(data) - _CHANGE_FIELDS):
        raise Refusal(Code.UNKNOWN_FIELD, field=str(unknown[0])[:60])
    for name in ("number", "monotonic_ms"):
        if type(data.get(name)) is not int or not 0 <= data[name] < _NUMBER_LIMIT:
            raise Refusal(Code.MALFORMED, field=name)
    for name in ("grant_id", "record_id"):
        if not is_id(data.get(name)):
            raise Refusal(Code.MALFORMED, field=name)
    if not isinstance(data.get("entity"), str) or data["entity"] not in ENTITIES:
        raise Refusal(Code.UNKNOWN_ENTITY)
    if data.get("kind") not in ("create", "update"):
        raise Refusal(Code.MALFORMED, field="kind")
    if not isinstance(data.get("boot_id"), str):
        raise Refusal(Code.MALFORMED, field="boot_id")
    if not isinstance(data.get("fields"), Mapping):
        raise Refusal(Code.MALFORMED, field="fields")
    base = data.get("base", {})
    if not isinstance(base, Mapping) or any(type(v) is not int for v in base.values()):
        raise Refusal(Code.MALFORMED, field="base")
    _moment(data.get("claimed_at"), "claimed_at")


def _moment(value: Any, name: str) -> None:
    try:
        from_wire(value)
    except (TypeError, ValueError, OverflowError):
        raise Refusal(Code.MALFORMED, field=name) from None
