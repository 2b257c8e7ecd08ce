"""Devices: which may be signed in on, when each was last heard of, and whose work is stuck
(S3 #143, #146)."""

from __future__ import annotations

from sqlalchemy import Connection, Select, and_, select
from starlette.responses import Response

from shared.errors import Code, Refusal
from sync_server.admin.listing import Column, Filter, Listing, Row, begins
from sync_server.admin.page import Page, Visiting
from sync_server.admin.visit import Undo, Visit
from sync_server.db.accounts import ACCOUNT, DEVICE
from sync_server.db.records import RECORDS
from sync_server.services import devices
from sync_server.services.accounts import spelled
from sync_server.services.lag import behind
from sync_server.services.vitals import device_vitals

PAGE = Page("devices", group="access")
router = PAGE.router()
_STAFF = RECORDS["staff"].c
_SHOWN = (
    DEVICE.c.id,
    DEVICE.c.staff_id,
    DEVICE.c.name,
    DEVICE.c.platform,
    DEVICE.c.app_version,
    DEVICE.c.state,
    DEVICE.c.enrolled_at,
    DEVICE.c.heard_at,
    DEVICE.c.unsent,
    DEVICE.c.unsent_files,
    DEVICE.c.unsent_since,
    DEVICE.c.stored_bytes,
    DEVICE.c.wipe_ordered_at,
    DEVICE.c.wiped_at,
    ACCOUNT.c.username,
    _STAFF.name.label("owner"),
)
_SOURCE = (
    select(*_SHOWN)
    .select_from(DEVICE)
    .join(
        ACCOUNT, and_(ACCOUNT.c.org_id == DEVICE.c.org_id, ACCOUNT.c.staff_id == DEVICE.c.staff_id)
    )
    .join(RECORDS["staff"], and_(_STAFF.org_id == DEVICE.c.org_id, _STAFF.id == DEVICE.c.staff_id))
)


def _named(visit: Visit, word: str) -> Select[tuple[str]]:
    """Ids of whoever's user name begins so."""
    return select(ACCOUNT.c.staff_id).where(
        ACCOUNT.c.org_id == visit.org_id, begins(ACCOUNT.c.username, spelled(word))
    )


def _with_lag(connection: Connection, visit: Visit, rows: list[Row]) -> list[Row]:
    late = behind(connection, visit.org_id, [row["id"] for row in rows])
    return [{**row, "behind": row["id"] in late} for row in rows]


DEVICES = Listing(
    name="devices",
    source=_SOURCE,
    org=DEVICE.c.org_id,
    key=DEVICE.c.id,
    columns=(
        Column("device"),
        Column("owner"),
        Column("state"),
        Column("app"),
        Column("heard_at", sort=DEVICE.c.heard_at),
        Column("lag"),
        Column("unsent"),
        Column("stored"),
        Column("enrolled_at", sort=DEVICE.c.enrolled_at),
    ),
    filters=(
        Filter(
            "owner", lambda visit, word: DEVICE.c.staff_id.in_(_named(visit, word)), narrow=True
        ),
        Filter("device_state", lambda _visit, word: DEVICE.c.state == word, choices=devices.STATES),
        Filter("holds", lambda _visit, _word: DEVICE.c.unsent_since.is_not(None), ("unsent",)),
    ),
    order="-enrolled_at",
    dress=_with_lag,
)


@router.get("")
def devices_list(visit: Visiting) -> Response:
    """Every device, the newest first."""
    with visit.server.database.read() as connection:
        found = DEVICES.read(connection, visit)
    return visit.show("devices.html", found=found)


@router.get("/{device_id}")
def device(device_id: str, visit: Visiting) -> Response:
    """One device: whose it is and how it fares."""
    with visit.server.database.read() as connection:
        row = connection.execute(
            _SOURCE.where(DEVICE.c.org_id == visit.org_id, DEVICE.c.id == device_id)
        ).first()
        if row is None:
            raise Refusal(Code.DEVICE_UNKNOWN)
        vitals = device_vitals(connection, visit.org_id, device_id, row.staff_id)
        late = device_id in behind(connection, visit.org_id, [device_id])
    return visit.show("device.html", device=row, vitals=vitals, behind=late)


@router.post("/{device_id}/approve")
def approve(device_id: str, visit: Visiting) -> Response:
    """Let it in: its owner signs in once more."""
    return _decided(visit, device_id, devices.APPROVED)


@router.post("/{device_id}/block")
def block(device_id: str, visit: Visiting) -> Response:
    """Shut it out: it may hand in what it holds, and is told to drop the rest."""
    return _decided(visit, device_id, devices.BLOCKED)


@router.post("/{device_id}/wipe")
def wipe(device_id: str, visit: Visiting) -> Response:
    """Block it, and have it destroy its vault and key at its next contact. Approving it takes the
    order back, until it has been carried out."""
    with visit.server.database.write() as connection:
        found = devices.find(connection, visit.org_id, device_id)
        devices.order_wipe(connection, visit.caller, found, visit.now)
    undo = (
        Undo(path=f"{PAGE.path}/{device_id}/approve") if found.state == devices.APPROVED else None
    )
    return visit.done(f"{PAGE.path}/{device_id}", "devices.now_wiping", undo, name=found.name)


def _decided(visit: Visit, device_id: str, state: str) -> Response:
    with visit.server.database.write() as connection:
        found = devices.find(connection, visit.org_id, device_id)
        devices.decide(connection, found, state, now=visit.now, decided_by=visit.caller.staff_id)
        devices.note_decision(connection, visit.caller, found, state, visit.now)
    back = {devices.APPROVED: "approve", devices.BLOCKED: "block"}.get(found.state)
    undo = Undo(path=f"{PAGE.path}/{device_id}/{back}") if back and found.state != state else None
    return visit.done(f"{PAGE.path}/{device_id}", f"devices.now_{state}", undo, name=found.name)
