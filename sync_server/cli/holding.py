"""`huifang holders`: who holds a customer, by which grant, and on which devices it lies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from sync_server.cli.terminal import opened, out, plain, settings_with, table
from sync_server.cli.users import only_organisation
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.holders import Held, who_holds


def holders(
    customer: Annotated[str, typer.Argument(help="Id of the customer.")],
    at: Annotated[
        datetime | None, typer.Option(help="An instant of the past, in local time; else now.")
    ] = None,
    organisation: Annotated[str | None, typer.Option(help="Id, if there are several.")] = None,
) -> None:
    """Who holds a customer: people by grant, and devices that have it or have still to drop it."""
    with opened(settings_with()) as server:
        org_id = organisation or only_organisation(server)
        moment = at.astimezone() if at else server.clock.now()
        with server.database.write() as connection:
            held = who_holds(connection, org_id, customer, moment)
            audit.note(
                connection, audit.command_line(org_id), Action.HOLDERS_ASKED,
                now=server.clock.now(), subject=("customer", customer), customer=customer,
            )  # fmt: skip
        _print(held)


def _print(held: Held) -> None:
    people = table("who", "role", "bucket", "purpose", "since", "until", "grant")
    for one in held.people:
        people.add_row(
            *plain(
                one.name or one.staff_id,
                one.role,
                one.bucket.partition(":")[0],
                one.purpose,
                one.since,
                one.until or "–",
                one.grant_id,
            )
        )
    out.print(people if held.people else "Nobody holds it.")
    devices = table("device", "of", "bucket", "state", "since", "grant ended", "why")
    for row in held.devices:
        devices.add_row(
            *plain(
                row.device or row.device_id,
                row.staff_id,
                row.bucket.partition(":")[0],
                row.state,
                row.since,
                row.ended or "–",
                row.ended_because or "–",
            )
        )
    out.print(devices if held.devices else "It lies on no device.")
