"""`huifang serve`, `demo` and `build-web`."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from shared.errors import Code, Refusal
from sync_server.app import create_app
from sync_server.bootstrap import Server
from sync_server.cli.terminal import Bar, errors, opened, out, settings_with, table
from sync_server.demo import cast
from sync_server.demo.load import load_demo
from sync_server.logs import configure
from sync_server.services.accounts import count_accounts
from sync_server.serving import READY
from sync_server.serving import serve as run

REPOSITORY = Path(__file__).parents[2]
_SOURCES = ("mobile", "shared")
_STEP = re.compile(r"\s*(\d+)% (.+)")

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")]
Certificate = Annotated[Path | None, typer.Option(help="PEM certificate chain, for HTTPS.")]
Key = Annotated[Path | None, typer.Option(help="PEM private key of the certificate.")]
Web = Annotated[Path | None, typer.Option(help="Folder of the built web app.")]
DataDir = Annotated[Path | None, typer.Option(help="Where database, keys and files live.")]


def serve(
    host: Host = None,
    port: Port = None,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    database: Annotated[
        str | None, typer.Option(help="SQLAlchemy URL: sqlite:///… or postgresql://…")
    ] = None,
    web: Web = None,
    data_dir: DataDir = None,
) -> None:
    """Start the server. Makes its database and keys at the first start, and migrates older ones."""
    settings = settings_with(
        host=host,
        port=port,
        tls_cert=tls_cert,
        tls_key=tls_key,
        database=database,
        web_dir=web,
        data_dir=data_dir,
    )
    configure(settings.log_level)
    with opened(settings) as server:
        run(create_app(server), settings, _say_ready)


def demo(
    host: Host = None,
    port: Port = None,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    web: Web = None,
    data_dir: DataDir = None,
    build: Annotated[bool, typer.Option(help="Build the web app if its sources changed.")] = True,
) -> None:
    """Start the demo organisation: build the web app if need be, load the data once, and serve
    both."""
    folder = data_dir or Path("var") / "demo"
    settings = settings_with(
        host=host,
        port=_free(port),
        tls_cert=tls_cert,
        tls_key=tls_key,
        web_dir=web or folder / "web",
        data_dir=folder,
        backup_dir=folder / "backup",
        backup_minutes=1,
    ).model_copy(update={"database": None, "key_file": None, "files_dir": None})
    configure(settings.log_level if sys.stderr.isatty() else "warning")
    if build and stale(settings.web_path):
        build_into(settings.web_path)
    with opened(settings) as server:
        _load_once(server)
        run(create_app(server), settings, _show_demo)


def build_web(
    folder: Annotated[
        Path | None, typer.Argument(help="Where to; the settings' web_dir if unset.")
    ] = None,
) -> None:
    """Build the offline web app."""
    target = folder or settings_with().web_path
    build_into(target)
    out.print(f"Built {target}.", markup=False)


def stale(web: Path) -> bool:
    """Whether there is no build at `web`, or a source is newer than it."""
    index = web / "index.html"
    if not index.is_file():
        return True
    built = index.stat().st_mtime
    return any(
        path.stat().st_mtime > built
        for source in _SOURCES
        for path in (REPOSITORY / source).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def build_into(target: Path) -> None:
    """Run the app's own builder, which the server knows only as a command: neither imports the
    other."""
    command = [sys.executable, "-m", "mobile.pwa", str(target.resolve())]
    said: list[str] = []
    with (
        Bar() as bar,
        subprocess.Popen(
            command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as builder,
    ):
        assert builder.stderr is not None  # asked for above
        for line in builder.stderr:
            step = _STEP.fullmatch(line.rstrip())
            if step:
                bar("web app", int(step[1]) / 100)
            else:
                said.append(line)
    if builder.returncode:
        errors.print("".join(said[-20:]), markup=False)
        raise Refusal(Code.FILE_UNREADABLE, wanted="a web app that builds")


def _free(port: int | None) -> int | None:
    """The port that was asked for; else the usual one, or any that is free if something listens
    there."""
    if port is not None:
        return port
    settings = settings_with()
    try:
        socket.create_server((settings.host, settings.port)).close()
    except OSError:
        return 0
    return settings.port


def _load_once(server: Server) -> None:
    with server.database.read() as connection:
        loaded = count_accounts(connection) > 0
    if not loaded:
        with Bar() as bar:
            load_demo(server.database, server.clock.now(), bar)


def _say_ready(address: str) -> None:
    out.print(f"{READY}{address}", markup=False, soft_wrap=True)
    out.file.flush()


def _show_demo(address: str) -> None:
    shown = table("user", "password", "name", "role", "store")
    for player in cast.CAST:
        row: list[Any] = [player.username, cast.PASSWORD, player.name, player.role, player.store]
        shown.add_row(*map(str, row))
    out.print(shown)
    _say_ready(address)
