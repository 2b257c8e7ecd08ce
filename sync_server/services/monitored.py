"""What a monitor wants to know beyond requests: how far devices are behind and what waits, over all
organisations together. Counts, no ids."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from sync_server.db.accounts import DEVICE
from sync_server.db.log import CHANGE_LOG, ORG_STATE
from sync_server.services.lag import lag
from sync_server.services.vitals import organisations


def monitored(connection: Connection, now: datetime) -> dict[str, int]:
    """Figures by name, as they stand now."""
    seen = [lag(connection, org_id, now) for org_id in organisations(connection)]
    pending = select(func.count()).select_from(DEVICE).where(DEVICE.c.state == "pending")
    held = select(func.count()).select_from(CHANGE_LOG)
    behind = select(func.coalesce(func.sum(ORG_STATE.c.last_seq - ORG_STATE.c.backed_up_to), 0))
    return {
        "devices_silent": sum(one.silent for one in seen),
        "devices_stuck": sum(one.stuck for one in seen),
        "devices_pending": int(connection.execute(pending).scalar_one()),
        "unsent_changes": sum(one.unsent for one in seen),
        "unsent_files": sum(one.unsent_files for one in seen),
        "quarantined_changes": int(
            connection.execute(held.where(CHANGE_LOG.c.verdict == "quarantined")).scalar_one()
        ),
        "writes_not_backed_up": int(connection.execute(behind).scalar_one()),
    }
