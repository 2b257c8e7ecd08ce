"""Checking that whoever sends a request holds the device's key (DPoP, RFC 9449, section 4.3)."""

from __future__ import annotations

import hmac
import json
import threading
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.utils import base64url_decode

from shared import dpop
from shared.clock import to_wire
from shared.errors import Code, Refusal

MAX_PROOF_CHARACTERS = 2000
MAX_ID_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that held: which key made it, and the id by which a second use is noticed."""

    device_key: str  # raw Ed25519 public key, base64url
    thumbprint: str
    id: str
    made_at: datetime


class SeenProofs(Protocol):
    """Remembers the proofs of the last minutes, so that one overheard is worth nothing."""

    def first_time(self, mark: str, *, now: datetime, until: datetime) -> bool:
        """Note `mark` until `until`; False if it was noted before."""
        ...


class SeenInMemory:
    """For one process. What an earlier process saw is unknown, so nothing made before
    `started_at` is taken."""

    def __init__(self, started_at: datetime) -> None:
        self._started_at = started_at.replace(microsecond=0)
        self._marks: dict[str, datetime] = {}
        self._next_sweep = started_at
        self._lock = threading.Lock()

    @property
    def started_at(self) -> datetime:
        """Proofs carry whole seconds, and so does this."""
        return self._started_at

    def first_time(self, mark: str, *, now: datetime, until: datetime) -> bool:
        with self._lock:
            if now >= self._next_sweep:
                self._marks = {m: end for m, end in self._marks.items() if end > now}
                self._next_sweep = now + timedelta(minutes=1)
            if mark in self._marks:
                return False
            self._marks[mark] = until
            return True


def check_proof(
    header: str | None,
    *,
    method: str,
    url: str,
    now: datetime,
    window: timedelta,
    access_token: str | None = None,
    not_before: datetime | None = None,
) -> Proof:
    """The proof in `header`, or a `Refusal` PROOF_INVALID with a `reason`.

    Pure: whether it was used before is for the caller to ask (`SeenProofs`), and so is whether its
    key is the token's. A time outside the window is refused with `server_time`, by which the device
    corrects its reckoning.
    """
    maker, claims = _verified(header)
    if claims.get("htm") != method.upper():
        raise _refused("method")
    if claims.get("htu") != _target(url):
        raise _refused("address")
    made_at = _time(claims.get("iat"))
    if not now - window <= made_at <= now + window or (not_before and made_at < not_before):
        raise Refusal(Code.PROOF_INVALID, reason="time", server_time=to_wire(now))
    proof_id = claims.get("jti")
    if not isinstance(proof_id, str) or not 8 <= len(proof_id) <= MAX_ID_CHARACTERS:
        raise _refused("id")
    if access_token is not None:
        ath = claims.get("ath")
        if not isinstance(ath, str) or not hmac.compare_digest(
            ath.encode(), dpop.token_hash(access_token).encode()
        ):
            raise _refused("token")
    return Proof(maker.device_key, maker.thumbprint, proof_id, made_at)


def use_once(proof: Proof, seen: SeenProofs, *, now: datetime, window: timedelta) -> None:
    """Refuse a proof that came before. Kept for as long as its time would be taken."""
    mark = dpop.token_hash(f"{proof.thumbprint}.{proof.id}")
    if not seen.first_time(mark, now=now, until=proof.made_at + window):
        raise _refused("used")


def verify_device_signature(device_key: str, signature: bytes, message: bytes) -> None:
    """Refuses PROOF_INVALID unless the owner of the raw base64url key signed `message`."""
    try:
        public_key(device_key).verify(signature, message)
    except Exception as bad:  # InvalidSignature, or a key or signature of a wrong length
        raise _refused("signature") from bad


def public_key(device_key: str) -> Ed25519PublicKey:
    """The key of its wire form; ValueError unless it is the one base64url text of 32 bytes."""
    raw = base64url_decode(device_key)
    if len(raw) != 32 or dpop.b64(raw) != device_key:
        raise ValueError("an Ed25519 public key is 32 bytes in base64url")
    return Ed25519PublicKey.from_public_bytes(raw)


def _verified(header: str | None) -> tuple[_Maker, dict[str, Any]]:
    if not header:
        raise _refused("missing")
    if len(header) > MAX_PROOF_CHARACTERS:
        raise _refused("form")
    signed, _, signature = header.rpartition(".")
    head, _, body = signed.partition(".")
    try:
        maker = _maker(head)
        maker.key.verify(decoded(signature), signed.encode())
        claims = json.loads(decoded(body))
    except (InvalidSignature, ValueError) as bad:
        raise _refused("signature") from bad
    if not isinstance(claims, dict):
        raise _refused("form")
    return maker, claims


class _Maker(NamedTuple):
    """Who made a proof, by its first part, which is the same in all proofs of a device."""

    device_key: str
    thumbprint: str
    key: Ed25519PublicKey


@lru_cache(maxsize=4096)
def _maker(head: str) -> _Maker:
    """Pure: the text names the key, whoever sends it."""
    header = json.loads(decoded(head))
    if not isinstance(header, dict) or set(header) != {"typ", "alg", "jwk"}:
        raise _refused("form")
    jwk = header["jwk"]
    # Exactly the public members: a proof that carries a private key has already lost it.
    if header["typ"] != dpop.TYPE or not isinstance(jwk, dict) or set(jwk) != {"kty", "crv", "x"}:
        raise _refused("form")
    if (header["alg"], jwk["kty"], jwk["crv"]) != ("EdDSA", "OKP", "Ed25519"):
        raise _refused("form")
    if not isinstance(jwk["x"], str):
        raise _refused("form")
    return _Maker(jwk["x"], dpop.thumbprint(dpop.public_jwk(jwk["x"])), public_key(jwk["x"]))


def decoded(part: str) -> bytes:
    """Base64url without padding (RFC 7515); ValueError for anything else in it."""
    return b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _target(url: str) -> str:
    try:
        return dpop.target(url)
    except ValueError as bad:  # whoever asks may write anything into Host
        raise _refused("address") from bad


def _time(value: object) -> datetime:
    if type(value) is not int or not 0 < value < 2**33:
        raise _refused("time")
    return datetime.fromtimestamp(value, UTC)


def _refused(reason: str) -> Refusal:
    return Refusal(Code.PROOF_INVALID, reason=reason)
