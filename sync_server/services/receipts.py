"""Receipts: devices sign that what ended is deleted; what was never signed is outstanding (L4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

import msgspec
from jwt.utils import base64url_decode
from sqlalchemy import Connection, func, literal, select, update

from shared.clock import from_wire, to_wire
from shared.dpop import b64
from shared.errors import Refusal
from shared.wire import (
    RECEIPT_INFO,
    Lease,
    Receipt,
    ReceiptsRequest,
    SignedLease,
    SignedReceipt,
)
from sync_server.db.accounts import DEVICE, upsert
from sync_server.db.base import Database
from sync_server.db.log import DEVICE_GRANT, RECEIPT
from sync_server.db.records import RECORDS
from sync_server.db.types import Instant
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.epochs import org_state
from sync_server.services.holdings import Sign
from sync_server.services.proof import verify_device_signature

MOST = 1000
_ID = re.compile(r"[0-9a-f-]{36}")
_IN = 5000
_READ = msgspec.json.Decoder(Receipt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outstanding:
    """One ended grant of one device that has not signed for it."""

    device_id: str
    staff_id: str
    grant_id: str
    bucket: str
    ended_at: str
    told_to_drop: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One receipt as it came, and when."""

    payload: str
    signature: str
    received_at: str


def keep(db: Database, caller: Caller, asked: ReceiptsRequest, now: datetime) -> list[str]:
    """Keeps the receipts that the caller's device signed; returns their ids, those known already
    among them. One that is not its own, or that does not hold, is left out: its sender keeps it."""
    read = [(one, said) for one in asked.receipts if (said := _said(caller, one)) is not None]
    with db.write() as connection:
        for one, said in read:
            fresh = upsert(connection, RECEIPT).values(_row(caller, one, said, now))
            if not connection.execute(fresh.on_conflict_do_nothing()).rowcount:
                continue  # known, or sent twice at once
            for start in range(0, len(said.grants), _IN):
                connection.execute(
                    update(DEVICE_GRANT)
                    .where(
                        DEVICE_GRANT.c.org_id == caller.org_id,
                        DEVICE_GRANT.c.device_id == caller.device_id,
                        DEVICE_GRANT.c.grant_id.in_(said.grants[start : start + _IN]),
                    )
                    .values(receipt_id=said.id)
                )
            if said.kind == "wiped":
                _note_wiped(connection, caller, said, now)
    return [said.id for _, said in read]


def _note_wiped(connection: Connection, caller: Caller, said: Receipt, now: datetime) -> None:
    """The vault is gone, and with it all that the device held."""
    connection.execute(
        update(DEVICE)
        .where(DEVICE.c.org_id == caller.org_id, DEVICE.c.id == caller.device_id)
        .values(wiped_at=to_wire(now))
    )
    connection.execute(
        update(DEVICE_GRANT)
        .where(DEVICE_GRANT.c.org_id == caller.org_id, DEVICE_GRANT.c.device_id == caller.device_id)
        .values(
            receipt_id=said.id,
            dropped_at=func.coalesce(DEVICE_GRANT.c.dropped_at, literal(to_wire(now), Instant)),
            open_from=None,
        )
    )
    audit.note(
        connection, caller, Action.DEVICE_WIPED, now=now, subject=("device", caller.device_id),
        receipt=said.id,
    )  # fmt: skip


def order_for(db: Database, caller: Caller, sign: Sign, now: datetime) -> SignedLease | None:
    """The signed order to destroy the vault, for a device that comes without a token; None where
    there is none."""
    if not caller.wipe:
        return None
    with db.read() as connection:
        epoch = org_state(connection, caller.org_id).epoch
    moment = to_wire(now)
    return sign(
        Lease(
            organisation_id=caller.org_id,
            device_id=caller.device_id,
            staff_id=caller.staff_id,
            role=caller.role.value,
            epoch=epoch,
            issued_at=moment,
            ends_at=moment,
            grants_digest="",
            active=False,
            wipe=True,
        )
    )


def _said(caller: Caller, one: SignedReceipt) -> Receipt | None:
    """What a receipt says, if its device signed it and it holds."""
    try:
        signature = _from_b64(one.signature)
        verify_device_signature(caller.device_key, signature, RECEIPT_INFO + one.payload.encode())
        said = _READ.decode(one.payload)
        names = [said.id, *said.grants]
        times = [said.deleted_at] + ([said.rekeyed_at] if said.rekeyed_at else [])
        sane = all(to_wire(from_wire(text)) == text for text in times)
        sane = sane and all(_ID.fullmatch(name) for name in names) and "\0" not in one.payload
    except (Refusal, ValueError, OverflowError, msgspec.MsgspecError):
        return None
    mine = (said.device_id, said.staff_id) == (caller.device_id, caller.staff_id)
    if not mine or not sane or said.kind not in {"ended", "wiped"} or not 0 <= said.rows < 2**53:
        return None
    return said


def _from_b64(text: str) -> bytes:
    raw = base64url_decode(text)
    if b64(raw) != text:
        raise ValueError("not the one form of its bytes")
    return raw


def _row(caller: Caller, one: SignedReceipt, said: Receipt, now: datetime) -> dict[str, object]:
    return {
        "org_id": caller.org_id,
        "id": said.id,
        "device_id": caller.device_id,
        "staff_id": caller.staff_id,
        "kind": said.kind,
        "grants": len(said.grants),
        "deleted_rows": said.rows,
        "deleted_at": said.deleted_at,
        "rekeyed_at": said.rekeyed_at,
        "received_at": to_wire(now),
        "payload": one.payload,
        "signature": one.signature,
    }


def outstanding(db: Database, org_id: str, now: datetime) -> list[Outstanding]:
    """Ended grants for which a device that was told of them has not signed, the oldest first, at
    most `MOST`. Of devices that never said a word of receipts, too: older apps send none, and then
    what they confirm at a pull stands in `device_grants`."""
    grant, here = RECORDS["grant"].c, DEVICE_GRANT.c
    moment = to_wire(now)
    with db.read() as connection:
        rows = connection.execute(
            select(
                here.device_id,
                grant.staff_id,
                here.grant_id,
                here.bucket,
                grant.expires_at,
                grant.revoked_at,
                here.drop_told_at,
            )
            .join(RECORDS["grant"], (grant.org_id == here.org_id) & (grant.id == here.grant_id))
            .where(
                here.org_id == org_id,
                here.receipt_id.is_(None),
                (grant.expires_at <= moment) | (grant.revoked_at <= moment),
            )
            .order_by(func.coalesce(grant.revoked_at, grant.expires_at), here.device_id)
            .limit(MOST)
        ).all()
    found = [
        Outstanding(
            device_id=row.device_id,
            staff_id=row.staff_id,
            grant_id=row.grant_id,
            bucket=row.bucket,
            ended_at=min(t for t in (row.expires_at, row.revoked_at) if t),
            told_to_drop=row.drop_told_at is not None,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.ended_at, one.device_id, one.grant_id))


def of_device(db: Database, org_id: str, device_id: str) -> list[Kept]:
    """What a device signed, the newest first, at most `MOST`."""
    with db.read() as connection:
        rows = connection.execute(
            select(RECEIPT.c.payload, RECEIPT.c.signature, RECEIPT.c.received_at)
            .where(RECEIPT.c.org_id == org_id, RECEIPT.c.device_id == device_id)
            .order_by(RECEIPT.c.received_at.desc(), RECEIPT.c.id.desc())
            .limit(MOST)
        ).all()
    return [Kept(**row._mapping) for row in rows]
