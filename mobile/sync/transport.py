"""The peer over HTTP: what is said, without how the bytes travel. Native and browser halves bring
a `Fetch`.

Every request carries a proof of the device's key (DPoP, RFC 9449). A proof names the time, so a
phone whose clock is wrong is refused once; it then reckons by the server's clock (the reply's
``Date``) and asks again.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any, Protocol, TypeVar

from mobile.keys.port import DeviceKeys
from mobile.sync import poking
from mobile.sync.framing import parse_json, read_page
from mobile.sync.peer import Page, Received
from mobile.sync.poking import Heard, Stream
from shared import dpop
from shared.clock import Clock
from shared.errors import Code, Refusal
from shared.messages import dump, parse
from shared.wire import (
    HeldChange,
    PullHeader,
    PullRequest,
    PushReply,
    PushRequest,
    ReceiptsReply,
    ReceiptsRequest,
    RefreshRequest,
    SealedFileReply,
    SealedReply,
    SealedRequest,
    SignInRequest,
    SnapshotHeader,
    SnapshotRequest,
    TokenReply,
)
from shared.wire_company import CompanyReply, CompanyRequest, WaysReply
from shared.wire_looks import LooksReply
from shared.wire_second_factor import (
    BegunReply,
    CodeRequest,
    EndRequest,
    PasswordRequest,
    RecoveryCodesReply,
    SecondFactorState,
)

T = TypeVar("T")
JSON = {"Content-Type": "application/json"}
OCTETS = {"Content-Type": "application/octet-stream"}
TUS = {"Tus-Resumable": "1.0.0"}
_FACTOR = "/v1/auth/second-factor"


@dataclass(frozen=True, slots=True)
class Response:
    """A whole reply. Header names are lower case; the body is uncompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Stale(Exception):
    """A kept connection was closed by the server before any of the reply came: it may have heard
    the request or not. `HttpPeer` asks again, with a new proof, where asking twice is harmless."""


class Fetch(Protocol):
    """One exchange of bytes. Refuses `offline` where no reply came, `cut_short` where it broke off;
    raises `Stale` where it keeps connections by itself.

    `received` hears 0 once the request is on its way, then the size of each piece of the body.
    Redirects are not followed.
    """

    async def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        received: Received,
    ) -> Response: ...


def _unheard(_size: int) -> None:
    """Nobody counts."""


