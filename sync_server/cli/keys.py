"""`huifang rotate-keys`: another key for what is stored from now on, then for what is stored
already."""

from __future__ import annotations

from typing import Annotated

import typer

from sync_server.bootstrap import Server
from sync_server.cli.terminal import Bar, opened, out, settings_with
from sync_server.db.base import METADATA
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.rekeying import reseal
from sync_server.services.server_keys import add_data_key
from sync_server.services.vitals import organisations


def rotate_keys(
    add: Annotated[
        bool, typer.Option("--add", help="First step: add a key, then restart every server.")
    ] = False,
) -> None:
    """Seal everything anew under the newest key, while the servers run. With --add, add that key
    first.

    The steps are two because a running server opens only what is under keys it knows: add, restart
    the servers, and run this again without --add. Old keys stay in the file: backups need them.
    Safe to repeat.
    """
    settings = settings_with()
    if add:
        with opened(settings) as server:
            version = add_data_key(settings.keys_path)
            _note(server, Action.KEYS_ADDED, version)
        out.print(f"Added data key {version}. Back the key file up, then restart every server.")
        return
    with opened(settings) as server, Bar() as bar:
        done, tables = 0, len(METADATA.tables)
        for place, (_table, count) in enumerate(reseal(server.database)):
            done += count
            bar("database", place / tables)
        bar("database", 1.0)
        files = server.files.store.reseal()
        _note(server, Action.KEYS_ROTATED, server.database.ring.current)
    out.print(f"Sealed anew: {done} values, {files} files.")


def _note(server: Server, action: Action, version: int) -> None:
    """Puts it on record with every organisation, as it concerns all of them."""
    with server.database.write() as connection:
        for org_id in organisations(connection):
            who = audit.command_line(org_id)
            audit.note(connection, who, action, now=server.clock.now(), version=version)
