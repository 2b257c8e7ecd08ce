"""How much one device, one address, one connection may ask for, and that nobody who works meets
it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Code, Refusal
from sync_server.services.pace import Pace, place_of
from sync_server.settings import Settings
from tests.live_server import LiveServer, live_server
from tests.server.phones import ADDRESS, Field, HandClock, Phone, code

ELSEWHERE = "198.51.100.7"


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(
        sqlite_template, tmp_path, requests_per_device=60, requests_per_address=120
    )
    yield field
    field.close()


def from_elsewhere(
    field: Field, path: str, times: int, method: str = "GET"
) -> list[httpx.Response]:
    async def answered() -> list[httpx.Response]:
        way = httpx.ASGITransport(app=field.app, client=(ELSEWHERE, 1))
        async with httpx.AsyncClient(transport=way, base_url=ADDRESS) as client:
            return [await client.request(method, path) for _ in range(times)]

    return asyncio.run(answered())


def test_a_device_that_asks_without_end_is_told_when_to_come_back(field: Field) -> None:
    phone, other = field.phone("lin"), field.phone("lin")
    told = [phone.who() for _ in range(60)]
    assert told[0].status_code == 200
    refused = told[-1]
    assert (refused.status_code, code(refused)) == (429, "too_many_requests")
    wait = int(refused.headers["Retry-After"])
    assert other.who().status_code == 200, "the person's other device works on"
    field.clock.pass_by(seconds=wait)
    assert phone.who().status_code == 200


def test_nobody_uses_up_what_another_device_may_ask(field: Field) -> None:
    phone, thief = field.phone("lin"), Phone(field.client, field.clock)
    for _ in range(70):  # the right token, and a proof that another key has made
        proof = thief.proof("GET", ADDRESS + "/v1/auth/who", phone.access_token)
        sent = {"Authorization": f"DPoP {phone.access_token}", "DPoP": proof}
        field.client.get("/v1/auth/who", headers=sent)
    assert phone.who().status_code == 200


def test_an_address_that_asks_without_end_is_refused_before_anything_is_done(field: Field) -> None:
    told = from_elsewhere(field, "/healthz", 121)
    assert [one.status_code for one in told] == [200] * 120 + [429]
    assert code(told[-1]) == "too_many_requests"
    assert told[-1].headers["Retry-After"] == "1"
    assert field.client.get("/healthz").status_code == 200, "the machine itself is not limited"
    field.clock.pass_by(seconds=1)
    assert from_elsewhere(field, "/healthz", 1)[0].status_code == 200


def test_what_is_answered_before_the_application_counts_with_the_rest(field: Field) -> None:
    from_elsewhere(field, "/healthz", 60)
    told = from_elsewhere(field, "/v1/sync/pull", 61, method="POST")
    assert [code(one) for one in told] == ["malformed"] * 60 + ["too_many_requests"]


@given(
    per_minute=st.integers(1, 5000),
    waits=st.lists(st.integers(0, 30_000), min_size=1, max_size=60),
)
def test_no_more_than_the_limit_pass_at_once_and_as_many_again_each_minute(
    per_minute: int, waits: list[int]
) -> None:
    clock = HandClock()
    pace, passed, minutes = Pace(per_minute, clock), 0, 1.0
    for wait in waits:
        clock.pass_by(milliseconds=wait)
        minutes += wait / 60_000
        try:
            while passed < 6000:
                pace.spend("one")
                passed += 1
        except Refusal as refusal:
            assert refusal.code is Code.TOO_MANY_REQUESTS
            clock.pass_by(seconds=refusal.details["seconds"])
            minutes += float(refusal.details["seconds"]) / 60
            pace.spend("one")
            passed += 1
        assert passed <= per_minute * minutes + 1


def test_a_first_sync_and_a_day_of_photos_stay_far_below_the_limits() -> None:
    usual = Settings(_env_file=None)
    # 300 buckets at 2000 rows a page, 100 photos of 2 MB in pieces of 256 KiB, all in one minute.
    assert 2 * (300 + 100 * (2 + 8)) < usual.requests_per_device
    # A store of 100 people behind one address whose phones all come back at once.
    assert 100 * 100 < usual.requests_per_address


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", None),
        ("127.8.8.8", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("", None),
    ],
)
def test_an_ipv6_network_counts_as_one_and_the_machine_itself_not_at_all(
    address: str, place: str | None
) -> None:
    assert place_of(address) == place


# ── connections ───────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("patience")
    with live_server(folder, head_seconds=0.3, silence_seconds=0.3) as running:
        yield running


def said_to(live: LiveServer, *pieces: bytes) -> bytes:
    """What the server answers to these bytes before it closes, if the client never does."""
    host, _, port = live.url.removeprefix("http://").partition(":")
    heard = b""
    with socket.create_connection((host, int(port)), timeout=30) as line:
        try:
            for piece in pieces:
                line.sendall(piece)
            while more := line.recv(65536):
                heard += more
        except ConnectionError:
            pass
    return heard


GREETING = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POSTING = b"POST /v1/auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.processes
@pytest.mark.parametrize(
    "said",
    [b"", b"GET", GREETING, POSTING + b"Content-Length: 900\r\n\r\n{"],
    ids=["nothing", "half a line", "no end of the head", "half a body"],
)
def test_who_stops_speaking_in_the_middle_is_not_waited_for(live: LiveServer, said: bytes) -> None:
    assert b" 200 " not in said_to(live, said)


@pytest.mark.processes
def test_a_head_without_an_end_is_not_kept(live: LiveServer) -> None:
    many, end = [b"X-%d: %s\r\n" % (n, b"x" * 1000) for n in range(1000)], b"\r\n"
    assert b" 200 " not in said_to(live, GREETING, *many, end)
    long = said_to(live, GREETING, b"X-Long: ", *[b"x" * 1000] * 1000, end, end)
    assert b" 200 " not in long and b" 400 " not in long, "given up before its end was read"
    body = POSTING + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    assert b"application/json" in said_to(live, body, end)
    assert b"application/json" not in said_to(live, body, *many, end), "fields behind the body"


@pytest.mark.processes
def test_who_speaks_in_order_is_answered_twice_on_one_connection(live: LiveServer) -> None:
    heard = said_to(live, GREETING + b"\r\n", GREETING + b"Connection: close\r\n\r\n")
    assert heard.count(b"HTTP/1.1 200") == 2
