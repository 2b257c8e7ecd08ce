"""The HTTP half: proofs, codes, framing, and the native client against real sockets that
misbehave."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import jwt
import pytest
import zstandard

from mobile.sync.framing import read_page
from mobile.sync.transport import HttpPeer, Response, Stale, refusal_of
from mobile.sync.transport_native import NativeFetch
from shared.errors import Code, Refusal
from shared.rows import RowLine, write_line
from shared.wire import PullHeader, PullRequest, PushRequest
from sync_server.routes.answers import reply
from tests.mobile.sync_world import PhoneKeys

HEADER = {"epoch": "e", "cursor": 7, "more": False, "server_time": "t", "backed_up_to": 0}
LINES = [RowLine("customer:a", "visit", f"id{n}", n, '{"id":"x"}') for n in range(3)]
PAGE = (
    json.dumps({**HEADER, "news": "of a later version"})
    + "\n"
    + "".join(map(write_line, LINES))
    + json.dumps({"rows": 3})
    + "\n"
).encode()
PULL = PullRequest(app_version="1", cursor=0, grants_digest="")


def unheard(_size: int) -> None:
    return None


def code_of(refused: pytest.ExceptionInfo[Refusal]) -> Code:
    return refused.value.code


def test_a_whole_page_is_read_and_unknown_words_are_passed_over() -> None:
    page = read_page(PullHeader, PAGE)
    assert (page.header.cursor, list(page.lines), page.trailer.rows) == (7, LINES, 3)


@pytest.mark.parametrize("length", range(len(PAGE) - 1))
def test_a_page_cut_anywhere_is_no_page(length: int) -> None:
    with pytest.raises(Refusal) as refused:
        read_page(PullHeader, PAGE[:length])
    assert code_of(refused) is Code.CUT_SHORT


@pytest.mark.parametrize("body", [b"<html>portal</html>", b"\xff\xfe", b"[]\n[]\n", b"{}\n{}\n"])
def test_what_is_no_page_at_all_is_cut_short(body: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        read_page(PullHeader, body)
    assert code_of(refused) is Code.CUT_SHORT


def test_a_refusal_carries_the_servers_code_and_what_it_said() -> None:
    body = json.dumps({"code": "field_too_long", "details": {"limit": 5, "odd": [1]}}).encode()
    refusal = refusal_of(Response(422, {}, body))
    assert refusal.code is Code.FIELD_TOO_LONG and refusal.details == {"limit": 5}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, Code.CUT_SHORT),
        (426, Code.APP_OUTDATED),
        (502, Code.SERVER_BUSY),
        (503, Code.SERVER_BUSY),
        (500, Code.SERVER_FAULT),
        (599, Code.SERVER_FAULT),
        (418, Code.MALFORMED),
        (302, Code.MALFORMED),
    ],
)
def test_something_between_that_speaks_in_the_servers_place_gets_a_code(
    status: int, code: Code
) -> None:
    refusal = refusal_of(Response(status, {"retry-after": "12"}, b"<html>"))
    assert refusal.code is code and refusal.details == {"retry_after": 12}


@pytest.mark.parametrize("body", [b"", b'{"code": "proof_inva'])
def test_the_head_of_a_refusal_says_what_its_body_can_not(body: bytes) -> None:
    """A reply to HEAD has none, and one that broke off can't be read."""
    told = {"www-authenticate": reply(Code.PROOF_INVALID).headers["www-authenticate"]}
    assert refusal_of(Response(401, told, body)).code is Code.PROOF_INVALID
    assert refusal_of(Response(401, {"www-authenticate": "Basic"}, body)).code is Code.CUT_SHORT


class Scripted:
    """A `Fetch` that remembers what it was asked and answers as told."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str], bytes | None]] = []

    async def __call__(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, _received: object
    ) -> Response:
        self.asked.append((method, url, headers, body))
        return self.answers.pop(0)


class Wall:
    """A wall clock that may be wrong."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic_ms(self) -> int:
        return 0


NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def peer_over(fetch: object, at: datetime = NOW) -> HttpPeer:
    return HttpPeer("https://huifang.example/", fetch, PhoneKeys(), Wall(at))


