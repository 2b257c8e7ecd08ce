"""What the server holds, decrypted: read in this process, from the running server's own tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from sync_server.db.accounts import ACCOUNT, DEVICE
from sync_server.db.log import FEED
from sync_server.db.records import RECORDS, to_row
from sync_server.demo.load import ORGANISATION
from sync_server.services.file_store import FileStore
from tests.live_server import LiveServer

Row = dict[str, Any]


class Evidence:
    """Look-ups of the demo organisation's records on a server that may go on running."""

    def __init__(self, live: LiveServer) -> None:
        self._live = live

    def rows(self, entity: str, **equal: Any) -> list[Row]:
        """Typed rows with these values, in the protocol's form."""
        table = RECORDS[entity]
        query = select(table).where(table.c.org_id == ORGANISATION)
        for name, value in equal.items():
            query = query.where(table.c[name] == value)
        with self._live.opened() as server, server.database.read() as connection:
            return [to_row(entity, stored) for stored in connection.execute(query)]

    def row(self, entity: str, record_id: str) -> Row:
        found = self.rows(entity, id=record_id)
        assert found, f"the server has no {entity} {record_id}"
        return found[0]

    def file(self, sha256: str) -> bytes:
        """A stored file's content, under its own seal."""
        with self._live.opened() as server:
            content = FileStore(server.settings.files_path, server.database.ring).read(
                ORGANISATION, sha256
            )
        assert content is not None, f"the server has no file {sha256}"
        return content

    def staff_id(self, username: str) -> str:
        with self._live.opened() as server, server.database.read() as connection:
            found = connection.scalar(
                select(ACCOUNT.c.staff_id).where(ACCOUNT.c.username == username)
            )
        assert found, f"nobody is called {username}"
        return str(found)

    def device_keys(self, staff_id: str) -> dict[str, str]:
        """Public key by device id, of the devices that this person enrolled."""
        query = select(DEVICE.c.id, DEVICE.c.key).where(DEVICE.c.staff_id == staff_id)
        with self._live.opened() as server, server.database.read() as connection:
            return {row.id: row.key for row in connection.execute(query)}

    def buckets(self, staff_id: str) -> list[str]:
        """What this person holds now."""
        grants = self.rows("grant", staff_id=staff_id)
        return sorted({grant["bucket"] for grant in grants if "revoked_at" not in grant})

    def shown_in(self, buckets: list[str]) -> str:
        """All that the feed has in these buckets, one text to search in."""
        query = select(FEED.c.body).where(
            FEED.c.org_id == ORGANISATION, FEED.c.bucket.in_(buckets), FEED.c.body.is_not(None)
        )
        with self._live.opened() as server, server.database.read() as connection:
            return "\n".join(str(body) for body in connection.scalars(query))
