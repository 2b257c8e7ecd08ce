"""The second factor of whoever is signed in: set up, and ended, by themselves."""

from __future__ import annotations

from base64 import b64encode

from fastapi import APIRouter

from shared.errors import Code
from shared.wire_second_factor import (
    BegunReply,
    CodeRequest,
    EndRequest,
    PasswordRequest,
    RecoveryCodesReply,
    SecondFactorState,
)
from sync_server.routes.answers import READS_BODY, SIGNED_IN, documented
from sync_server.routes.caller import ActiveCaller, TheServer
from sync_server.services.qr import as_png, as_svg

router = APIRouter(prefix="/v1/auth/second-factor", tags=["auth"])
_GUESSED = (*SIGNED_IN, *READS_BODY, Code.TOO_MANY_TRIES)


@router.get("", responses=documented(*SIGNED_IN))
def state(caller: ActiveCaller, server: TheServer) -> SecondFactorState:
    """Whether the caller has a second factor, and how many recovery codes are left."""
    return server.own_account.second_factor(caller)


@router.post("/begin", responses=documented(*_GUESSED, Code.SIGN_IN_FAILED, Code.RECORD_EXISTS))
def begin(asked: PasswordRequest, caller: ActiveCaller, server: TheServer) -> BegunReply:
    """Make a secret for an authenticator app. Nothing is asked at sign-in until `confirm`; begun
    again, the secret before is worth nothing."""
    begun = server.own_account.begin_second_factor(caller, asked.password)
    png = b64encode(as_png(begun.uri)).decode()
    return BegunReply(secret=begun.secret, uri=begun.uri, qr=as_svg(begun.uri), qr_png=png)


@router.post(
    "/confirm", responses=documented(*_GUESSED, Code.SECOND_FACTOR_WRONG, Code.RECORD_MISSING)
)
def confirm(asked: CodeRequest, caller: ActiveCaller, server: TheServer) -> RecoveryCodesReply:
    """Show the authenticator's first code: from now on each sign-in asks for one."""
    codes = server.own_account.confirm_second_factor(caller, asked.code)
    return RecoveryCodesReply(recovery_codes=codes)


@router.post(
    "/recovery-codes",
    responses=documented(
        *_GUESSED, Code.SECOND_FACTOR_WANTED, Code.SECOND_FACTOR_WRONG, Code.RECORD_MISSING
    ),
)
def renew(asked: CodeRequest, caller: ActiveCaller, server: TheServer) -> RecoveryCodesReply:
    """Ten new recovery codes in the place of the old ones."""
    codes = server.own_account.renew_recovery_codes(caller, asked.code)
    return RecoveryCodesReply(recovery_codes=codes)


@router.post(
    "/end",
    status_code=204,
    responses=documented(
        *_GUESSED,
        Code.SIGN_IN_FAILED,
        Code.SECOND_FACTOR_WANTED,
        Code.SECOND_FACTOR_WRONG,
        Code.RECORD_MISSING,
        Code.ROLE_NOT_ALLOWED,
    ),
)
def end(asked: EndRequest, caller: ActiveCaller, server: TheServer) -> None:
    """Sign in with the password alone from now on. Refused where the policy insists."""
    server.own_account.end_second_factor(caller, asked.password, asked.code)
