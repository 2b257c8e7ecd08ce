"""The command line: `huifang …`. Every command ends with 0, or with a code of `shared.errors`
and 1."""

from __future__ import annotations

import sys

import typer

from shared.errors import Refusal
from sync_server.cli import (
    auditing,
    backups,
    churn,
    data,
    devices,
    erasures,
    founding,
    holding,
    keys,
    letting_in,
    looking,
    policy,
    running,
    tiers,
    users,
)
from sync_server.cli.terminal import complain

app = typer.Typer(
    name="huifang",
    help="Huifang (回访): sync server and its tools.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("serve")(running.serve)
app.command("demo")(running.demo)
app.command("build-web")(running.build_web)
app.command("found")(founding.found)
app.command("import")(data.import_sources)
app.command("doctor")(looking.doctor)
app.command("holders")(holding.holders)
app.command("backup")(backups.backup)
app.command("restore")(backups.restore)
app.command("new-epoch")(backups.new_epoch)
app.command("rotate-keys")(keys.rotate_keys)
app.add_typer(keys.app, name="keys")
app.add_typer(users.app, name="user")
app.add_typer(devices.app, name="device")
app.add_typer(erasures.app, name="customer")
app.add_typer(auditing.app, name="audit")
app.add_typer(policy.app, name="policy")
app.add_typer(tiers.app, name="tiers")
app.add_typer(churn.app, name="churn")
users.app.command("totp-reset")(letting_in.totp_reset)
users.app.command("rescue")(letting_in.rescue)
users.app.command("link-identity")(letting_in.link_identity)
users.app.command("unlink-identity")(letting_in.unlink_identity)
devices.app.command("code")(letting_in.code)


def main() -> None:
    """Entry point of the command `huifang`."""
    try:
        app()
    except Refusal as refusal:
        complain(refusal)
        sys.exit(1)


__all__ = ["app", "main"]
