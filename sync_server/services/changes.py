"""Reading what a device pushed: the envelope strictly, each change on its own.

A change that can't be read must not hold up the others behind it, so it stays in its place with
what is wrong with it, and its outcome is a rejection with a code; its text is kept like any
other's (L1).

What is well-formed is read in one go (msgspec). Whatever that stumbles over is read again by hand,
word by word, which alone decides what is refused and says why.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from shared.clock import from_wire
from shared.declare import ENTITIES
from shared.device_time import Sending
from shared.errors import Code, Refusal, repeatable
from shared.ids import is_id
from shared.wire import PROTOCOL, Change, PushRequest

_CHANGE_FIELDS = {f.name for f in dataclasses.fields(Change)}
_PUSH_FIELDS = {f.name for f in dataclasses.fields(PushRequest)}
_NUMBER_LIMIT = 2**53

_Id = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
_Count = Annotated[int, msgspec.Meta(ge=0, lt=_NUMBER_LIMIT)]


class Readable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of a change that could be read: the fields of `shared.wire.Change`."""

    change_id: _Id
    number: _Count
    grant_id: _Id
    entity: str
    record_id: _Id
    kind: Literal["create", "update"]
    fields: dict[str, Any]
    claimed_at: str
    boot_id: str
    monotonic_ms: _Count
    base: dict[str, int] = msgspec.field(default_factory=dict)
    protocol: Any = PROTOCOL


class _Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    app_version: str
    sent_at: str
    boot_id: str
    monotonic_ms: int
    changes: list[msgspec.Raw]
    epoch: str | None = None
    protocol: Any = PROTOCOL


_READ_ENVELOPE = msgspec.json.Decoder(_Envelope).decode
_READ_CHANGE = msgspec.json.Decoder(Readable).decode


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """One change of a push. `text` is its JSON as it came, kept whatever becomes of it; `digest`
    that text's. Either `content` and the time that it claims were read, or `refusal` says what is
    wrong."""

    change_id: str
    text: str
    digest: bytes
    content: Readable | None = None
    claimed_at: datetime | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """A push as it was read."""

    sent_at: datetime
    boot_id: str
    monotonic_ms: int
    changes: list[Incoming]
    epoch: str | None = None

    def sending(self, received_at: datetime) -> Sending:
        """The clocks by which its changes are dated."""
        return Sending(
            sent_at=self.sent_at,
            boot_id=self.boot_id,
            monotonic_ms=self.monotonic_ms,
            received_at=received_at,
        )


def read_push(body: bytes) -> Push:
    """The push of a request's body. Refuses (`MALFORMED`, `UNKNOWN_FIELD`) only what leaves no way
    to answer change by change: a wrong envelope, or a change without an id."""
    try:
        envelope = _READ_ENVELOPE(body)
        sent_at = from_wire(envelope.sent_at)
    except (ValueError, OverflowError, RecursionError):  # msgspec's errors are ValueErrors
        return _read_by_hand(body)
    return Push(
        sent_at,
        envelope.boot_id,
        envelope.monotonic_ms,
        [read_change(bytes(change)) for change in envelope.changes],
        envelope.epoch,
    )


def read_change(raw: bytes) -> Incoming:
    """One change of its JSON. Refuses (`MALFORMED`) what has no id."""
    try:
        content = _READ_CHANGE(raw)
        if content.entity in ENTITIES:
            return Incoming(
                content.change_id,
                raw.decode(),
                hashlib.sha256(raw).digest(),
                content,
                from_wire(content.claimed_at),
            )
    except (ValueError, OverflowError, RecursionError):
        pass
    return _change_by_hand(_loaded(raw, "changes"))


def same_change(text: str, other: str) -> bool:
    """Whether two texts say the same change: in another order, with or without what is so by
    itself."""
    return text == other or _plain(text) == _plain(other)


def _plain(text: str) -> str:
    data = json.loads(text)
    if isinstance(data, dict):
        data = {"base": {}, "protocol": PROTOCOL, **data}
    return json.dumps(data, sort_keys=True)


# ── by hand ───────────────────────────────────────────────────────────────────────────────


def _read_by_hand(body: bytes) -> Push:
    data = _loaded(body, "push")
    if not isinstance(data, Mapping):
        raise Refusal(Code.MALFORMED, where="push")
    if unknown := sorted(set(data) - _PUSH_FIELDS):
        raise Refusal(Code.UNKNOWN_FIELD, field=repeatable(unknown[0]))
    changes = data.get("changes")
    if not isinstance(changes, list):
        raise Refusal(Code.MALFORMED, field="changes")
    for name, kind in (("app_version", str), ("boot_id", str), ("monotonic_ms", int)):
        if type(data.get(name)) is not kind:
            raise Refusal(Code.MALFORMED, field=name)
    if not isinstance(data.get("epoch"), (str, type(None))):
        raise Refusal(Code.MALFORMED, field="epoch")
    return Push(
        _moment(data.get("sent_at"), "sent_at"),
        data["boot_id"],
        data["monotonic_ms"],
        [_change_by_hand(change) for change in changes],
        data.get("epoch"),
    )


def _loaded(body: bytes, where: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(Code.MALFORMED, where=where) from None


def _change_by_hand(data: Any) -> Incoming:
    if not isinstance(data, Mapping) or not is_id(data.get("change_id")):
        raise Refusal(Code.MALFORMED, field="changes.change_id")
    text = _text_of(data)
    digest = hashlib.sha256(text.encode()).digest()
    try:
        claimed_at = _check_change(data)
    except Refusal as refusal:
        return Incoming(data["change_id"], text, digest, refusal=refusal)
    return Incoming(data["change_id"], text, digest, Readable(**data), claimed_at)


def _text_of(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if any("\ud800" <= c <= "\udfff" for c in text):  # half a character: no UTF-8 has it
        text = json.dumps(data, separators=(",", ":"), sort_keys=True)
    return text


def _check_change(data: Mapping[str, Any]) -> datetime:
    if unknown := sorted(set(data) - _CHANGE_FIELDS):
        raise Refusal(Code.UNKNOWN_FIELD, field=repeatable(unknown[0]))
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
    return _moment(data.get("claimed_at"), "claimed_at")


def _moment(value: Any, name: str) -> datetime:
    try:
        return from_wire(value)
    except (TypeError, ValueError, OverflowError):
        raise Refusal(Code.MALFORMED, field=name) from None
