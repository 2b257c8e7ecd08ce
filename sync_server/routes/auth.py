"""Signing in and staying signed in."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from shared.clock import to_wire
from shared.errors import Code
from shared.wire import RefreshRequest, SignInRequest, StaffCard, TokenReply
from sync_server.routes.answers import READS_BODY, SIGNED_IN, documented
from sync_server.routes.caller import ActiveCaller, AnyCaller, TheRequest, TheServer
from sync_server.services import accounts, audit, devices, refresh_tokens
from sync_server.services.audit import Action

router = APIRouter(prefix="/v1/auth", tags=["auth"])


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoReply:
    """Who is signed in, on which device."""

    staff: StaffCard
    device_id: str
    device_name: str
    server_time: str


@router.post(
    "/sign-in",
    responses=documented(
        *READS_BODY,
        Code.SIGN_IN_FAILED,
        Code.PROOF_INVALID,
        Code.TOKEN_INVALID,
        Code.SECOND_FACTOR_WANTED,
        Code.SECOND_FACTOR_WRONG,
        Code.SECOND_FACTOR_UNSET,
        Code.USER_INACTIVE,
        Code.ENROLMENT_CODE_INVALID,
        Code.DEVICE_BLOCKED,
        Code.TOO_MANY_TRIES,
    ),
)
def sign_in(asked: SignInRequest, request: TheRequest, server: TheServer) -> TokenReply:
    """Sign in with name and password. The device's key is enrolled; the proof shows that it is
    there.

    Someone who has a second factor is told so (`second_factor_wanted`) and signs in again with a
    code. A device that waits for approval gets no tokens but a ticket: it signs in again with that
    until an administrator has approved it. An enrolment code approves it at once.
    """
    return server.sessions.sign_in(asked, request)


@router.post(
    "/refresh",
    responses=documented(*READS_BODY, Code.TOKEN_INVALID, Code.PROOF_INVALID, Code.DEVICE_UNKNOWN),
)
def refresh(asked: RefreshRequest, request: TheRequest, server: TheServer) -> TokenReply:
    """New tokens for a refresh token, which is used up by it. Safe to repeat when the answer was
    lost."""
    return server.sessions.refresh(asked, request)


@router.get("/who", responses=documented(*SIGNED_IN))
def who(caller: ActiveCaller, server: TheServer) -> WhoReply:
    """Who is signed in."""
    with server.database.read() as connection:
        account = accounts.by_staff(connection, caller.org_id, caller.staff_id)
        assert account is not None  # the caller was read from it
        device = devices.find(connection, caller.org_id, caller.device_id)
        return WhoReply(
            staff=accounts.staff_card(connection, account),
            device_id=device.id,
            device_name=device.name,
            server_time=to_wire(server.clock.now()),
        )


@router.post("/sign-out", status_code=204, responses=documented(*SIGNED_IN))
def sign_out(caller: AnyCaller, server: TheServer) -> None:
    """End this device's session: its refresh tokens are worth nothing afterwards. Harmless
    twice."""
    with server.database.write() as connection:
        now = server.clock.now()
        refresh_tokens.revoke_device(connection, caller.org_id, caller.device_id, now)
        audit.note(connection, caller, Action.SIGNED_OUT, now=now)
