"""`huifang audit …`: what was done, and whether the record of it holds."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import select

from shared.errors import Code, Refusal
from sync_server.bootstrap import Server
from sync_server.cli.terminal import opened, out, plain, settings_with, table
from sync_server.cli.users import only_organisation
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.services import audit, audit_chain
from sync_server.services.audit import Action
from sync_server.services.vitals import organisations

app = typer.Typer(help="What was done, and whether the record of it holds.", no_args_is_help=True)

Organisation = Annotated[str | None, typer.Option(help="Id, if there are several.")]


@app.command()
def verify(
    anchor: Annotated[
        str | None,
        typer.Option(help="What an earlier verify told: shows entries cut off since."),
    ] = None,
    organisation: Organisation = None,
) -> None:
    """Look whether every entry of the audit log is there, unaltered and in its place.

    Ends with 0 if it holds and 2 if not. Keep the anchor that it tells somewhere else, and hand
    it in the next time: only that shows that the newest entries were cut off.
    """
    earlier = _anchor(anchor)
    with opened(settings_with()) as server:
        chains = [organisation] if organisation else _chains(server)
        sound = all([_verified(server, org_id, earlier) for org_id in chains])
    raise typer.Exit(0 if sound else 2)


@app.command("list")
def list_entries(
    action: Annotated[Action | None, typer.Option(help="Only this.")] = None,
    newest: Annotated[int, typer.Option(help="How many.", min=1, max=10_000)] = 50,
    organisation: Organisation = None,
) -> None:
    """The newest entries, the latest first."""
    with opened(settings_with()) as server:
        org_id = organisation or only_organisation(server)
        column = AUDIT_ENTRY.c
        query = select(AUDIT_ENTRY).where(column.org_id == org_id)
        if action is not None:
            query = query.where(column.action == action.value)
        shown = table("number", "at", "action", "result", "by", "via", "from", "of", "details")
        with server.database.read() as connection:
            for row in connection.execute(query.order_by(column.number.desc()).limit(newest)):
                subject = f"{row.subject} {row.subject_id}" if row.subject else ""
                told = (row.number, row.at, row.action, row.result, row.actor_id or "–", row.via)
                shown.add_row(*plain(*told, row.address or "", subject, row.details))
        out.print(shown)


def _anchor(said: str | None) -> audit_chain.Anchor | None:
    if said is None:
        return None
    try:
        return audit_chain.Anchor.read(said)
    except ValueError as bad:
        raise Refusal(Code.FIELD_INVALID, field="anchor", wanted="number:hash") from bad


def _chains(server: Server) -> list[str]:
    with server.database.read() as connection:
        return [*organisations(connection), audit.NOBODYS]


def _verified(server: Server, org_id: str, anchor: audit_chain.Anchor | None) -> bool:
    with server.database.read() as connection:
        found = audit_chain.verify(connection, org_id, anchor if org_id != audit.NOBODYS else None)
    counts = f"{found.entries} entries, {found.let_go} let go by retention"
    out.print(f"{org_id}: {counts}. Anchor: {found.anchor}", markup=False, soft_wrap=True)
    for broken in found.broken:
        out.print(f"  entry {broken.number}: {broken.why}", markup=False)
    return not found.broken
