"""`huifang policy …`: every number of the rules, and a new version of them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from shared.declare import Kind
from shared.errors import Code, Refusal
from shared.policy import FIELDS, SETTINGS
from sync_server.cli.terminal import opened, out, plain, settings_with, table
from sync_server.cli.users import only_organisation
from sync_server.services import audit, policies

app = typer.Typer(help="Every number of the rules.", no_args_is_help=True)

Organisation = Annotated[str | None, typer.Option(help="Id, if there are several.")]
_SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@app.command()
def show(organisation: Organisation = None) -> None:
    """The settings that hold now, and the versions."""
    with opened(settings_with()) as server:
        org_id, now = organisation or only_organisation(server), server.clock.now()
        with server.database.read() as connection:
            there = policies.versions(connection, org_id, now)
    holds = policies.holding(there)
    settings = table("setting", "value", "unit", "least", "most", "from")
    for name, setting in SETTINGS.items():
        low, high = FIELDS[name].low, FIELDS[name].high
        bounds = ("", "") if low is None or high is None else (int(low), int(high))
        settings.add_row(*plain(name, getattr(holds, name), setting.unit, *bounds, setting.source))
    out.print(settings)
    listed = table("version", "holds from", "state", "changes")
    changes = policies.changes_of(there)
    for one in there:
        listed.add_row(*plain(one.version, one.holds_from, one.state, _told(changes[one.version])))
    out.print(listed)


@app.command("set")
def set_(
    values: Annotated[list[str], typer.Argument(help="name=value, as often as needed.")],
    holds_from: Annotated[
        datetime | None,
        typer.Option("--from", help="From when it holds, in local time; else at once."),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only show what would change.")] = False,
    organisation: Organisation = None,
) -> None:
    """Store a new version of the policy, or see first what it would change."""
    changed = dict(_read(value) for value in values)
    begins = holds_from.astimezone() if holds_from else None
    with opened(settings_with()) as server:
        org_id, now = organisation or only_organisation(server), server.clock.now()
        if dry_run:
            with server.database.read() as connection:
                made = policies.propose(connection, org_id, changed, begins, now)
        else:
            who = audit.command_line(org_id)
            made = policies.add_version(server.database, who, changed, begins, now)
    out.print(_told(made.changes), markup=False)
    for name, count in asdict(made.effects).items():
        if isinstance(count, int) and count:
            out.print(f"{name}: {count}", markup=False)
    if dry_run:
        out.print("Nothing was stored.")
    else:
        out.print(f"Version {made.version} holds from {made.holds_from}.", markup=False)


@app.command()
def withdraw(
    version: Annotated[int, typer.Argument(help="Its number.")],
    organisation: Organisation = None,
) -> None:
    """Take the newest version back before it holds."""
    with opened(settings_with()) as server:
        org_id = organisation or only_organisation(server)
        who = audit.command_line(org_id)
        policies.withdraw(server.database, who, version, server.clock.now())
    out.print(f"Version {version} is withdrawn.", markup=False)


def _read(told: str) -> tuple[str, Any]:
    name, there, value = told.partition("=")
    if not there:
        raise Refusal(Code.FIELD_INVALID, field="policy.settings", wanted="name=value")
    kind = FIELDS[name].kind if name in FIELDS else Kind.TEXT
    try:
        if kind is Kind.INTEGER:
            return name, int(value)
        return name, _SWITCH[value.lower()] if kind is Kind.BOOLEAN else value
    except (ValueError, KeyError):
        raise Refusal(Code.FIELD_INVALID, field=f"policy.{name}", wanted=kind.value) from None


def _told(changes: Any) -> str:
    return ", ".join(f"{one.name}: {one.before} -> {one.after}" for one in changes)
