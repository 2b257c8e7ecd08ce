"""Signing in with the company's own accounts: OpenID Connect, authorization code flow with PKCE (S2
#102, S3 #146).

    begin    the browser is sent to the provider, with a state that only this server can have made
    finish   it comes back with a code; the server fetches and checks the ID token, and finds the
             account that an administrator linked with what the provider says

Nothing is kept meanwhile: the state is signed, and PKCE's verifier and the nonce are keyed hashes
of its id. Nobody gets an account by signing in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import jwt
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt as id_tokens
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.dpop import b64
from shared.errors import Code, Refusal

_ISSUER = "huifang/company-sign-in"
_STATE_LIFE = timedelta(minutes=10)
_DISCOVERY_LIFE = timedelta(hours=1)
_SECONDS = 10.0  # a provider that takes longer is down
_LEEWAY = 60
# What providers sign ID tokens with; never "none", never a symmetric key.
_ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
_VERIFIED_APART = frozenset({"email", "phone_number"})
"""Claims that mean something only beside `<claim>_verified` (OpenID Connect Core, section 5.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """The provider and what this server is called there. `claim` says who somebody is; `name` is
    what the button says."""

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    claim: str = "email"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and the state it comes back with."""

    address: str
    state: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says that it was. `bound_to` is what `begin` was told."""

    issuer: str
    claim: str
    value: str
    bound_to: str


def spelled(claim: str, value: str) -> str:
    """The one form of a claim's value: addresses of mail are the same in any case."""
    return value.strip().casefold() if claim == "email" else value.strip()


class CompanySignIn:
    """One provider. Keeps what the provider publishes for an hour, and nothing else."""

    def __init__(self, settings: ProviderSettings, key: Ed25519PrivateKey, secret: bytes) -> None:
        self.settings = settings
        self._key = key
        self._secret = secret
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._until = datetime.min.replace(tzinfo=UTC)

    def begin(self, purpose: str, bound_to: str, redirect_uri: str, now: datetime) -> Begun:
        """`bound_to` names the one who may go on afterwards: the thumbprint of a device's key, or a
        browser's cookie. Refuses PROVIDER_FAILED."""
        where = self._discovered(now)["authorization_endpoint"]
        state_id = secrets.token_urlsafe(16)
        state = jwt.encode(
            {
                "iss": _ISSUER,
                "jti": state_id,
                "for": purpose,
                "to": bound_to,
                "exp": int((now + _STATE_LIFE).timestamp()),
            },
            self._key,
            algorithm="EdDSA",
        )
        with self._client(redirect_uri) as client:
            address, _ = client.create_authorization_url(
                where,
                state=state,
                code_verifier=self._derived("verifier", state_id),
                nonce=self._derived("nonce", state_id),
            )
        return Begun(address, state)

    def purpose_of(self, state: str, now: datetime) -> str:
        """What a state was begun for; refuses TOKEN_INVALID for one that this server did not make,
        or too long ago."""
        return str(self._read(state, now)["for"])

    def finish(self, answer: Mapping[str, str], redirect_uri: str, now: datetime) -> Identity:
        """Who it was, by the provider's answer (the query of the address it sent the browser to).
        Refuses TOKEN_INVALID for a foreign state, PROVIDER_FAILED for all that the provider did not
        do as it should, and IDENTITY_UNKNOWN where it vouches for nobody."""
        state = self._read(answer.get("state", ""), now)
        metadata = self._discovered(now)
        # RFC 9207: an answer of another provider must not be taken for this one's.
        named = answer.get("iss")
        if named is None and metadata.get("authorization_response_iss_parameter_supported"):
            raise _failed("issuer")
        if named is not None and named != self.settings.issuer:
            raise _failed("issuer")
        if "code" not in answer:
            raise _failed(answer.get("error", "no_code"))
        try:
            claims = self._claims(answer["code"], str(state["jti"]), redirect_uri, now)
        except (httpx2.HTTPError, AuthlibBaseError, JoseError) as bad:
            raise _failed(type(bad).__name__) from bad
        except (ValueError, KeyError, TypeError) as bad:
            raise _failed("answer") from bad
        value = claims.get(self.settings.claim)
        vouched = (
            self.settings.claim not in _VERIFIED_APART
            or claims.get(f"{self.settings.claim}_verified") is True
        )
        if not isinstance(value, str) or not value.strip() or not vouched:
            raise Refusal(Code.IDENTITY_UNKNOWN, claim=self.settings.claim)
        return Identity(
            issuer=self.settings.issuer,
            claim=self.settings.claim,
            value=spelled(self.settings.claim, value),
            bound_to=str(state["to"]),
        )

    def _claims(self, code: str, state_id: str, redirect_uri: str, now: datetime) -> dict[str, Any]:
        """The ID token's claims, checked; with the user info's where the ID token lacks ours."""
        metadata = self._discovered(now)
        with self._client(redirect_uri) as client:
            token = client.fetch_token(
                metadata["token_endpoint"],
                code=code,
                code_verifier=self._derived("verifier", state_id),
                grant_type="authorization_code",
            )
            nonce = self._derived("nonce", state_id)
            claims = self._checked(token["id_token"], token.get("access_token"), nonce, now)
            if self.settings.claim not in claims and metadata.get("userinfo_endpoint"):
                info = client.get(metadata["userinfo_endpoint"]).raise_for_status().json()
                if info["sub"] != claims["sub"]:  # OpenID Connect Core, section 5.3.2
                    raise _failed("sub")
                claims = {**info, **claims}
        return claims

    def _checked(
        self, id_token: str, access_token: str | None, nonce: str, now: datetime
    ) -> dict[str, Any]:
        """OpenID Connect Core, section 3.1.3.7, with Authlib's own checks of the claims."""
        keys = self._keys
        assert keys is not None  # discovered by now
        try:
            read = id_tokens.decode(id_token, keys, algorithms=_ALGORITHMS)
        except (JoseError, ValueError):  # the provider has new keys since
            self._until = datetime.min.replace(tzinfo=UTC)
            self._discovered(now)
            assert self._keys is not None
            read = id_tokens.decode(id_token, self._keys, algorithms=_ALGORITHMS)
        settings = self.settings
        claims = CodeIDToken(
            read.claims,
            read.header,
            {
                "iss": {"essential": True, "value": settings.issuer},
                "aud": {"essential": True, "value": settings.client_id},
            },
            {"nonce": nonce, "client_id": settings.client_id, "access_token": access_token},
        )
        claims.validate(now=int(now.timestamp()), leeway=_LEEWAY)
        return dict(claims)

    def _discovered(self, now: datetime) -> dict[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery, section 4), and its keys."""
        with self._lock:
            if now < self._until:
                return self._metadata
            base = self.settings.issuer.rstrip("/")
            try:
                with httpx2.Client(timeout=_SECONDS) as client:
                    found = client.get(f"{base}/.well-known/openid-configuration")
                    metadata = found.raise_for_status().json()
                    if metadata["issuer"] != self.settings.issuer:
                        raise _failed("issuer")
                    keys = client.get(metadata["jwks_uri"]).raise_for_status().json()
                self._keys = KeySet.import_key_set(keys)
                self._metadata = metadata
            except (httpx2.HTTPError, JoseError, ValueError, KeyError, TypeError) as bad:
                raise _failed("discovery") from bad
            self._until = now + _DISCOVERY_LIFE
            return self._metadata

    def _client(self, redirect_uri: str) -> OAuth2Client:
        settings = self.settings
        scopes = {"email": "openid email", "phone_number": "openid phone"}
        return OAuth2Client(
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            token_endpoint_auth_method="client_secret_basic" if settings.client_secret else "none",
            scope=scopes.get(settings.claim, "openid profile"),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=_SECONDS,
        )

    def _read(self, state: str, now: datetime) -> dict[str, Any]:
        options: Any = {"require": ["iss", "jti", "for", "to", "exp"], "verify_exp": False}
        try:
            said: dict[str, Any] = jwt.decode(
                state,
                self._key.public_key(),
                algorithms=["EdDSA"],
                issuer=_ISSUER,
                options=options,
            )
            over = int(said["exp"]) <= now.timestamp()
        except (jwt.PyJWTError, ValueError, TypeError) as bad:
            raise Refusal(Code.TOKEN_INVALID) from bad
        if over:
            raise Refusal(Code.TOKEN_INVALID)
        return said

    def _derived(self, what: str, state_id: str) -> str:
        """43 characters that nobody can reckon from the state (RFC 7636, section 4.1)."""
        text = f"company sign-in {what}\0{state_id}".encode()
        return b64(hmac.new(self._secret, text, hashlib.sha256).digest())


def _failed(why: str) -> Refusal:
    known = why if why.replace("_", "").isalnum() and len(why) <= 40 else "error"
    return Refusal(Code.PROVIDER_FAILED, reason=known)
