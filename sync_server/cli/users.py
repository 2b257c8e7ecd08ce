"""`huifang user …`: who may sign in."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import select

from shared.declare import Role
from shared.errors import Code, Refusal
from sync_server.bootstrap import Server
from sync_server.cli.terminal import opened, out, plain, settings_with, table
from sync_server.db.records import RECORDS
from sync_server.services import accounts, audit, leaving, users
from sync_server.services.audit import Action

app = typer.Typer(help="Who may sign in.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="User name.")]
Password = Annotated[
    str,
    typer.Option(
        prompt=True,
        confirmation_prompt=True,
        hide_input=True,
        envvar="HUIFANG_NEW_PASSWORD",
        help="Asked for where it is not given; an option stays in the shell's history.",
    ),
]


@app.command()
def add(
    username: Name,
    role: Annotated[Role, typer.Option(help="What they do.")],
    name: Annotated[str, typer.Option(help="Their name, as colleagues see it.")],
    password: Password,
    store: Annotated[str | None, typer.Option(help="Name of their store.")] = None,
    organisation: Annotated[str | None, typer.Option(help="Id, if there are several.")] = None,
) -> None:
    """Add someone with their staff record, their account, and what their role holds."""
    with opened(settings_with()) as server:
        org_id = organisation or only_organisation(server)
        user = users.NewUser(
            username=username,
            password=server.hashes.chosen(password, username, name),
            name=name,
            role=role,
            store_id=_store_named(server, org_id, store) if store is not None else None,
        )
        users.add(server.database, audit.command_line(org_id), user, server.clock.now())
        out.print(f"Added {accounts.spelled(username)} as {role.value}.", markup=False)


@app.command()
def link(
    username: Name,
    staff: Annotated[str, typer.Argument(help="Id of their staff record, as an import made it.")],
    password: Password,
    organisation: Annotated[str | None, typer.Option(help="Id, if there are several.")] = None,
) -> None:
    """Let someone sign in who has a staff record already."""
    with opened(settings_with()) as server:
        org_id = organisation or only_organisation(server)
        hashed = server.hashes.chosen(password, username)
        with server.database.write() as connection:
            now = server.clock.now()
            accounts.add_account(
                connection,
                org_id=org_id,
                staff_id=staff,
                username=username,
                password_hash=hashed,
                now=now,
            )
            who, subject = audit.command_line(org_id), ("staff", staff)
            audit.note(connection, who, Action.USER_ADDED, now=now, subject=subject)
        out.print(f"{accounts.spelled(username)} can sign in.", markup=False)


@app.command("list")
def list_all() -> None:
    """Everyone who has an account."""
    with opened(settings_with()) as server, server.database.read() as connection:
        shown = table("user", "name", "role", "active")
        for account in accounts.all_accounts(connection):
            active = "yes" if account.active else "no"
            shown.add_row(*plain(account.username, account.name, account.role.value, active))
        out.print(shown)


@app.command()
def deactivate(
    username: Name,
    security: Annotated[
        bool,
        typer.Option(
            help="Not trusted any more: what their phones still bring waits for a manager."
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option(help="Even the last administrator: `rescue` is then the way back.")
    ] = False,
) -> None:
    """End someone's access. Their phones may still hand in their work, and drop the rest."""
    with opened(settings_with()) as server:
        with server.database.read() as connection:
            account = accounts.known(connection, username)
        because = "security" if security else "ended"
        who = audit.command_line(account.org_id)
        left = users.deactivate(
            server.database, who, account.staff_id, because, server.clock.now(), even_last=force
        )
        out.print(f"{account.username} can no longer sign in.", markup=False)
        _say_left(left)


@app.command()
def transfer(
    username: Name,
    store: Annotated[str, typer.Argument(help="Name of the store they go to.")],
    customers_to: Annotated[
        str | None, typer.Option(help="User name of the colleague who gets their customers.")
    ] = None,
    take_along: Annotated[
        bool, typer.Option(help="Their customers change to the new store with them.")
    ] = False,
) -> None:
    """Move someone to another store. Without an option their customers wait for a new holder."""
    with opened(settings_with()) as server:
        with server.database.read() as connection:
            account = accounts.known(connection, username)
            heir = accounts.known(connection, customers_to).staff_id if customers_to else None
        left = users.transfer(
            server.database,
            audit.command_line(account.org_id),
            account.staff_id,
            _store_named(server, account.org_id, store),
            server.clock.now(),
            customers_to=heir,
            take_along=take_along,
        )
        out.print(f"{account.username} belongs to {store}.", markup=False)
        _say_left(left)


@app.command()
def reactivate(username: Name) -> None:
    """Let someone in again with what their role holds; customers and cases are assigned anew."""
    with opened(settings_with()) as server:
        with server.database.read() as connection:
            account = accounts.known(connection, username)
        who = audit.command_line(account.org_id)
        users.reactivate(server.database, who, account.staff_id, server.clock.now())
        out.print(f"{account.username} can sign in again.", markup=False)


@app.command()
def password(username: Name, password: Password) -> None:
    """Set someone's password. Phones that are signed in stay so: block them to end that."""
    with opened(settings_with()) as server:
        with server.database.read() as connection:
            account = accounts.known(connection, username)
        hashed = server.hashes.chosen(password, account.username, account.name)
        with server.database.write() as connection:
            who = audit.command_line(account.org_id)
            users.set_password(connection, who, account, hashed, server.clock.now())
        out.print(f"{account.username} has a new password.", markup=False)


def _say_left(left: leaving.Left) -> None:
    """What was handed on, and what nobody has taken over."""
    for count, what in (
        (left.customers_given, "Customers handed over"),
        (left.callbacks_given, "Callbacks given to other agents"),
        (left.customers_unassigned, "Customers that wait for a new holder"),
        (left.cases_unassigned, "Open cases that wait for a technician"),
        (left.callbacks_unassigned, "Callbacks that wait for an agent"),
    ):
        if count:
            out.print(f"{what}: {count}.", markup=False)


def only_organisation(server: Server) -> str:
    """The one organisation of this database; refuses where it has none or several."""
    table_ = RECORDS["organisation"]
    with server.database.read() as connection:
        found = connection.execute(select(table_.c.org_id).distinct()).scalars().all()
    if len(found) != 1:
        raise Refusal(Code.RECORD_MISSING, entity="organisation", found=len(found))
    return str(found[0])


def _store_named(server: Server, org_id: str, name: str) -> str:
    """The store of that name; refuses RECORD_MISSING."""
    store = RECORDS["store"].c
    with server.database.read() as connection:
        found = connection.execute(
            select(store.id).where(store.org_id == org_id, store.name == name)
        ).first()
    if found is None:
        raise Refusal(Code.RECORD_MISSING, entity="store")
    return str(found[0])
