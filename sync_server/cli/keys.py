"""`huifang keys rotate`, and `rotate-keys`: another key for what is stored from now on, then for
what is stored already."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from sync_server.bootstrap import HOUSEKEEPING_SECONDS, Server
from sync_server.cli.terminal import Bar, opened, out, settings_with
from sync_server.services import audit, rekeying
from sync_server.services.audit import Action
from sync_server.services.server_keys import add_data_key
from sync_server.services.vitals import organisations

app = typer.Typer(help="The server's keys.", no_args_is_help=True)


@app.callback()
def _keys() -> None:
    """The server's keys."""


@app.command("rotate")
def rotate() -> None:
    """Add a data key and seal everything anew under it, while the servers run.

    Servers take the new key up by themselves. Old keys stay in the file: backups need them. Back
    the key file up afterwards. Safe to repeat, and to run again when it was interrupted.
    """
    _add()
    _seal_anew()


def rotate_keys(
    add: Annotated[
        bool, typer.Option("--add", help="Only add a key; seal with it from now on.")
    ] = False,
) -> None:
    """The same in two steps: with --add, add a key (and back the key file up); without, seal
    everything anew under the newest one. Safe to repeat."""
    if add:
        _add()
    else:
        _seal_anew()


def _add() -> None:
    settings = settings_with()
    with opened(settings) as server:
        version = add_data_key(settings.keys_path)
        _note(server, Action.KEYS_ADDED, version)
    out.print(f"Added data key {version}. Servers take it up within a minute; back the file up.")


def _seal_anew() -> None:
    with opened(settings_with()) as server, Bar() as bar:
        done = rekeying.rotate(
            server.database, server.files.store, bar, lambda: time.sleep(HOUSEKEEPING_SECONDS)
        )
        bar("database", 1.0)
        _note(server, Action.KEYS_ROTATED, server.database.ring.current)
    out.print(f"Sealed anew: {done.values} values, {done.files} files.")
    if done.left:
        out.print(f"{done.left} values are under an old key still: a server does not know the new")
        out.print("one. Restart it, and run `huifang rotate-keys` again.")
        raise typer.Exit(1)


def _note(server: Server, action: Action, version: int) -> None:
    """Puts it on record with every organisation, as it concerns all of them."""
    with server.database.write() as connection:
        for org_id in organisations(connection):
            who = audit.command_line(org_id)
            audit.note(connection, who, action, now=server.clock.now(), version=version)
