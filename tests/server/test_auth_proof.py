"""A request is taken from the device that made it, once, and from nobody else (RFC 9449)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared import dpop
from shared.errors import Code, Refusal
from sync_server.services.proof import (
    Proof,
    SeenInMemory,
    check_proof,
    use_once,
    verify_device_signature,
)

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
WINDOW = timedelta(seconds=120)
URL = "https://huifang.example/v1/sync/push"
KEY = Ed25519PrivateKey.generate()
PUBLIC = dpop.b64(KEY.public_key().public_bytes_raw())


def made(key: Ed25519PrivateKey = KEY, **given: Any) -> str:
    facts = {"method": "POST", "url": URL, "now": NOW, "access_token": "token"} | given
    signed = dpop.signing_input(dpop.public_jwk(PUBLIC), **facts)
    return dpop.proof(signed, key.sign(signed))


def checked(header: str | None, **given: Any) -> Proof:
    facts = {"method": "POST", "url": URL, "now": NOW, "window": WINDOW, "access_token": "token"}
    return check_proof(header, **facts | given)


def reason_of(header: str | None, **given: Any) -> object:
    with pytest.raises(Refusal) as refused:
        checked(header, **given)
    assert refused.value.code is Code.PROOF_INVALID
    return refused.value.details["reason"]


def test_a_proof_made_for_this_request_names_the_key_that_made_it() -> None:
    proof = checked(made())
    assert proof.device_key == PUBLIC
    assert proof.thumbprint == dpop.thumbprint(dpop.public_jwk(PUBLIC))
    assert proof.made_at == NOW


def test_the_thumbprint_is_the_one_of_rfc_8037() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert dpop.thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"method": "GET"}, "method"),
        ({"url": "https://huifang.example/v1/sync/pull"}, "address"),
        ({"url": "https://other.example/v1/sync/push"}, "address"),
        ({"url": "https://huifang.example:x/v1/sync/push"}, "address"),
        ({"url": "https://[::1/v1/sync/push"}, "address"),
        ({"access_token": "another token"}, "token"),
        ({"now": NOW + timedelta(seconds=122)}, "time"),
        ({"now": NOW - timedelta(seconds=122)}, "time"),
        ({"not_before": NOW + timedelta(seconds=1)}, "time"),
    ],
)
def test_a_proof_of_another_request_is_refused(given: dict[str, Any], reason: str) -> None:
    assert reason_of(made(), **given) == reason


def test_a_proof_of_a_wrong_time_is_told_the_right_one() -> None:
    with pytest.raises(Refusal) as refused:
        checked(made(now=NOW - timedelta(days=1)))
    assert refused.value.details["server_time"] == "2026-11-21T08:00:00.000Z"


def test_a_proof_without_the_token_does_not_serve_a_request_with_one() -> None:
    assert reason_of(made(access_token=None)) == "token"


def test_a_proof_signed_by_another_key_is_refused() -> None:
    assert reason_of(made(Ed25519PrivateKey.generate())) == "signature"


def test_an_unsigned_proof_is_refused() -> None:
    header, claims, _ = made().split(".")
    assert reason_of(f"{header}.{claims}.") == "signature"
    none = jwt.encode({"htm": "POST"}, "", algorithm="none", headers={"typ": dpop.TYPE})
    assert reason_of(none) in {"form", "signature"}


@pytest.mark.parametrize("header", [None, "", "a.b.c", "rubbish", "." * 3000, "汉字.汉字.汉字"])
def test_what_is_no_proof_at_all_is_refused(header: str | None) -> None:
    assert reason_of(header) in {"missing", "form", "signature"}


def test_a_proof_that_carries_its_private_key_is_refused() -> None:
    jwk = dpop.public_jwk(PUBLIC) | {"d": dpop.b64(KEY.private_bytes_raw())}
    signed = dpop.signing_input(jwk, method="POST", url=URL, now=NOW, access_token="token")
    assert reason_of(dpop.proof(signed, KEY.sign(signed))) == "form"


def test_a_short_id_is_no_id() -> None:
    assert reason_of(made(proof_id="1")) == "id"


def test_query_and_default_port_are_no_part_of_the_address() -> None:
    assert (
        dpop.target("https://Huifang.example:443/v1/x?name=1#y") == "https://huifang.example/v1/x"
    )
    assert dpop.target("http://127.0.0.1:8750") == "http://127.0.0.1:8750/"
    assert dpop.target("http://[::1]:80/a") == "http://[::1]/a"


def test_a_proof_counts_once() -> None:
    seen = SeenInMemory(NOW)
    proof = checked(made())
    use_once(proof, seen, now=NOW, window=WINDOW)
    with pytest.raises(Refusal) as refused:
        use_once(checked(made(proof_id=proof.id)), seen, now=NOW, window=WINDOW)
    assert refused.value.details["reason"] == "used"


def test_a_proof_is_remembered_until_its_time_is_over() -> None:
    seen = SeenInMemory(NOW)
    until = NOW + timedelta(minutes=5)
    assert seen.first_time("mark", now=NOW, until=until)
    assert not seen.first_time("mark", now=until - timedelta(seconds=1), until=until)
    assert seen.first_time("mark", now=until + timedelta(minutes=2), until=until + WINDOW)


def test_a_device_signature_holds_for_its_message_only() -> None:
    verify_device_signature(PUBLIC, KEY.sign(b"a"), b"a")
    for key, signature, message in (
        (PUBLIC, KEY.sign(b"a"), b"b"),
        (PUBLIC, b"short", b"a"),
        ("AAAA", KEY.sign(b"a"), b"a"),
    ):
        with pytest.raises(Refusal):
            verify_device_signature(key, signature, message)
