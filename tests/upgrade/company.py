"""The server and the phone of the fixtures, with their known keys, over what lies in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from mobile.store.files import DirectoryFiles
from mobile.store.sealed_log import SealedLog
from mobile.store.vault import close_vault, open_vault
from mobile.sync.transport import HttpPeer, Response
from sync_server.app import create_app
from sync_server.bootstrap import build
from sync_server.db.base import Database
from sync_server.db.migrate import upgrade
from sync_server.settings import Settings
from tests.mobile.sync_world import ADDRESS, Handset, Line
from tests.server.phones import AppClient, Field, HandClock
from tests.upgrade.keys import DEVICE_KEY, RING, SERVER_KEYS, VAULT_KEY

AUTHOR = "lin"
VAULT = "lin"


def serving(url: str, folder: Path, clock: HandClock) -> Field:
    """The company's server over the database at `url`, brought to today's schema, with its files
    in `folder`."""
    database = Database(url, RING, durable=False)
    upgrade(database.engine)
    settings = Settings(data_dir=folder, password_memory_kib=64, password_iterations=1)
    server = build(settings, clock=clock, keys=SERVER_KEYS, database=database)
    app = create_app(server)
    return Field(server, clock, AppClient(app), app)


@dataclass
class Heard:
    """A request as it went over the line."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class ListeningLine(Line):
    """A line that writes down what it carried."""

    def __init__(self, world: Field) -> None:
        super().__init__(world)
        self.heard: list[Heard] = []

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        told = {k.lower(): v for k, v in headers.items()}
        kept = {k: v for k, v in told.items() if k not in ("authorization", "dpop")}
        self.heard.append(Heard(method, url.removeprefix(ADDRESS), kept, body or b""))
        return await super()._exchange(method, url, headers, body)


@dataclass
class KeptPhone(Handset):
    """`lin`'s phone over the vault in a folder, under the fixtures' keys."""

    folder: Path = field(default_factory=Path)

    @classmethod
    async def at(cls, world: Field, folder: Path) -> KeptPhone:
        files = DirectoryFiles(folder)
        await files.claim(VAULT)
        db = open_vault(files, VAULT, VAULT_KEY)
        phone = cls(world, AUTHOR, db, SealedLog(files, VAULT), folder)
        phone.files = files
        return phone

    files: DirectoryFiles = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.keys._key = DEVICE_KEY
        self.line: ListeningLine = ListeningLine(self.world)
        self.peer = HttpPeer(ADDRESS, self.line, self.keys, self.world.clock)
        self.open()

    def begin_anew(self) -> None:
        """The secret was forgotten: an empty vault beside the same sealed log."""
        close_vault(self.db)
        self.db = apsw.Connection(":memory:")
        self.open()

    async def put_away(self) -> None:
        close_vault(self.db)
        await self.files.release(VAULT)
