"""`huifang device …`: which phones may be signed in on."""

from __future__ import annotations

from typing import Annotated

import typer

from shared.errors import Code, Refusal
from sync_server.cli.terminal import opened, out, plain, settings_with, table
from sync_server.services import accounts, audit, devices
from sync_server.services.proof import public_key

app = typer.Typer(help="Which phones may be signed in on.", no_args_is_help=True)

Which = Annotated[
    str, typer.Argument(help="The end of a device's id, or the user name if they have one device.")
]


@app.command("list")
def list_all(
    state: Annotated[str | None, typer.Option(help="pending, approved or blocked")] = None,
) -> None:
    """Every device, the newest first."""
    with opened(settings_with()) as server, server.database.read() as connection:
        names = {
            (account.org_id, account.staff_id): account.username
            for account in accounts.all_accounts(connection)
        }
        shown = table("device", "user", "name", "platform", "app", "state", "enrolled")
        for device in devices.all_devices(connection):
            if state in (None, device.state):
                owner = names.get((device.org_id, device.staff_id), "")
                since = device.enrolled_at[:16].replace("T", " ")
                told = (device.name, device.platform, device.app_version, device.state)
                shown.add_row(*plain(device.id[-12:], owner, *told, since))
        out.print(shown)


@app.command()
def approve(which: Which) -> None:
    """Let a device in: its owner signs in once more."""
    _decide(which, devices.APPROVED)


@app.command()
def block(
    which: Which,
    force: Annotated[
        bool, typer.Option(help="Even the only device of the only administrator.")
    ] = False,
) -> None:
    """Shut a lost device out: it may hand in what it holds, and is told to drop the rest."""
    _decide(which, devices.BLOCKED, force=force)


@app.command()
def enrol(
    username: Annotated[str, typer.Argument(help="Whose device it is.")],
    key: Annotated[str, typer.Argument(help="Its public key, as its page shows it.")],
    name: Annotated[str, typer.Option(help="What to call it.")] = "enrolled by hand",
) -> None:
    """Approve a device before its first sign-in."""
    try:
        public_key(key)
    except ValueError as bad:
        raise Refusal(Code.FIELD_INVALID, field="key", wanted="Ed25519, base64url") from bad
    with opened(settings_with()) as server, server.database.write() as connection:
        account = accounts.known(connection, username)
        now = server.clock.now()
        device = devices.enrol(
            connection,
            org_id=account.org_id,
            staff_id=account.staff_id,
            device_key=key,
            name=name,
            platform="",
            app_version="",
            approved=True,
            now=now,
        )
        devices.decide(connection, device, devices.APPROVED, now=now)
        who = audit.command_line(account.org_id)
        devices.note_decision(connection, who, device, devices.APPROVED, now)
        out.print(f"Device {device.id[-12:]} of {account.username} is approved.", markup=False)


def _decide(which: str, state: str, *, force: bool = False) -> None:
    with opened(settings_with()) as server, server.database.write() as connection:
        found = devices.matching(connection, which)
        if len(found) != 1:
            raise Refusal(Code.DEVICE_UNKNOWN, given=which, found=len(found))
        now = server.clock.now()
        devices.decide(connection, found[0], state, now=now, even_last=force)
        who = audit.command_line(found[0].org_id)
        devices.note_decision(connection, who, found[0], state, now)
        out.print(f"Device {found[0].id[-12:]} is {state}.", markup=False)
