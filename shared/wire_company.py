"""Messages of the company's own sign-in (OpenID Connect), as far as a device takes part."""

from __future__ import annotations

from dataclasses import dataclass

from shared.wire import STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysReply:
    """GET /v1/auth/ways. `company` is what the button for the company's accounts says; null: there
    is none."""

    company: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyRequest:
    """POST /v1/auth/company/begin: the device that will go on afterwards; the proof shows that its
    key is there."""

    __pydantic_config__ = STRICT
    device_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyReply:
    """Where the browser goes now. It comes back to `/#/signed-in/<ticket>`, or to
    `/#/sign-in-failed/<code>`."""

    address: str