async def test_every_request_proves_the_key_for_its_address_and_token() -> None:
    fetch = Scripted(Response(200, {}, PAGE))
    peer = peer_over(fetch)
    peer.carry("a.b.c")
    await peer.pull(PULL, unheard)
    method, url, headers, _ = fetch.asked[0]
    assert (method, url) == ("POST", "https://huifang.example/v1/sync/pull")
    assert headers["Authorization"] == "DPoP a.b.c"
    claims = jwt.decode(headers["DPoP"], options={"verify_signature": False})
    assert (claims["htm"], claims["htu"], claims["iat"]) == ("POST", url, int(NOW.timestamp()))
    assert claims["ath"]


async def test_a_phone_with_a_wrong_clock_reckons_by_the_servers_and_asks_again() -> None:
    refused = Response(
        401, {"date": format_datetime(NOW, usegmt=True)}, b'{"code": "proof_invalid"}'
    )
    fetch = Scripted(refused, Response(200, {}, PAGE), Response(200, {}, PAGE))
    peer = peer_over(fetch, NOW - timedelta(hours=3))
    await peer.pull(PULL, unheard)
    await peer.pull(PULL, unheard)
    said = [
        jwt.decode(asked[2]["DPoP"], options={"verify_signature": False})["iat"]
        for asked in fetch.asked
    ]
    assert said[1:] == [int(NOW.timestamp())] * 2 and said[0] < said[1]


async def test_a_proof_that_is_wrong_for_another_reason_is_not_tried_for_ever() -> None:
    refused = Response(
        401, {"date": format_datetime(NOW, usegmt=True)}, b'{"code": "proof_invalid"}'
    )
    fetch = Scripted(refused)
    with pytest.raises(Refusal) as info:
        await peer_over(fetch).pull(PULL, unheard)
    assert code_of(info) is Code.PROOF_INVALID and len(fetch.asked) == 1


