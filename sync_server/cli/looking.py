"""`huifang doctor`: is this installation sound?"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import Code, Refusal
from sync_server.admin.diagnosis import answer, remedy
from sync_server.admin.texts import words
from sync_server.bootstrap import Server, build
from sync_server.cli.terminal import out, plain, settings_with, table
from sync_server.services.doctor import Finding, Patient, State, examine, no_keys
from sync_server.services.support_bundle import support_bundle
from sync_server.services.vitals import org_vitals, organisations

_ENGLISH = words("en")
_MARKS = {State.GOOD: "[green]✓[/green]", State.ATTENTION: "[yellow]![/yellow]"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: JSON.")] = False,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Compare every row and file, not a sample.")
    ] = False,
    bundle: Annotated[
        Path | None,
        typer.Option(help="Write a file for support here: counts and codes, no customer's data."),
    ] = None,
) -> None:
    """Look at database, feed, files, backups, keys, disk, devices and web app; change nothing.

    Ends with 0 if all is well, 1 if something needs a look, 2 if something is wrong.
    """
    settings = settings_with()
    if not settings.keys_path.exists():
        # `build` would make new keys, which is the last thing a look should do.
        _tell([no_keys(settings)], as_json)
        raise typer.Exit(int(State.BAD))
    server = build(settings)
    try:
        patient = Patient(settings, server.database, server.clock, server.web, server.files.store)
        found = list(examine(patient, thorough=thorough))
        if bundle is not None:
            _write(server, found, bundle)
    finally:
        server.close()
    _tell(found, as_json)
    raise typer.Exit(int(max(finding.state for finding in found)))


def _tell(found: list[Finding], as_json: bool) -> None:
    if as_json:
        told = [
            {
                "question": finding.question,
                "state": finding.state.name.lower(),
                "answer": answer(_ENGLISH, finding),
                "remedy": remedy(_ENGLISH, finding),
                "values": dict(finding.values),
            }
            for finding in found
        ]
        worst = max(finding.state for finding in found)
        typer.echo(json.dumps({"state": worst.name.lower(), "findings": told}, indent=1))
        return
    shown = table("", "what", "found")
    for finding in found:
        mark = _MARKS.get(finding.state, "[red]✗[/red]")
        shown.add_row(mark, *plain(finding.question, answer(_ENGLISH, finding)))
    out.print(shown)
    for finding in found:
        if finding.state:
            out.print(f"{finding.question}: {remedy(_ENGLISH, finding)}", markup=False)


def _write(server: Server, found: list[Finding], path: Path) -> None:
    """A new file for its owner alone. Refuses rather than overwrite."""
    now = server.clock.now()
    with server.database.read() as connection:
        orgs = [org_vitals(connection, org, now) for org in organisations(connection)]
    told = json.dumps(support_bundle(orgs, found, now), indent=1)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refusal(Code.RECORD_EXISTS, file=str(path)) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(told)
