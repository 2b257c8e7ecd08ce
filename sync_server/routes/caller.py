"""What routes ask for: the server's parts, and who calls."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request
from starlette.requests import HTTPConnection

from shared.declare import Role
from shared.errors import Code, Refusal
from sync_server.bootstrap import Server
from sync_server.services.caller import Caller
from sync_server.services.sessions import Sent, Standing


def server_of(connection: HTTPConnection) -> Server:
    """The parts that `create_app` was given."""
    server: Server = connection.app.state.server
    return server


def sent(
    request: Request,
    authorization: Annotated[
        str | None, Header(description="`DPoP <access token>`; not at sign-in and refresh.")
    ] = None,
    dpop: Annotated[
        str | None, Header(description="The device's proof for this request (RFC 9449).")
    ] = None,
) -> Sent:
    """What the request says of itself. Behind a proxy the address is the one that devices use."""
    public = server_of(request).settings.public_url
    base = public.rstrip("/") if public else f"{request.url.scheme}://{request.url.netloc}"
    return Sent(
        method=request.method,
        url=base + request.url.path,
        authorization=authorization,
        proof=dpop,
        address=request.client.host if request.client else "",
    )


def standing(
    request: Annotated[Sent, Depends(sent)], server: Annotated[Server, Depends(server_of)]
) -> Standing:
    """Who calls, barred or not."""
    return server.sessions.standing(request)


def active_caller(who: Annotated[Standing, Depends(standing)]) -> Caller:
    """Who calls; refuses whoever is barred."""
    return unbarred(who)


def unbarred(who: Standing) -> Caller:
    """See `active_caller`."""
    if who.barred:
        raise Refusal(who.barred)
    return who.caller


def any_caller(who: Annotated[Standing, Depends(standing)]) -> Caller:
    """Who calls, also a deactivated user or a blocked device: for handing in work and for hearing
    what to drop, and for nothing else (L1, L4). A device that was never approved is refused."""
    return heard(who)


def heard(who: Standing) -> Caller:
    """See `any_caller`."""
    if who.barred is Code.DEVICE_PENDING:
        raise Refusal(who.barred)
    return who.caller


def administrator(caller: Annotated[Caller, Depends(active_caller)]) -> Caller:
    """Who calls; refuses everyone who is no administrator."""
    if caller.role is not Role.ADMINISTRATOR:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    return caller


TheServer = Annotated[Server, Depends(server_of)]
TheRequest = Annotated[Sent, Depends(sent)]
ActiveCaller = Annotated[Caller, Depends(active_caller)]
Administrator = Annotated[Caller, Depends(administrator)]
AnyCaller = Annotated[Caller, Depends(any_caller)]
