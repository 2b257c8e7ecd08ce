"""`huifang backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shared.errors import Code, Refusal
from sync_server.cli.terminal import begin_anew, opened, out, settings_with
from sync_server.services import backup_drill, backups
from sync_server.settings import SQLITE_FILE


def backup(
    folder: Annotated[
        Path | None, typer.Argument(help="Where to; the settings' backup_dir if unset.")
    ] = None,
    drill: Annotated[
        bool,
        typer.Option(
            "--drill", help="Restore the newest backup into a scratch folder and look at all of it."
        ),
    ] = False,
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
        if drill:
            _tell(backup_drill.drill(server.database, target, settings.data_dir, now))
            return
        taken = backups.back_up(server.database, settings.files_path, target, now, via="command")
    out.print(f"{taken.path}, and {taken.files} new files.", markup=False, soft_wrap=True)
    out.print(f"Keep {settings.keys_path} somewhere else as well.", markup=False, soft_wrap=True)


def _tell(found: backup_drill.Drill) -> None:
    looked = f"{found.rows} rows, {found.values_opened} sealed values, {found.files} files"
    out.print(f"{found.backup}: {looked} in {found.seconds:.1f} s.", markup=False, soft_wrap=True)
    if found.sound:
        out.print("Restored and found whole.")
        return
    out.print(f"It would not serve: {', '.join(found.problems)}.", markup=False)
    raise typer.Exit(1)


def restore(
    copy: Annotated[
        Path, typer.Argument(help="A backup's folder, or one database in it (huifang-….sqlite3).")
    ],
) -> None:
    """Bring a backup back where there is no database any more. The key file must be in its place.

    Phones then fetch everything anew, and send again what no backup held. A PostgreSQL dump is
    brought back with pg_restore, and then `huifang new-epoch` with the backup's folder.
    """
    settings = settings_with()
    if settings.database is not None:
        raise Refusal(
            Code.FIELD_INVALID, field="database", wanted="pg_restore, then new-epoch FOLDER"
        )
    if not settings.keys_path.exists():
        raise Refusal(Code.FILE_UNREADABLE, file=str(settings.keys_path), wanted="server keys")
    backups.restore_sqlite(copy, settings.data_dir / SQLITE_FILE, settings.files_path)
    with opened(settings):
        pass  # whoever opens it first does the rest: this may be cut short


def new_epoch(
    folder: Annotated[
        Path | None, typer.Argument(help="The backup's folder; the settings' backup_dir if unset.")
    ] = None,
) -> None:
    """After a database was brought back from a backup by other means, before any phone comes:
    have all of them fetch anew, and send again what no backup held.

    Files that are missing here come from the backup's folder, and whoever was erased since then is
    erased again.
    """
    settings = settings_with()
    source = folder or settings.backup_dir
    if source is not None:
        if not source.is_dir():
            raise Refusal(Code.FILE_UNREADABLE, file=str(source), wanted="a folder with backups")
        backups.restore_files(source, settings.files_path)
    with opened(settings) as server:
        begin_anew(server, source)
