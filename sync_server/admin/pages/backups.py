"""Backups, and the drills that prove them: a backup counts for nothing until it was restored."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response

from shared.errors import Code, Refusal
from sync_server.admin.page import Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.services import backup_drill
from sync_server.services.backup_manifest import Manifest, whole_backups
from sync_server.services.backups import back_up

PAGE = Page("backups", group="system")
router = PAGE.router()
_DRILLS = 20


@router.get("")
def backups(visit: Visiting) -> Response:
    """What there is to restore, and how it went when that was tried."""
    folder = visit.server.settings.backup_dir
    found: list[Manifest] = list(reversed(whole_backups(folder))) if folder else []
    return visit.show(
        "backups.html",
        folder=folder,
        backups=found,
        drills=backup_drill.drills(visit.server.database, _DRILLS),
        minutes=visit.server.settings.backup_minutes,
    )


@router.post("/take")
def take(visit: Visiting) -> Response:
    """Take one now, as the server does by itself when it is due."""
    server = visit.server
    back_up(server.database, server.settings.files_path, _folder(visit), visit.now, via="console")
    return visit.done(PAGE.path, "backups.taken")


@router.post("/drill")
def drill(visit: Visiting) -> Response:
    """Restore the newest one into a scratch folder, look at all of it, and say what was found."""
    server = visit.server
    found = backup_drill.drill(
        server.database, _folder(visit), server.settings.data_dir, visit.now, via="console"
    )
    if found.sound:
        return visit.done(PAGE.path, "backups.sound")
    return visit.done(PAGE.path, "backups.unsound", tone="warn")


def _folder(visit: Visit) -> Path:
    folder = visit.server.settings.backup_dir
    if folder is None:
        raise Refusal(Code.FIELD_REQUIRED, field="backup_dir")
    return folder
