"""`huifang doctor`: is this installation sound?"""

from __future__ import annotations

import typer

from sync_server.bootstrap import build
from sync_server.cli.terminal import out, settings_with, table
from sync_server.services.doctor import examine


def doctor() -> None:
    """Look at database, keys, disk, clock and web app. Ends with 1 if something is not sound;
    changes nothing."""
    settings = settings_with()
    if not settings.keys_path.exists():
        # `build` would make new keys, which is the last thing a look should do.
        out.print(f"[red]✗[/red] keys: there is no key file at {settings.keys_path}.")
        out.print("  Start the server once, or bring the key file back from the backup.")
        raise typer.Exit(1)
    server = build(settings)
    try:
        found = list(examine(settings, server.database, server.clock, server.web))
    finally:
        server.close()
    shown = table("", "what", "found")
    for finding in found:
        mark = "[green]✓[/green]" if finding.sound else "[red]✗[/red]"
        shown.add_row(mark, finding.question, finding.answer)
    out.print(shown)
    for finding in found:
        if not finding.sound:
            out.print(f"{finding.question}: {finding.remedy}", markup=False)
    if not all(finding.sound for finding in found):
        raise typer.Exit(1)
