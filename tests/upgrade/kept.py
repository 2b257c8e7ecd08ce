"""The kept versions: what lies in `fixtures/`, and how it is laid out for a test.

A folder per version, `<client schema>-<server migration>`; what is in one is in its README.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import tarfile
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text

from mobile.store import schema
from shared.clock import from_wire
from sync_server.db import migrate
from tests.server.phones import HandClock
from tests.upgrade.company import VAULT, Heard

FOLDER = Path(__file__).parent / "fixtures"
SQLITE = "server.sqlite3"
POSTGRES = "server.sql"
SERVER_FILES = "server-files.tar.gz"
WIRE = "wire"
_SCRIPTS = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
_NAME = re.compile(r"(\d+)-(\d{4})")


@dataclass(frozen=True)
class Kept:
    """One kept version."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def client_schema(self) -> int:
        return int(self.name.split("-")[0])

    @property
    def server_schema(self) -> str:
        return self.name.split("-")[1]

    @cached_property
    def story(self) -> dict[str, Any]:
        """What is in it, and what must come of it."""
        found: dict[str, Any] = json.loads((self.folder / "story.json").read_text("utf-8"))
        return found

    @property
    def changes(self) -> list[dict[str, Any]]:
        """Every change in the outbox, with the verdict it must have after a sync."""
        found: list[dict[str, Any]] = self.story["changes"]
        return found

    def clock(self) -> HandClock:
        """A clock an hour after the last thing that happened."""
        clock = HandClock(from_wire(self.story["now"]))
        clock.pass_by(hours=1)
        return clock

    def lay_out_phone(self, folder: Path, *, without_vault: bool = False) -> Path:
        """The phone's files in `folder`. Without its vault: the key was destroyed, the sealed log
        is left."""
        folder.mkdir(parents=True, exist_ok=True)
        for packed in sorted((self.folder / "phone").glob("*.gz")):
            name = packed.name.removesuffix(".gz")
            if not (without_vault and name == f"{VAULT}.db"):
                unpack(packed, folder / name)
        return folder

    def lay_out_sqlite(self, folder: Path) -> str:
        """The server's SQLite database and files in `folder`; its URL."""
        self.lay_out_files(folder)
        unpack(self.folder / f"{SQLITE}.gz", folder / SQLITE)
        return f"sqlite:///{folder / SQLITE}"

    def lay_out_postgres(self, url: str, name: str, folder: Path) -> str:
        """The server's dump in a new database `name` of the PostgreSQL at `url`; its URL."""
        self.lay_out_files(folder)
        made = make_url(url).set(drivername="postgresql+psycopg")
        on_server(url, f'CREATE DATABASE "{name}" TEMPLATE template0')
        made = made.set(database=name)
        engine = create_engine(made)
        with engine.begin() as connection:
            dump = gzip.decompress((self.folder / f"{POSTGRES}.gz").read_bytes()).decode()
            connection.connection.cursor().execute(dump)
        engine.dispose()
        return made.set(drivername="postgresql").render_as_string(hide_password=False)

    def lay_out_files(self, folder: Path) -> None:
        with tarfile.open(self.folder / SERVER_FILES) as packed:
            packed.extractall(folder, filter="data")

    def wire(self) -> list[Heard]:
        """The requests of that version's whole sync, as they went over the line, in order."""
        told = json.loads(gzip.decompress((self.folder / WIRE / "sync.json.gz").read_bytes()))
        return [
            Heard(r["method"], r["path"], r["headers"], base64.b64decode(r["body"])) for r in told
        ]

    def sealed(self) -> list[Heard]:
        """The requests by which that version handed in its sealed log."""
        told = json.loads(gzip.decompress((self.folder / WIRE / "sealed.json.gz").read_bytes()))
        return [
            Heard(r["method"], r["path"], r["headers"], base64.b64decode(r["body"])) for r in told
        ]


def versions() -> list[Kept]:
    """All kept versions, the oldest first."""
    found = [p for p in FOLDER.iterdir() if p.is_dir() and _NAME.fullmatch(p.name)]
    return sorted(map(Kept, found), key=lambda kept: (kept.client_schema, kept.server_schema))


def app_version() -> str:
    """Today's version of the product."""
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    found: str = tomllib.loads(project.read_text("utf-8"))["project"]["version"]
    return found


def client_steps() -> list[str]:
    """What each step of today's vault schema is known by again."""
    return [_mark(step) for step in schema.MIGRATIONS]


def server_steps() -> dict[str, str]:
    """The same for the server's migrations, by number."""
    return {
        script.revision: _mark(Path(script.path).read_text("utf-8"))
        for script in _SCRIPTS.walk_revisions()
    }


def server_head() -> str:
    """The last migration's number."""
    head = _SCRIPTS.get_current_head()
    assert head is not None
    return head


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def on_server(url: str, statement: str) -> None:
    """Something that PostgreSQL does outside of transactions."""
    made = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(made, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def pack(source: Path, target: Path) -> None:
    """The file compressed, the same bytes each time."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(gzip.compress(source.read_bytes(), 9, mtime=0))


def unpack(source: Path, target: Path) -> None:
    with gzip.open(source) as packed, target.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
