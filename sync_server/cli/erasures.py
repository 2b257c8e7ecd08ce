"""`huifang customer erase`: everything personal about one customer, for good."""

from __future__ import annotations

from typing import Annotated

import typer

from shared.errors import Code, Refusal
from sync_server.cli.terminal import opened, out, plain, settings_with, table
from sync_server.cli.users import only_organisation
from sync_server.services import audit, erasing
from sync_server.services.erasing import Preview

app = typer.Typer(help="Customers.", no_args_is_help=True)


@app.callback()
def _customers() -> None:
    """Customers."""


@app.command("erase")
def erase(
    customer: Annotated[str, typer.Argument(help="Id of the customer.")],
    reason: Annotated[str | None, typer.Option(help="Who asked for it, and when.")] = None,
    plan: Annotated[
        str | None, typer.Option(help="What the look before printed; without it, only looks.")
    ] = None,
    organisation: Annotated[str | None, typer.Option(help="Id, if there are several.")] = None,
) -> None:
    """Look what erasing a customer would touch; with --plan and --reason, erase them.

    Names, numbers, addresses, words and photos go, from the tables, the feed, the log of changes
    and every phone that holds them; counts and amounts stay. It can't be undone.
    """
    with opened(settings_with()) as server:
        org_id = organisation or only_organisation(server)
        if plan is None:
            seen = erasing.preview(server.database, org_id, customer)
            _tell(seen)
            out.print("Nothing was changed. To erase all of this, run the command again with")
            out.print(f"--plan {seen.plan} --reason …", markup=False, soft_wrap=True)
            return
        if not (reason or "").strip():
            raise Refusal(Code.FIELD_REQUIRED, field="reason")
        done = erasing.erase(
            server.database,
            server.files.store,
            audit.command_line(org_id),
            customer,
            reason,
            plan,
            server.clock.now(),
            ledger=server.settings.backup_dir,
        )
        _tell(done)
        out.print("Erased. Backups hold it until they are let go; a restore erases it again.")


def _tell(seen: Preview) -> None:
    told = table("what", "how many")
    for name, count in sorted(seen.records.items()):
        told.add_row(*plain(name, count))
    for name in ("versions", "changes", "waiting", "files", "grants", "devices"):
        told.add_row(*plain(name, getattr(seen, name)))
    out.print(told)
