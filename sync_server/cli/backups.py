"""`huifang backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shared.errors import Code, Refusal
from sync_server.cli.terminal import opened, out, settings_with
from sync_server.services import backups
from sync_server.settings import SQLITE_FILE


def backup(
    folder: Annotated[
        Path | None, typer.Argument(help="Where to; the settings' backup_dir if unset.")
    ] = None,
) -> None:
    """Copy database and files, while the server runs, and let phones forget what the copy holds.

    The key file is not copied: keep one copy of it elsewhere, or the backup opens nowhere.
    """
    settings = settings_with()
    target = folder or settings.backup_dir
    if target is None:
        raise Refusal(Code.FIELD_REQUIRED, field="folder")
    with opened(settings) as server:
        now = server.clock.now()
        taken = backups.back_up(server.database, settings.files_path, target, now, via="command")
    out.print(f"{taken.path}, and {taken.files} new files.", markup=False, soft_wrap=True)
    out.print(f"Keep {settings.keys_path} somewhere else as well.", markup=False, soft_wrap=True)


def restore(
    copy: Annotated[Path, typer.Argument(help="Database file of a backup (huifang-….sqlite3).")],
) -> None:
    """Bring a backup back where there is no database any more. The key file must be in its place.

    Phones then fetch everything anew, and send again what no backup held. A PostgreSQL dump is
    brought back with pg_restore, and then `huifang new-epoch`.
    """
    settings = settings_with()
    if settings.database is not None:
        raise Refusal(Code.FIELD_INVALID, field="database", wanted="pg_restore, then new-epoch")
    if not settings.keys_path.exists():
        raise Refusal(Code.FILE_UNREADABLE, file=str(settings.keys_path), wanted="server keys")
    backups.restore_sqlite(copy, settings.data_dir / SQLITE_FILE, settings.files_path)
    new_epoch()


def new_epoch() -> None:
    """After a database was brought back from a backup by other means, before any phone comes:
    have all of them fetch anew, and send again what no backup held."""
    with opened(settings_with()) as server:
        count = backups.restored(server.database, server.clock.now())
    out.print(f"A new epoch for {count} organisation(s): phones fetch everything anew.")
