"""`huifang churn …`: who may leave, looked at now."""

from __future__ import annotations

from typing import Annotated

import typer

from sync_server.cli.terminal import opened, out, settings_with
from sync_server.cli.users import only_organisation
from sync_server.services import churn_scoring

app = typer.Typer(help="Customers who may leave.", no_args_is_help=True)


@app.callback()
def churn() -> None:
    """Customers who may leave."""


@app.command()
def score(
    everyone: Annotated[
        bool, typer.Option("--all", help="Learn anew and look at every customer.")
    ] = False,
    organisation: Annotated[str | None, typer.Option(help="Id, if there are several.")] = None,
) -> None:
    """Look at the customers who may have moved, keep their chances, and propose plans."""
    with opened(settings_with()) as server:
        org_id, now = organisation or only_organisation(server), server.clock.now()
        done = churn_scoring.score(server.database, org_id, now, all_customers=everyone)
        with server.database.read() as connection:
            learned = churn_scoring.learned_of(connection, org_id)
    out.print(
        f"{done.looked} customers looked at, {done.written} written, {done.warned} of them with a "
        f"sign; {done.proposed} plans proposed, {done.withdrawn} withdrawn."
    )
    if learned is None:
        out.print("Too few customers came back or stayed away so far to tell chances.")
