"""The route of hints: who gets a stream, what it says, and that it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mobile.sync.poking import ComeBack, Events, Hint, Said
from shared import dpop
from shared.errors import Code
from sync_server.db.base import Database
from sync_server.services import devices
from tests.mobile.sync_world import furnish
from tests.server.phones import ADDRESS, ORG, Field, Phone, code

PATH = "/v1/sync/poke"


@pytest.fixture
def field(db: Database, tmp_path: Path) -> Iterator[Field]:
    made = Field.on(db, tmp_path)
    furnish(made.server)
    hub = made.app.state.hub
    hub.pace = replace(hub.pace, life=(0.01, 0.02), heartbeat=0.005)
    yield made
    made.close()


@pytest.fixture
def lin(field: Field) -> Phone:
    return field.phone("lin")


def told(answer: object) -> list[Said]:
    said: list[Said] = []
    Events(said.append).feed(answer.content)
    return said


def test_a_stream_says_where_things_stand_and_ends_by_itself(field: Field, lin: Phone) -> None:
    answer = lin.send("GET", PATH)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    first, hint, *rest = told(answer)
    assert isinstance(first, ComeBack) and isinstance(hint, Hint)
    assert hint.seq is not None and hint.seq > 0 and hint.spread == 0
    assert rest and all(isinstance(said, ComeBack) for said in rest)
    assert len(field.app.state.hub) == 0


def test_a_bad_proof_gets_no_stream(lin: Phone) -> None:
    url, token = ADDRESS + PATH, lin.access_token
    good = lin.proof("GET", url, token)
    thief = Phone(lin.client, lin.clock)
    for bad in (
        "",
        "no.proof.atall",
        lin.proof("POST", url, token),
        lin.proof("GET", url + "s", token),
        lin.proof("GET", url),  # bound to no token
        thief.proof("GET", url, token),
    ):
        sent = {"Authorization": f"DPoP {token}", dpop.HEADER: bad}
        answer = lin.client.get(PATH, headers=sent)
        assert (answer.status_code, code(answer)) == (401, Code.PROOF_INVALID.key)
    sent = {"Authorization": f"DPoP {token}", dpop.HEADER: good}
    assert lin.client.get(PATH, headers=sent).status_code == 200
    assert code(lin.client.get(PATH, headers=sent)) == Code.PROOF_INVALID.key  # used once


def test_an_expired_token_gets_no_stream(field: Field, lin: Phone) -> None:
    field.clock.pass_by(minutes=16)
    assert code(lin.send("GET", PATH)) == Code.TOKEN_EXPIRED.key


@pytest.mark.parametrize("how", [devices.BLOCKED, devices.PENDING])
def test_a_device_that_is_not_approved_gets_no_stream(field: Field, lin: Phone, how: str) -> None:
    database = field.server.database
    with database.write() as connection:
        device = devices.find(connection, ORG, lin.device_id)
        devices.decide(connection, device, how, now=field.clock.now())
    assert lin.send("GET", PATH).status_code == 403
    assert len(field.app.state.hub) == 0


def test_one_stream_too_many_is_asked_for_patience(field: Field, lin: Phone) -> None:
    hub = field.app.state.hub
    hub.pace = replace(hub.pace, most=0)
    answer = lin.send("GET", PATH)
    assert (answer.status_code, code(answer)) == (503, Code.SERVER_BUSY.key)
    assert int(answer.headers["retry-after"]) > 0
