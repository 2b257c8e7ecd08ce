"""Proofs against the published examples: RFC 9449 (DPoP), RFC 7638 and RFC 8037 (thumbprints).

The RFC's examples are signed with ES256. This server takes Ed25519 alone, which every device of
ours has: so their signatures are checked here only to know that the examples are copied rightly,
and what does not hang on the algorithm (names, claims, `htu`, `ath`, `jkt`, times) is held against
our own.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared import dpop
from shared.errors import Code, Refusal
from sync_server.services.proof import check_proof

EC_KEY = {
    "kty": "EC",
    "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
    "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    "crv": "P-256",
}
ACCESS_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"  # RFC 9449, figure 12
HEADER = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNo"
    "UklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERW"
    "clUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
TOKEN_REQUEST = (  # figure 1
    f"{HEADER}."
    "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUu"
    "Y29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ."
    "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
RESOURCE_REQUEST = (  # figure 12
    f"{HEADER}."
    "eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxl"
    "Lm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0Ji"
    "MHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9."
    "2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
EXAMPLES = pytest.mark.parametrize(
    ("example", "token"), [(TOKEN_REQUEST, None), (RESOURCE_REQUEST, ACCESS_TOKEN)]
)
KEY = Ed25519PrivateKey.generate()
PUBLIC = dpop.b64(KEY.public_key().public_bytes_raw())


def parts(proof: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a proof."""
    head, body, _ = proof.split(".")
    read = [json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (head, body)]
    return read[0], read[1]


def ours(example: str, token: str | None) -> str:
    """The proof that a device of ours makes for the example's request, at its time."""
    _, claims = parts(example)
    signed = dpop.signing_input(
        dpop.public_jwk(PUBLIC),
        method=claims["htm"],
        url=claims["htu"] + "?page=2#top",
        now=datetime.fromtimestamp(claims["iat"], UTC),
        access_token=token,
        proof_id=claims["jti"],
    )
    return dpop.proof(signed, KEY.sign(signed))


@EXAMPLES
def test_the_examples_are_copied_rightly(example: str, token: str | None) -> None:
    del token
    key = jwt.PyJWK(EC_KEY, algorithm="ES256")
    options: Any = {"verify_iat": False}
    assert jwt.decode(example, key, algorithms=["ES256"], options=options) == parts(example)[1]


@EXAMPLES
def test_our_proof_of_the_same_request_claims_the_same(example: str, token: str | None) -> None:
    header, claims = parts(ours(example, token))
    theirs, wanted = parts(example)
    assert claims == wanted
    assert header.keys() == theirs.keys() and header["typ"] == theirs["typ"] == dpop.TYPE
    assert (header["alg"], header["jwk"]["kty"]) == ("EdDSA", "OKP")


@EXAMPLES
def test_our_verifier_takes_the_same_request_from_a_device_of_ours(
    example: str, token: str | None
) -> None:
    _, claims = parts(example)
    at = datetime.fromtimestamp(claims["iat"], UTC)
    proof = check_proof(
        ours(example, token),
        method=claims["htm"],
        url=claims["htu"],
        now=at,
        window=timedelta(seconds=120),
        access_token=token,
    )
    assert (proof.id, proof.made_at, proof.device_key) == (claims["jti"], at, PUBLIC)


@EXAMPLES
def test_another_algorithm_than_ed25519_is_not_taken(example: str, token: str | None) -> None:
    _, claims = parts(example)
    with pytest.raises(Refusal) as refused:
        check_proof(
            example,
            method=claims["htm"],
            url=claims["htu"],
            now=datetime.fromtimestamp(claims["iat"], UTC),
            window=timedelta(seconds=120),
            access_token=token,
        )
    assert refused.value.code is Code.PROOF_INVALID
    assert refused.value.details["reason"] == "form"


def test_the_access_tokens_hash_is_that_of_the_example() -> None:
    assert dpop.token_hash(ACCESS_TOKEN) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    assert parts(RESOURCE_REQUEST)[1]["ath"] == dpop.token_hash(ACCESS_TOKEN)


@pytest.mark.parametrize(
    ("jwk", "thumbprint"),
    [
        (EC_KEY, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),  # RFC 9449, figure 8 (`jkt`)
        (
            {  # RFC 7638, section 3.1
                "kty": "RSA",
                "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aP"
                "FFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl9"
                "3lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
                "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3"
                "XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
                "e": "AQAB",
                "alg": "RS256",
                "kid": "2011-04-29",
            },
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        ),
        (  # RFC 8037, appendix A.3: an Ed25519 key, as ours are
            {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        ),
    ],
)
def test_a_keys_thumbprint_is_the_published_one(jwk: dict[str, str], thumbprint: str) -> None:
    assert dpop.thumbprint(jwk) == thumbprint