async def test_changes_go_up_word_for_word() -> None:
    reply = {"epoch": "e", "outcomes": [], "backed_up_to": 0, "server_time": "t"}
    fetch = Scripted(Response(200, {}, json.dumps(reply).encode()))
    envelope = PushRequest(app_version="1", sent_at="t", boot_id="b", monotonic_ms=1, changes=[])
    changes = ['{"change_id":"1","of":"an older version"}', '{"change_id": "2",  "odd":"é"}']
    await peer_over(fetch).push(envelope, changes)
    body = fetch.asked[0][3]
    assert body is not None and all(change.encode() in body for change in changes)
    told = json.loads(body)
    assert [c["change_id"] for c in told["changes"]] == ["1", "2"] and told["boot_id"] == "b"


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def socket_that(*answers: Answer) -> AsyncIterator[str]:
    """A server on a real socket: the n-th request it reads is answered by the n-th of `answers`."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while left and await reader.readuntil(b"\r\n\r\n"):
                await left.pop(0)(writer)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()


def says(
    body: bytes, *, length: int | None = None, packing: str | None = None, close: bool = False
) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = [
            "HTTP/1.1 200 OK",
            f"Content-Length: {len(body) if length is None else length}",
            "X-Told: Yes",
        ]
        lines += [f"Content-Encoding: {packing}"] if packing else []
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        if close:
            writer.close()

    return answer


async def get(fetch: NativeFetch, url: str, received: Callable[[int], None] = unheard) -> Response:
    return await fetch("GET", url + "/x?y=1", {}, None, received)


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
async def test_a_packed_reply_is_unpacked_and_its_pieces_are_counted_as_they_travel(
    packing: str,
) -> None:
    body = PAGE * 3000
    packed = {"gzip": gzip.compress, "zstd": zstandard.compress}[packing](body)
    sizes: list[int] = []
    async with socket_that(says(packed, packing=packing)) as url:
        fetch = NativeFetch()
        reply = await get(fetch, url, sizes.append)
        fetch.close()
    assert reply.body == body and sum(sizes) == len(packed)
    assert sizes[0] == 0, "the request is on its way before anything comes back"
    assert reply.headers["x-told"] == "Yes"


async def test_one_connection_serves_many_requests_and_a_closed_one_is_opened_anew() -> None:
    async with socket_that(says(b"1"), says(b"2", close=True), says(b"3")) as url:
        fetch = NativeFetch()
        found = [(await get(fetch, url)).body for _ in range(2)]
        await asyncio.sleep(0)
        try:
            found.append((await get(fetch, url)).body)
        except Stale:  # the end of the connection was not heard yet: `HttpPeer` asks again
            found.append((await get(fetch, url)).body)
        fetch.close()
    assert found == [b"1", b"2", b"3"]


async def hangs_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


class Noting:
    """A `Fetch` that notes the proofs that pass through it."""

    def __init__(self, fetch: NativeFetch) -> None:
        self._fetch = fetch
        self.proofs: list[str] = []

    async def __call__(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        received: Callable[[int], None],
    ) -> Response:
        self.proofs.append(headers["DPoP"])
        return await self._fetch(method, url, headers, body, received)


async def test_a_kept_connection_that_was_closed_is_opened_anew_with_a_new_proof() -> None:
    async with socket_that(says(PAGE), hangs_up, says(PAGE)) as url:
        native = NativeFetch()
        fetch = Noting(native)
        peer = HttpPeer(url, fetch, PhoneKeys(), Wall(NOW))
        pages = [await peer.pull(PULL, unheard) for _ in range(2)]
        native.close()
    assert [page.header.cursor for page in pages] == [7, 7]
    assert len(set(fetch.proofs)) == 3  # the second of them may have been heard


async def test_a_piece_of_a_file_is_not_sent_again_into_the_unknown() -> None:
    async with socket_that(says(PAGE), hangs_up, says(PAGE)) as url:
        native = NativeFetch()
        peer = HttpPeer(url, native, PhoneKeys(), Wall(NOW))
        await peer.pull(PULL, unheard)
        with pytest.raises(Refusal) as refused:
            await peer.upload_part("/v1/files/x", 0, b"data")
        native.close()
    assert code_of(refused) is Code.OFFLINE


async def test_a_server_that_hangs_up_on_everyone_is_offline() -> None:
    async with socket_that(says(PAGE), hangs_up, hangs_up, hangs_up) as url:
        native = NativeFetch()
        peer = HttpPeer(url, native, PhoneKeys(), Wall(NOW))
        await peer.pull(PULL, unheard)
        with pytest.raises(Refusal) as refused:
            await peer.pull(PULL, unheard)
        native.close()
    assert code_of(refused) is Code.OFFLINE


async def test_a_reply_in_chunks_and_one_that_ends_with_its_connection_are_whole() -> None:
    async def chunked(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
        await writer.drain()

    async def unmeasured(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\nto the end")
        await writer.drain()
        writer.close()

    async with socket_that(chunked, unmeasured) as url:
        fetch = NativeFetch()
        found = [(await get(fetch, url)).body for _ in range(2)]
        fetch.close()
    assert found == [b"ab", b"to the end"]


async def test_a_reply_to_head_has_no_body_whatever_its_length_says() -> None:
    async with socket_that(says(b"", length=7), says(b"next")) as url:
        fetch = NativeFetch()
        bare = await fetch("HEAD", url + "/x", {}, None, unheard)
        following = await get(fetch, url)
        fetch.close()
    assert (bare.status, bare.body, following.body) == (200, b"", b"next")


async def test_nobody_there_is_offline() -> None:
    async with socket_that() as url:
        pass
    with pytest.raises(Refusal) as refused:
        await get(NativeFetch(), url)
    assert code_of(refused) is Code.OFFLINE


@pytest.mark.parametrize("packing", [None, "gzip", "zstd"])
@pytest.mark.parametrize("honest", [False, True])
async def test_a_reply_that_breaks_off_is_cut_short(packing: str | None, honest: bool) -> None:
    """Also where what came is as long as was said, but its packing has no end."""
    pack = {None: bytes, "gzip": gzip.compress, "zstd": zstandard.compress}[packing]
    body = pack(PAGE * 50)
    length = 60 if honest and packing else len(body)
    async with socket_that(says(body[:60], length=length, packing=packing, close=True)) as url:
        fetch = NativeFetch()
        with pytest.raises(Refusal) as refused:
            await get(fetch, url)
        fetch.close()
    assert code_of(refused) is Code.CUT_SHORT


async def test_a_server_that_falls_silent_is_given_up() -> None:
    async def nothing(_writer: asyncio.StreamWriter) -> None:
        return None

    async with socket_that(nothing) as url:
        fetch = NativeFetch(seconds=0.05)
        with pytest.raises(Refusal) as refused:
            await get(fetch, url)
        fetch.close()
    assert code_of(refused) is Code.OFFLINE
