"""Devices, for administrators: who has which, and whether it may sign in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from shared.errors import Code
from sync_server.routes.answers import SIGNED_IN, documented
from sync_server.routes.caller import Administrator, TheServer
from sync_server.services import accounts, devices
from sync_server.services.caller import Caller

router = APIRouter(prefix="/v1/admin/devices", tags=["devices"])
_REFUSALS = documented(*SIGNED_IN, Code.ROLE_NOT_ALLOWED, Code.MALFORMED)

_LAST = documented(Code.LAST_ADMINISTRATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReply:
    """One installation in one person's hands."""

    id: str
    username: str
    name: str
    platform: str
    app_version: str
    state: str
    enrolled_at: str
    signed_in_at: str | None
    wipe_ordered_at: str | None
    wiped_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceList:
    devices: list[DeviceReply]


@router.get("", responses=_REFUSALS)
def list_devices(
    caller: Administrator,
    server: TheServer,
    state: Annotated[Literal["pending", "approved", "blocked"] | None, Query()] = None,
) -> DeviceList:
    """Every device of the organisation, the newest first."""
    with server.database.read() as connection:
        found = devices.all_devices(connection, caller.org_id)
        names = {a.staff_id: a.username for a in accounts.all_accounts(connection, caller.org_id)}
    return DeviceList(
        devices=[_shown(d, names.get(d.staff_id, "")) for d in found if state in (None, d.state)]
    )


@router.post("/{device_id}/approve", status_code=204, responses=_REFUSALS)
def approve(device_id: str, caller: Administrator, server: TheServer) -> None:
    """Let a device in: its owner signs in once more. Harmless twice."""
    _decide(server, caller, device_id, devices.APPROVED)


@router.post("/{device_id}/block", status_code=204, responses={**_REFUSALS, **_LAST})
def block(device_id: str, caller: Administrator, server: TheServer) -> None:
    """Shut a lost device out: it may hand in what it holds, and is told to drop the rest.
    Harmless twice."""
    _decide(server, caller, device_id, devices.BLOCKED)


@router.post("/{device_id}/wipe", status_code=204, responses={**_REFUSALS, **_LAST})
def wipe(device_id: str, caller: Administrator, server: TheServer) -> None:
    """Block a device, and have it destroy its vault and key at its next contact, locked or not.
    Unsent work is sealed first and still comes in. It signs a receipt (`/v1/grants/receipts/…`).
    Harmless twice."""
    with server.database.write() as connection:
        device = devices.find(connection, caller.org_id, device_id)
        devices.order_wipe(connection, caller, device, server.clock.now())


def _decide(server: TheServer, caller: Caller, device_id: str, state: str) -> None:
    with server.database.write() as connection:
        device = devices.find(connection, caller.org_id, device_id)
        now = server.clock.now()
        devices.decide(connection, device, state, now=now, decided_by=caller.staff_id)
        devices.note_decision(connection, caller, device, state, now)


def _shown(device: devices.Device, username: str) -> DeviceReply:
    return DeviceReply(
        id=device.id,
        username=username,
        name=device.name,
        platform=device.platform,
        app_version=device.app_version,
        state=device.state,
        enrolled_at=device.enrolled_at,
        signed_in_at=device.signed_in_at,
        wipe_ordered_at=device.wipe_ordered_at,
        wiped_at=device.wiped_at,
    )
