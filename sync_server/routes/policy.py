"""The organisation's policy, for administrators: its versions, a new one, and one taken back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from fastapi import APIRouter

from shared.clock import from_wire
from shared.errors import Code, Refusal
from shared.wire import STRICT
from sync_server.routes.answers import READS_BODY, SIGNED_IN, documented
from sync_server.routes.caller import Administrator, TheServer
from sync_server.services import policies

router = APIRouter(prefix="/v1/admin/policy", tags=["admin"])
_REFUSALS = documented(
    *SIGNED_IN,
    *READS_BODY,
    Code.ROLE_NOT_ALLOWED,
    Code.FIELD_INVALID,
    Code.FIELD_REQUIRED,
    Code.FIELD_TOO_LONG,
    Code.MOVE_NOT_ALLOWED,
    Code.RECORD_EXISTS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReply:
    """`settings` are all that hold now, the defaults included; `versions` the newest first."""

    settings: dict[str, Any]
    versions: list[policies.Version]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRequest:
    """The settings to change, and from when (an instant; left out: at once). `base` is the version
    that was looked at: a newer one refuses this. `store` false only shows what would change."""

    __pydantic_config__ = STRICT
    settings: dict[str, int | str | bool] = field(default_factory=dict)
    holds_from: str | None = None
    base: int | None = None
    store: bool = False


@router.get("", responses=documented(*SIGNED_IN, Code.ROLE_NOT_ALLOWED))
def show(caller: Administrator, server: TheServer) -> PolicyReply:
    """The settings that hold now, and every version with what was set in it."""
    now = server.clock.now()
    with server.database.read() as connection:
        there = policies.versions(connection, caller.org_id, now)
    return PolicyReply(settings=asdict(policies.holding(there)), versions=there)


@router.post("", responses=_REFUSALS)
def change(asked: PolicyRequest, caller: Administrator, server: TheServer) -> policies.Proposal:
    """What a new version would change, and, with `store`, that version."""
    begins, now = _instant(asked.holds_from), server.clock.now()
    if asked.store:
        return policies.add_version(
            server.database, caller, asked.settings, begins, now, asked.base
        )
    with server.database.read() as connection:
        return policies.propose(connection, caller.org_id, asked.settings, begins, now, asked.base)


@router.post(
    "/{version}/withdraw",
    status_code=204,
    responses=documented(
        *SIGNED_IN, Code.ROLE_NOT_ALLOWED, Code.RECORD_MISSING, Code.MOVE_NOT_ALLOWED,
        Code.MALFORMED,
    ),
)  # fmt: skip
def withdraw(version: int, caller: Administrator, server: TheServer) -> None:
    """Take the newest version back before it holds."""
    policies.withdraw(server.database, caller, version, server.clock.now())


def _instant(told: str | None) -> datetime | None:
    try:
        return from_wire(told) if told is not None else None
    except (ValueError, OverflowError):
        raise Refusal(Code.FIELD_INVALID, field="policy.holds_from", wanted="an instant") from None
