"""Messages about one's own second factor: set up, and ended, by whoever is signed in."""

from __future__ import annotations

from dataclasses import dataclass

from shared.wire import STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorState:
    """GET /v1/auth/second-factor: since when there is one (null: there is none), and how many
    recovery codes are left."""

    enrolled_at: str | None = None
    recovery_codes_left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordRequest:
    """POST …/begin: the caller's password, once more."""

    __pydantic_config__ = STRICT
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRequest:
    """POST …/confirm and …/recovery-codes: a code of the authenticator, or a recovery code."""

    __pydantic_config__ = STRICT
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRequest:
    """POST …/end: both, to sign in without a second factor from now on."""

    __pydantic_config__ = STRICT
    password: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunReply:
    """What the authenticator has to learn: `secret` to type, `uri` to open, `qr` (SVG) or `qr_png`
    (base64) to scan."""

    secret: str
    uri: str
    qr: str
    qr_png: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodesReply:
    """Ten codes, each good once. Nobody can show them again."""

    recovery_codes: list[str]