class HttpPeer:
    """`Peer` over HTTP at `base_url` (scheme and host, no path). Without a `stream` it hears no
    hints."""

    def __init__(
        self,
        base_url: str,
        fetch: Fetch,
        keys: DeviceKeys,
        clock: Clock,
        stream: Stream | None = None,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._fetch = fetch
        self._stream = stream
        self._keys = keys
        self._clock = clock
        self._clock_off = timedelta()
        self._token: str | None = None

    def carry(self, access_token: str | None) -> None:
        """See `Peer`; so for all that follows."""
        self._token = access_token

    async def sign_in(self, request: SignInRequest) -> TokenReply:
        # What is None is left out: a server of before November 2026 does not know it.
        asked = {name: value for name, value in dump(request).items() if value is not None}
        return await self._post("/v1/auth/sign-in", asked, TokenReply, open_door=True)

    async def ways(self) -> WaysReply:
        reply = await self._send("GET", "/v1/auth/ways", {}, None, open_door=True)
        return parse_json(WaysReply, reply.body)

    async def begin_company_sign_in(self) -> str:
        device_key = (await self._keys.public_jwk())["x"]
        asked = dump(CompanyRequest(device_key=device_key))
        path = "/v1/auth/company/begin"
        return (await self._post(path, asked, CompanyReply, open_door=True)).address

    async def second_factor(self) -> SecondFactorState:
        reply = await self._send("GET", _FACTOR, {}, None)
        return parse_json(SecondFactorState, reply.body)

    async def begin_second_factor(self, password: str) -> BegunReply:
        asked = dump(PasswordRequest(password=password))
        return await self._post(f"{_FACTOR}/begin", asked, BegunReply, open_door=False)

    async def confirm_second_factor(self, code: str) -> list[str]:
        return await self._codes(f"{_FACTOR}/confirm", code)

    async def renew_recovery_codes(self, code: str) -> list[str]:
        return await self._codes(f"{_FACTOR}/recovery-codes", code)

    async def _codes(self, path: str, code: str) -> list[str]:
        asked = dump(CodeRequest(code=code))
        reply = await self._post(path, asked, RecoveryCodesReply, open_door=False)
        return reply.recovery_codes

    async def end_second_factor(self, password: str, code: str) -> None:
        body = _json(dump(EndRequest(password=password, code=code))).encode()
        await self._send("POST", f"{_FACTOR}/end", JSON, body)

    async def refresh(self, refresh_token: str) -> TokenReply:
        asked = dump(RefreshRequest(refresh_token=refresh_token))
        return await self._post("/v1/auth/refresh", asked, TokenReply, open_door=True)

    async def push(self, envelope: PushRequest, changes: Sequence[str]) -> PushReply:
        # The changes go into the message as they were stored: no version of the app rewrites them.
        head = _json({k: v for k, v in dump(envelope).items() if k != "changes"})
        body = f'{head[:-1]},"changes":[{",".join(changes)}]}}'.encode()
        reply = await self._send("POST", "/v1/sync/push", JSON, body)
        return parse_json(PushReply, reply.body)

    async def push_sealed(self, request: SealedRequest) -> SealedReply:
        return await self._post("/v1/sync/sealed", dump(request), SealedReply, open_door=True)

    async def hand_in_receipts(self, request: ReceiptsRequest) -> ReceiptsReply:
        path = "/v1/sync/receipts"
        return await self._post(path, dump(request), ReceiptsReply, open_door=True)

    async def pull(self, request: PullRequest, received: Received) -> Page[PullHeader]:
        body = _json(dump(request)).encode()
        reply = await self._send("POST", "/v1/sync/pull", JSON, body, received)
        return read_page(PullHeader, reply.body)

    async def snapshot(self, request: SnapshotRequest, received: Received) -> Page[SnapshotHeader]:
        body = _json(dump(request)).encode()
        reply = await self._send("POST", "/v1/sync/snapshot", JSON, body, received)
        return read_page(SnapshotHeader, reply.body)

    async def listen(self, heard: Heard) -> None:
        if self._stream is None:
            raise Refusal(Code.NOT_FOUND)
        signed = await self._signed("GET", poking.PATH, self._token)
        events = poking.Events(heard)
        reply = await self._stream(self._base + poking.PATH, signed, events.feed)
        if reply.status >= 300:
            raise refusal_of(reply)

    async def looks(self, customer_id: str | None, after: str | None) -> LooksReply:
        whose = f"customers/{customer_id}/looks" if customer_id else "own-looks"
        asked = f"?after={after}" if after else ""
        reply = await self._send("GET", f"/v1/audit/{whose}{asked}", {}, None)
        return parse_json(LooksReply, reply.body)

    async def held_work(self) -> list[HeldChange]:
        reply = await self._send("GET", "/v1/decisions/quarantine", {}, None)
        try:
            return [parse(HeldChange, one) for one in json.loads(reply.body)]
        except (KeyError, TypeError, ValueError):
            raise Refusal(Code.CUT_SHORT, where="held work") from None

    async def release_held(self, change_ids: Sequence[str]) -> None:
        await self._decide("release", change_ids)

    async def refuse_held(self, change_ids: Sequence[str]) -> None:
        await self._decide("refuse", change_ids)

    async def _decide(self, what: str, change_ids: Sequence[str]) -> None:
        body = _json({"change_ids": list(change_ids)}).encode()
        await self._send("POST", f"/v1/decisions/quarantine/{what}", JSON, body)

    async def begin_upload(self, name: str, file_id: str, size: int, media_type: str) -> str:
        about = {"sha256": name, "file_id": file_id, "filetype": media_type}
        metadata = ",".join(f"{k} {b64encode(v.encode()).decode()}" for k, v in about.items())
        headers = TUS | {"Upload-Length": str(size), "Upload-Metadata": metadata}
        reply = await self._send("POST", "/v1/files", headers, b"")
        address = reply.headers.get("location", "").removeprefix(self._base)
        if not address.startswith("/v1/files/"):  # someone between said yes in the server's place
            raise Refusal(Code.CUT_SHORT, where="upload")
        return address

    async def upload_offset(self, address: str) -> int | None:
        try:
            reply = await self._send("HEAD", address, TUS, None)
        except Refusal as refusal:
            if refusal.code.status in (403, 404, 410):
                return None
            raise
        return _offset(reply)

    async def upload_part(self, address: str, offset: int, data: bytes) -> int:
        headers = TUS | {
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Upload-Checksum": f"sha256 {b64encode(sha256(data).digest()).decode()}",
        }
        return _offset(await self._send("PATCH", address, headers, data))

    async def begin_sealed_file(self, device_id: str, file_id: str, head: bytes) -> SealedFileReply:
        return await self._sealed("POST", device_id, file_id, {}, head)

    async def append_sealed_file(
        self, device_id: str, file_id: str, offset: int, sealed: bytes
    ) -> SealedFileReply:
        return await self._sealed(
            "PATCH", device_id, file_id, {"Upload-Offset": str(offset)}, sealed
        )

    async def _sealed(
        self, method: str, device_id: str, file_id: str, headers: dict[str, str], body: bytes
    ) -> SealedFileReply:
        told = OCTETS | {"Huifang-Device": device_id} | headers
        path = f"/v1/sync/sealed-files/{file_id}"
        reply = await self._send(method, path, told, body, open_door=True)
        return parse_json(SealedFileReply, reply.body)

    async def download(self, name: str, received: Received) -> bytes:
        reply = await self._send("GET", f"/v1/files/{name}", {}, None, received)
        return reply.body

    async def _post(
        self, path: str, message: Mapping[str, Any], reply: type[T], *, open_door: bool
    ) -> T:
        body = _json(message).encode()
        answer = await self._send("POST", path, JSON, body, open_door=open_door)
        return parse_json(reply, answer.body)

    async def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        received: Received = _unheard,
        *,
        open_door: bool = False,
    ) -> Response:
        """One request with its proof; `open_door` for those that need no token. Refuses with the
        server's code."""
        token = None if open_door else self._token
        address = self._base + path
        for again in (True, True, False):
            signed = await self._signed(method, path, token)
            try:
                reply = await self._fetch(method, address, {**headers, **signed}, body, received)
            except Stale as closed:
                # A piece of a file moves the offset: the next sync asks where the server is.
                if again and method != "PATCH":
                    continue
                raise Refusal(Code.OFFLINE) from closed
            if reply.status < 300:
                return reply
            refusal = refusal_of(reply)
            if not (again and refusal.code is Code.PROOF_INVALID and self._clock_set(reply)):
                raise refusal
        raise AssertionError("the last try returns or raises")

    async def _signed(self, method: str, path: str, token: str | None) -> dict[str, str]:
        signed = dpop.signing_input(
            await self._keys.public_jwk(),
            method=method,
            url=self._base + path,
            now=self._clock.now() + self._clock_off,
            access_token=token,
        )
        headers = {dpop.HEADER: dpop.proof(signed, await self._keys.sign(signed))}
        if token is not None:
            headers["Authorization"] = f"{dpop.HEADER} {token}"
        return headers

    def _clock_set(self, reply: Response) -> bool:
        """Reckon by the clock of the server that refused; False where it does not say, or says
        the same."""
        said = _date(reply)
        if said is None:
            return False
        off = said - self._clock.now()
        moved = abs(off - self._clock_off) > timedelta(seconds=5)
        self._clock_off = off
        return moved


