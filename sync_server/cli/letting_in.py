"""`huifang device code`, `huifang user totp-reset` and `huifang user rescue`: ways in."""

from __future__ import annotations

from typing import Annotated

import typer

from shared.errors import Code, Refusal
from sync_server.bootstrap import Server
from sync_server.cli.terminal import opened, out, settings_with
from sync_server.cli.users import Name, Password
from sync_server.services import accounts, audit
from sync_server.services.company_sign_in import ProviderSettings
from sync_server.services.console_sessions import end_all
from sync_server.services.identity_links import link, unlink
from sync_server.services.letting_in import invite, make_administrator, take_factor_off
from sync_server.services.qr import as_blocks
from sync_server.services.writing import Unit, write
from sync_server.settings import Settings


def code(
    username: Annotated[str, typer.Argument(help="Whose device it will be.")],
    url: Annotated[
        str | None, typer.Option(help="Where the app is served, if not at the public address.")
    ] = None,
) -> None:
    """A one-time code with which someone's next device is let in at once."""
    settings = settings_with()
    with opened(settings) as server:
        with server.database.write() as connection:
            account = accounts.known(connection, username)
            made = invite(
                connection,
                server.sessions.codes,
                account,
                url or _address(settings),
                server.clock.now(),
                audit.command_line(account.org_id),
            )
        out.print(as_blocks(made.link), markup=False, soft_wrap=True)
        out.print(f"Code for {account.username}: {made.code}", markup=False)
        out.print(made.link, markup=False, soft_wrap=True)
        out.print(f"Good once, until {made.expires_at[:16].replace('T', ' ')} UTC.", markup=False)


def totp_reset(username: Name) -> None:
    """Take off someone's second factor: the password is enough until another is set up."""
    with opened(settings_with()) as server, server.database.write() as connection:
        account = accounts.known(connection, username)
        who, factors = audit.command_line(account.org_id), server.sessions.factors
        take_factor_off(connection, factors, account, server.clock.now(), who)
        out.print(f"{account.username} signs in without a second factor.", markup=False)


def rescue(username: Name, password: Password) -> None:
    """The last resort, when nobody can administer any more: this person becomes an administrator
    who can sign in, with a new password and without a second factor. Safe to repeat."""
    with opened(settings_with()) as server:
        now = server.clock.now()
        hashed = server.hashes.chosen(password, username)
        with server.database.read() as connection:
            account = accounts.known(connection, username)

        def work(unit: Unit) -> None:
            accounts.set_active(unit.connection, account.org_id, account.staff_id, True)
            accounts.set_password(unit.connection, account, hashed, now)
            end_all(unit.connection, account.org_id, account.staff_id)
            server.sessions.factors.end(unit.connection, account.org_id, account.staff_id)
            make_administrator(unit, account.staff_id)

        write(server.database, account.org_id, now, work)
        out.print(f"{account.username} can administer again.", markup=False)
        out.print(f"For a device of theirs: huifang device code {account.username}", markup=False)


def link_identity(
    username: Name,
    value: Annotated[str, typer.Argument(help="What the company's provider says of them.")],
) -> None:
    """Let someone sign in with the company's account as well."""
    with opened(settings_with()) as server, server.database.write() as connection:
        account, provider = accounts.known(connection, username), _provider(server)
        who, now = audit.command_line(account.org_id), server.clock.now()
        link(connection, account, provider.issuer, provider.claim, value, now, who)
        out.print(f"{account.username} may sign in with the company's account.", markup=False)


def unlink_identity(username: Name) -> None:
    """End the link; the password goes on."""
    with opened(settings_with()) as server, server.database.write() as connection:
        account, provider = accounts.known(connection, username), _provider(server)
        who = audit.command_line(account.org_id)
        unlink(connection, account, provider.issuer, server.clock.now(), who)
        out.print(f"{account.username} signs in with the password.", markup=False)


def _provider(server: Server) -> ProviderSettings:
    if server.company is None:
        raise Refusal(Code.NOT_FOUND, wanted="HUIFANG_OIDC_ISSUER and HUIFANG_OIDC_CLIENT_ID")
    return server.company.settings


def _address(settings: Settings) -> str:
    if settings.public_url:
        return settings.public_url
    scheme = "https" if settings.tls_cert else "http"
    return f"{scheme}://{settings.host}:{settings.port}"
