"""A phone and a real server about the phone's owner's second factor."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from mobile.store.files import DirectoryFiles
from mobile.store.sealed_log import SealedLog
from mobile.sync.peer import Received
from mobile.sync.transport import HttpPeer, Response
from shared.errors import Code, Refusal
from shared.wire import SignInRequest
from tests.mobile.sync_world import Handset
from tests.server.phones import ADDRESS, PASSWORD, Field
from tests.server.test_second_factor import authenticator, next_code


@pytest.fixture
async def phone(world: Field, tmp_path: Path) -> AsyncIterator[Handset]:
    files = DirectoryFiles(tmp_path / "phone")
    await files.claim("vault")
    phone = Handset(world, "lin", log=SealedLog(files, "vault"))
    await phone.sign_in()
    yield phone
    await files.release("vault")


async def test_a_phone_sets_its_owners_second_factor_up_and_takes_it_off(
    world: Field, phone: Handset
) -> None:
    ask = phone.engine.ask
    assert (await ask(lambda peer: peer.second_factor())).enrolled_at is None
    begun = await ask(lambda peer: peer.begin_second_factor(PASSWORD))
    shown = authenticator(begun.secret, world.clock.now())
    codes = await ask(lambda peer: peer.confirm_second_factor(shown))
    assert len(codes) == 10
    assert (await ask(lambda peer: peer.second_factor())).recovery_codes_left == 10
    with pytest.raises(Refusal) as refused:
        await ask(lambda peer: peer.renew_recovery_codes(shown))  # it was taken once
    assert refused.value.code is Code.SECOND_FACTOR_WRONG
    fresh = await ask(lambda peer: peer.renew_recovery_codes(codes[0]))
    assert not set(fresh) & set(codes)
    await ask(lambda peer: peer.end_second_factor(PASSWORD, next_code(world, begun.secret)))
    assert (await ask(lambda peer: peer.second_factor())).enrolled_at is None


async def test_a_phone_learns_of_no_company_sign_in_where_there_is_none(phone: Handset) -> None:
    assert (await phone.peer.ways()).company is None
    with pytest.raises(Refusal) as refused:
        await phone.peer.begin_company_sign_in()
    assert refused.value.code is Code.NOT_FOUND


async def test_what_a_sign_in_leaves_empty_is_not_sent(world: Field, phone: Handset) -> None:
    """A server of before November 2026 refuses fields that it does not know."""
    sent: list[bytes] = []

    async def heard(
        method: str, url: str, headers: Mapping[str, str], body: bytes | None, received: Received
    ) -> Response:
        sent.append(body or b"")
        return await phone.line(method, url, headers, body, received)

    peer = HttpPeer(ADDRESS, heard, phone.keys, world.clock)
    asked = SignInRequest(
        username="lin",
        password=PASSWORD,
        device_key=(await phone.keys.public_jwk())["x"],
        device_name="phone",
        platform="native",
        app_version="1.0",
    )
    assert (await peer.sign_in(asked)).access_token
    assert set(json.loads(sent[0])) == {
        "username", "password", "device_key", "device_name", "platform", "app_version", "protocol",
    }  # fmt: skip
