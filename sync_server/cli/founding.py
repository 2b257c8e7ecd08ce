"""`huifang found`: a new organisation with its first administrator."""

from __future__ import annotations

from typing import Annotated

import typer

from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import derived_id, new_id
from sync_server.cli.terminal import opened, out, settings_with
from sync_server.cli.users import Password
from sync_server.importing.founding import founding_rows
from sync_server.services import accounts, audit, scopes
from sync_server.services.audit import Action
from sync_server.services.writing import Unit, write


def found(
    name: Annotated[str, typer.Argument(help="Name of the organisation.")],
    admin: Annotated[str, typer.Option(help="User name of its first administrator.")],
    password: Password,
    timezone: Annotated[str, typer.Option(help="Where its days begin.")] = "Asia/Shanghai",
    currency: Annotated[str, typer.Option(help="Of its prices.")] = "CNY",
) -> None:
    """Begin an empty organisation: its first policy, templates, scripts, calendar, and an
    administrator."""
    with opened(settings_with()) as server:
        org_id = derived_id("organisation", name)
        now = server.clock.now()
        hashed = server.hashes.chosen(password, admin, name)
        staff_id = new_id()

        def work(unit: Unit) -> None:
            if unit.get("organisation", org_id) is not None:
                raise Refusal(Code.RECORD_EXISTS, entity="organisation")
            rows = founding_rows(
                org_id, name, now, timezone=timezone, currency=currency, origin=None
            )
            for entity, row in rows:
                unit.create(entity, row)
            role = Role.ADMINISTRATOR.value
            unit.create("staff", {"id": staff_id, "name": admin, "role": role, "active": True})
            scopes.enrol(unit, staff_id)
            unit.flush()
            accounts.add_account(
                unit.connection,
                org_id=org_id,
                staff_id=staff_id,
                username=admin,
                password_hash=hashed,
                now=now,
            )
            who, subject = audit.command_line(org_id), ("staff", staff_id)
            audit.note(unit, who, Action.USER_ADDED, subject=subject, role=role)

        write(server.database, org_id, now, work)
        out.print(f"{name} is founded; {accounts.spelled(admin)} can sign in.", markup=False)