def refusal_of(reply: Response) -> Refusal:
    """What a reply of 300 or more means, also where something between speaks in the server's
    place."""
    try:
        data = json.loads(reply.body)
        code = Code.of(data["code"])
        details = {k: v for k, v in dict(data.get("details") or {}).items() if _plain(v)}
    except (KeyError, TypeError, ValueError, AttributeError):
        code, details = _without_body(reply), {}
    wait = reply.headers.get("retry-after", "")
    if wait.isdecimal():
        details["retry_after"] = int(wait)
    return Refusal(code, **details)


def _without_body(reply: Response) -> Code:
    """A reply to HEAD has no body, and one that broke off none that can be read: the server's own
    word then stands in its head. A 401 without it is somebody else's, and no reason to ask a person
    to sign in, who may not be able to any more."""
    said = _CHALLENGED.match(reply.headers.get("www-authenticate", ""))
    return Code.of(said[1]) if said is not None else _of_status(reply.status)


_CHALLENGED = re.compile(r'DPoP .*error="([a-z_]+)"')
_BY_STATUS = {
    401: Code.CUT_SHORT,
    403: Code.OUT_OF_SCOPE,
    404: Code.NOT_FOUND,
    409: Code.FILE_INCOMPLETE,  # tus: the offset is not where the server is
    410: Code.NOT_FOUND,
    413: Code.BATCH_TOO_LARGE,
    426: Code.APP_OUTDATED,
    429: Code.TOO_MANY_REQUESTS,
    460: Code.FILE_HASH_WRONG,  # tus: checksum mismatch
    502: Code.SERVER_BUSY,
    503: Code.SERVER_BUSY,
    504: Code.SERVER_BUSY,
    507: Code.DISK_FULL,
}


def _of_status(status: int) -> Code:
    return _BY_STATUS.get(status, Code.SERVER_FAULT if status >= 500 else Code.MALFORMED)


def _plain(value: object) -> bool:
    return isinstance(value, (str, int, float, bool))


def _offset(reply: Response) -> int:
    text = reply.headers.get("upload-offset", "")
    if not text.isdecimal():
        raise Refusal(Code.CUT_SHORT, where="upload")
    return int(text)


def _date(reply: Response) -> datetime | None:
    try:
        said = parsedate_to_datetime(reply.headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return said.astimezone(UTC) if said.tzinfo else None


def _json(message: Mapping[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
