"""The customer's signature under a report, checked when it arrives (L6): what was signed is what
is stored, and the device named in it signed it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from shared.declare import Entity
from shared.errors import Code, Refusal
from shared.seal import content_stands, seal_bytes
from sync_server.db.accounts import DEVICE
from sync_server.services.caller import Caller
from sync_server.services.proof import decoded, verify_device_signature
from sync_server.services.writing import Unit


def check_seal(unit: Unit, caller: Caller, entity: Entity, row: Mapping[str, Any]) -> None:
    """Refuses (`SEAL_BROKEN`) a signature whose content differs from the row, that its device key
    does not verify, or whose key no device of the organisation has."""
    signature = row[entity.sealed_by]
    if not content_stands(row):
        raise Refusal(Code.SEAL_BROKEN, where="content")
    if not _verifies(row["id"], signature):
        raise Refusal(Code.SEAL_BROKEN, where="signature")
    if not _is_ours(unit, caller, signature):
        raise Refusal(Code.SEAL_BROKEN, where="device")


def _verifies(report_id: str, signature: Mapping[str, Any]) -> bool:
    try:
        signed = decoded(signature["device_signature"])
        verify_device_signature(signature["device_key"], signed, seal_bytes(report_id, signature))
    except (Refusal, ValueError):
        return False
    return True


def _is_ours(unit: Unit, caller: Caller, signature: Mapping[str, Any]) -> bool:
    """The pushing device's own key, or one that was enrolled: sealed copies arrive from other
    devices too."""
    if (signature["device_id"], signature["device_key"]) == (caller.device_id, caller.device_key):
        return True
    found = unit.connection.scalar(
        select(DEVICE.c.id).where(
            DEVICE.c.org_id == unit.org_id,
            DEVICE.c.id == signature["device_id"],
            DEVICE.c.key == signature["device_key"],
        )
    )
    return found is not None
