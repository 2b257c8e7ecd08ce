"""A lease that is not word for word what the server signed is worth nothing: the sync ends with a
code, and nothing is dropped or opened (L4)."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st

from mobile.sync.engine import Exchange
from mobile.sync.fetching import PageSizes
from mobile.sync.leases import verified
from shared.clock import to_wire
from shared.errors import Code, Refusal
from shared.wire import Lease, PullHeader, SignedLease
from sync_server.services.leases import sign_lease
from tests.mobile.store_world import ME, MORNING, World, an_id
from tests.sim.phone import SimKeys

SERVER = Ed25519PrivateKey.from_private_bytes(b"lease key of the tests, 32 bytes")
WORLD = World()
LEASE = WORLD.lease("customer:" + an_id("zhang"), f"user:{ME}")
SIGNED = sign_lease(SERVER, LEASE)


def taken(signed: SignedLease, key: str = "") -> Lease | None:
    """What a device makes of it, whose server's key is `key`."""
    raw = SERVER.public_key().public_bytes_raw()
    own = key or base64.urlsafe_b64encode(raw).decode().rstrip("=")
    WORLD.store.parts.meta.put("server_keys", {"lease": own, "seal": own})
    header = PullHeader(
        epoch="epoch-1",
        cursor=1,
        more=False,
        server_time=to_wire(MORNING),
        backed_up_to=0,
        lease=signed,
    )
    keys = SimKeys(Ed25519PrivateKey.generate())
    told = Exchange(WORLD.store, None, keys, "1.0", lambda _: None, PageSizes())  # type: ignore[arg-type]  # asks nobody
    return asyncio.run(verified(told, header))


def refused(signed: SignedLease, key: str = "") -> None:
    with pytest.raises(Refusal) as found:
        taken(signed, key)
    assert found.value.code is Code.SERVER_FAULT


def test_the_lease_as_it_was_signed_is_taken() -> None:
    assert taken(SIGNED) == LEASE


def changed(text: str) -> st.SearchStrategy[str]:
    """The text with a piece of it left out or replaced; never the text itself."""
    pieces = st.text(max_size=4) | st.sampled_from(["=", "==", " ", "\n", "\0", "é", "\ud800", "/"])
    return (
        st.tuples(st.integers(0, len(text)), st.integers(0, 4), pieces)
        .map(lambda cut: text[: cut[0]] + cut[2] + text[cut[0] + cut[1] :])
        .filter(lambda made: made != text)
    )


@given(payload=changed(SIGNED.payload))
def test_a_lease_of_which_a_word_was_changed_is_refused(payload: str) -> None:
    refused(SignedLease(payload=payload, signature=SIGNED.signature))


@given(signature=changed(SIGNED.signature))
def test_a_signature_that_was_changed_is_refused_however_it_reads(signature: str) -> None:
    refused(SignedLease(payload=SIGNED.payload, signature=signature))


@given(raw=st.binary(max_size=80) | st.binary(min_size=64, max_size=64))
def test_no_other_bytes_are_its_signature(raw: bytes) -> None:
    signature = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    assume(signature != SIGNED.signature)
    refused(SignedLease(payload=SIGNED.payload, signature=signature))


@pytest.mark.parametrize(
    "facts",
    [
        {"ends_at": "2030-01-01T00:00:00.000Z"},
        {"staff_id": an_id("another")},
        {"device_id": an_id("another")},
        {"role": "administrator"},
        {"grants": []},
        {"drops": [{"grant_id": an_id("g"), "bucket": "customer:x", "reason": "ended"}]},
    ],
)
def test_saying_more_than_was_signed_is_refused(facts: dict[str, object]) -> None:
    payload = json.dumps({**json.loads(SIGNED.payload), **facts}, separators=(",", ":"))
    refused(SignedLease(payload=payload, signature=SIGNED.signature))
    another = Ed25519PrivateKey.generate()
    refused(sign_lease(another, LEASE))
    refused(SIGNED, base64.urlsafe_b64encode(another.public_key().public_bytes_raw()).decode())


@pytest.mark.parametrize("key", ["x", "é", "AAAA", "====", "A" * 43, "A" * 4000])
def test_a_key_that_is_none_verifies_nothing(key: str) -> None:
    refused(SIGNED, key)


def test_a_lease_of_someone_else_or_another_device_is_refused_though_it_was_signed() -> None:
    for facts in ({"staff_id": an_id("x")}, {"device_id": an_id("x")}, {"epoch": "other"}):
        lease = Lease(**{**{f: getattr(LEASE, f) for f in Lease.__dataclass_fields__}, **facts})
        refused(sign_lease(SERVER, lease))
