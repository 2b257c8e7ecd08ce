"""`huifang device …`: which phones may be signed in on."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import Connection

from shared.errors import Code, Refusal
from sync_server.cli.terminal import opened, out, plain, settings_with, table
from sync_server.services import accounts, audit, contacts, devices
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
                since = _minute(device.enrolled_at)
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
def wipe(
    which: Which,
    force: Annotated[
        bool, typer.Option(help="Even the only device of the only administrator.")
    ] = False,
) -> None:
    """Have a lost device destroy its vault and key at its next contact. What was unsent still
    comes in, sealed; approving the device takes the order back."""
    with opened(settings_with()) as server, server.database.write() as connection:
        device, now = _one(connection, which), server.clock.now()
        who = audit.command_line(device.org_id)
        devices.order_wipe(connection, who, device, now, even_last=force)
        out.print(f"Device {device.id[-12:]} is blocked, and empties itself.", markup=False)


@app.command()
def show(which: Which) -> None:
    """One device: its state, when it was heard of, what it said is unsent, and whether it was
    emptied."""
    with opened(settings_with()) as server, server.database.read() as connection:
        device = _one(connection, which)
        account = accounts.by_staff(connection, device.org_id, device.staff_id)
        told = contacts.last_told(connection, device.org_id, device.id)
        shown = table("", "")
        for label, value in {
            "device": device.id,
            "user": account.username if account else "",
            "name": device.name,
            "platform": device.platform,
            "app": device.app_version,
            "state": device.state,
            "enrolled": _minute(device.enrolled_at),
            "signed in": _minute(device.signed_in_at),
            "heard of": _minute(told.heard_at),
            "unsent": "" if told.unsent is None else f"{told.unsent}, files {told.unsent_files}",
            "unsent since": _minute(told.unsent_since),
            "wipe ordered": _minute(device.wipe_ordered_at),
            "wiped": _minute(device.wiped_at),
        }.items():
            shown.add_row(*plain(label, value))
        out.print(shown)


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
        device, now = _one(connection, which), server.clock.now()
        devices.decide(connection, device, state, now=now, even_last=force)
        who = audit.command_line(device.org_id)
        devices.note_decision(connection, who, device, state, now)
        out.print(f"Device {device.id[-12:]} is {state}.", markup=False)


def _one(connection: Connection, which: str) -> devices.Device:
    found = devices.matching(connection, which)
    if len(found) != 1:
        raise Refusal(Code.DEVICE_UNKNOWN, given=which, found=len(found))
    return found[0]


def _minute(at: str | None) -> str:
    """A time of the wire as a terminal shows it (UTC)."""
    return at[:16].replace("T", " ") if at else ""
