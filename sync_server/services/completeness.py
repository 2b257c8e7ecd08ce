"""When a report is complete: signed, and every photo that it names has arrived and was verified
by its hash (design §5)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select

from shared.clock import from_wire, to_wire
from sync_server.db.accounts import EARLY_FILE
from sync_server.services.writing import Held, Unit


def file_verified(unit: Unit, file_id: str, verified_at: datetime) -> None:
    """The bytes of a file are here and are what their hash says. Called by whoever receives
    files; harmless twice."""
    file = unit.get("file", file_id)
    if file is None or file.row.get("verified_at"):
        return
    unit.update("file", file_id, {"verified_at": to_wire(verified_at)})
    for report_id in reports_of_file(file):
        refresh_report(unit, report_id)


def file_recorded(unit: Unit, file: Held) -> None:
    """The record of a file is here. Where its bytes came first (the record was late, or waited in
    quarantine) they are verified by it; only bytes with the record's own hash count."""
    early = EARLY_FILE.c
    query = select(early.verified_at).where(
        early.org_id == unit.org_id,
        early.file_id == file.id,
        or_(early.sha256.is_(None), early.sha256 == file.row["sha256"]),
    )
    verified_at = unit.connection.scalar(query)
    if verified_at is not None:
        file_verified(unit, file.id, from_wire(verified_at))
    for report_id in reports_of_file(file):
        refresh_report(unit, report_id)


def reports_of_file(file: Held) -> list[str]:
    """Reports whose completeness a file may change."""
    return [file.row["report_id"]] if file.row.get("report_id") else []


def refresh_report(unit: Unit, report_id: str) -> None:
    """Sets `complete` as things stand. A report that names no photo is complete once it is
    signed."""
    report = unit.get("report", report_id)
    if report is None:
        return
    named = [*report.row.get("photos_before", ()), *report.row.get("photos_after", ())]
    unit.load("file", named)
    files = [unit.get("file", file_id) for file_id in named]
    arrived = all(f is not None and f.row.get("verified_at") for f in files)
    unit.update("report", report_id, {"complete": bool(report.row.get("signature")) and arrived})
