"""`huifang user …`: who may sign in."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import Connection, select

from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.bootstrap import Server
from sync_server.cli.terminal import opened, out, plain, settings_with, table
from sync_server.db.records import RECORDS
from sync_server.services import accounts, audit, leaving, scopes
from sync_server.services.audit import Action
from sync_server.services.writing import Unit, write

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
        now = server.clock.now()
        hashed = server.hashes.make(password)
        staff_id = new_id()

        def work(unit: Unit) -> None:
            row = {"id": staff_id, "name": name, "role": role.value, "active": True}
            if store is not None:
                found = unit.find("store", name=store)
                if not found:
                    raise Refusal(Code.RECORD_MISSING, entity="store")
                row["store_id"] = found[0].id
            unit.create("staff", row)
            scopes.enrol(unit, staff_id)
            unit.flush()
            _open_account(server, unit.connection, org_id, staff_id, username, hashed)
            who, subject = audit.command_line(org_id), ("staff", staff_id)
            audit.note(unit, who, Action.USER_ADDED, subject=subject, role=role.value)

        write(server.database, org_id, now, work)
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
        hashed = server.hashes.make(password)
        with server.database.write() as connection:
            _open_account(server, connection, org_id, staff, username, hashed)
            _note(server, connection, org_id, staff, Action.USER_ADDED)
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
        now = server.clock.now()
        # The account first: from then on nothing new is begun, whatever happens to the rest.
        with server.database.write() as connection:
            accounts.set_active(
                connection, account.org_id, account.staff_id, False, even_last=force
            )

        def work(unit: Unit) -> leaving.Left:
            policy = accounts.policy_of(unit.connection, account.org_id, now)
            left = leaving.deactivate(unit, account.staff_id, policy, because)
            who, subject = audit.command_line(account.org_id), ("staff", account.staff_id)
            audit.note(unit, who, Action.USER_DEACTIVATED, subject=subject, because=because)
            return left

        left = write(server.database, account.org_id, now, work)
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
        now = server.clock.now()

        def work(unit: Unit) -> leaving.Left:
            found = unit.find("store", name=store)
            if not found:
                raise Refusal(Code.RECORD_MISSING, entity="store")
            policy = accounts.policy_of(unit.connection, account.org_id, now)
            left = leaving.transfer(
                unit,
                account.staff_id,
                found[0].id,
                policy,
                customers_to=heir,
                take_along=take_along,
            )
            audit.note(
                unit, audit.command_line(account.org_id), Action.USER_TRANSFERRED,
                subject=("staff", account.staff_id), store=found[0].id, customers_to=heir,
                customers=left.customers_given,
            )  # fmt: skip
            return left

        left = write(server.database, account.org_id, now, work)
        out.print(f"{account.username} belongs to {store}.", markup=False)
        _say_left(left)


@app.command()
def reactivate(username: Name) -> None:
    """Let someone in again with what their role holds; customers and cases are assigned anew."""
    with opened(settings_with()) as server:
        with server.database.write() as connection:
            account = accounts.known(connection, username)
            accounts.set_active(connection, account.org_id, account.staff_id, True)
            _note(server, connection, account.org_id, account.staff_id, Action.USER_REACTIVATED)
        write(
            server.database,
            account.org_id,
            server.clock.now(),
            lambda unit: scopes.reactivate(unit, account.staff_id),
        )
        out.print(f"{account.username} can sign in again.", markup=False)


@app.command()
def password(username: Name, password: Password) -> None:
    """Set someone's password. Phones that are signed in stay so: block them to end that."""
    with opened(settings_with()) as server:
        hashed = server.hashes.make(password)
        with server.database.write() as connection:
            account = accounts.known(connection, username)
            accounts.set_password(connection, account, hashed, server.clock.now())
            _note(server, connection, account.org_id, account.staff_id, Action.PASSWORD_SET)
        out.print(f"{account.username} has a new password.", markup=False)


def _note(
    server: Server, connection: Connection, org_id: str, staff_id: str, action: Action
) -> None:
    who, subject = audit.command_line(org_id), ("staff", staff_id)
    audit.note(connection, who, action, now=server.clock.now(), subject=subject)


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


def _open_account(
    server: Server,
    connection: Connection,
    org_id: str,
    staff_id: str,
    username: str,
    password_hash: str,
) -> None:
    accounts.add_account(
        connection,
        org_id=org_id,
        staff_id=staff_id,
        username=username,
        password_hash=password_hash,
        now=server.clock.now(),
    )
