"""Databases of earlier versions, with unsent work in them, opened and synced by today's code (L1,
L2, L5)."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import select

from mobile.store import schema
from shared.entities import Case, Customer, File, Visit
from sync_server.db.log import CHANGE_LOG
from sync_server.db.migrate import differences
from tests.mobile.sync_world import CUSTOMERS
from tests.server.phones import Field, Phone
from tests.upgrade.company import KeptPhone
from tests.upgrade.kept import Kept
from tests.upgrade.keys import DEVICE_KEY


def test_an_old_server_database_is_brought_to_todays_schema(world: Field) -> None:
    with world.server.database.read() as connection:
        assert differences(connection) == []


async def test_todays_app_opens_an_old_vault_and_misses_nothing(
    version: Kept, lin: KeptPhone
) -> None:
    assert lin.db.execute("PRAGMA user_version").get == len(schema.MIGRATIONS)
    assert lin.db.execute("SELECT count(*) FROM server_row").get == version.story["server_rows"]
    stored = lin.db.execute("SELECT number, change, verdict FROM outbox ORDER BY number")
    assert [(n, json.loads(text), verdict) for n, text, verdict in stored] == [
        (c["number"], c["change"], c["verdict"]) for c in version.changes
    ]
    drafts = {key: lin.store.draft(key) for key in lin.store.drafts()}
    assert drafts == {key: json.loads(body) for key, body in version.story["drafts"].items()}
    unsent = {u.sha256: (u.bytes, u.sent) for u in lin.store.waiting_files()}
    assert unsent == {b["sha256"]: (b["bytes"], b["sent"]) for b in version.story["blobs"]}
    for sha256, (size, _) in unsent.items():
        assert len(lin.store.blob(sha256) or b"") == size
    assert lin.log is not None
    assert (len(lin.log), lin.log.damaged) == (version.story["log_entries"], 0)
    assert [c.name for c in lin.store.find(Customer)]
    assert lin.store.search("张伟")


async def test_unsent_work_of_an_old_vault_gets_its_outcomes_and_the_copies_agree(
    version: Kept, world: Field, lin: KeptPhone
) -> None:
    report = await lin.synced()
    assert report.sent == sum(c["verdict"] is None for c in version.changes)
    assert settled(world, version) == expected(version)
    assert lin.store.status().unsent == 0 and lin.store.status().unsent_files == 0
    files = lin.store.find(File)
    assert len(files) == 2 and all(f.verified_at for f in files)
    assert any("离线写的拜访" == v.notes for v in lin.store.find(Visit))
    assert lin.store.find(Case, customer_id=CUSTOMERS[2])[0].title == "送货迟了"
    assert lin.store.drafts() and (await lin.synced()).sent == 0


async def test_the_sealed_log_of_an_old_vault_that_was_lost_reaches_todays_server(
    version: Kept, world: Field, tmp_path: Path
) -> None:
    folder = version.lay_out_phone(tmp_path / "phone", without_vault=True)
    lin = await KeptPhone.at(world, folder)
    lin.begin_anew()
    await lin.sign_in()
    await lin.synced()  # the last step hands the log in
    await lin.synced()
    sealed = [c for c in version.changes if c["sealed"]]
    found = settled(world, version)
    assert {c["change"]["change_id"] for c in sealed} <= set(found)
    assert {v.notes for v in lin.store.find(Visit)} >= {"离线写的拜访", "附了一张照片"}
    await lin.put_away()


def test_what_an_old_app_sent_is_still_understood(version: Kept, world: Field) -> None:
    phone = old_app(version, world)
    moved: dict[str, str] = {}
    announced: str | None = None
    for heard in version.wire():
        if heard.path == "/v1/auth/refresh":
            assert phone.refresh(json.loads(heard.body)["refresh_token"]).status_code == 200
            continue
        path = heard.path
        if announced is not None:  # the address that today's server gave in place of the old one
            moved[path], announced = announced, None
        answer = phone.send(
            heard.method, moved.get(path, path), headers=heard.headers, content=heard.body
        )
        assert answer.status_code in (200, 201, 204), (heard.method, path, answer.text)
        announced = answer.headers.get("location")
    assert settled(world, version) == expected(version)


def test_a_sealed_log_as_an_old_app_sent_it_is_still_opened(version: Kept, world: Field) -> None:
    phone = old_app(version, world)
    for heard in version.sealed():
        answer = phone.send(
            heard.method, heard.path, headers=heard.headers, content=heard.body, signed=False
        )
        assert answer.status_code == 200 and answer.json()["unopened"] == []
    found = settled(world, version)
    for change in version.changes:
        assert not change["sealed"] or found[change["change"]["change_id"]] == change["becomes"]


def old_app(version: Kept, world: Field) -> Phone:
    return Phone(world.client, world.clock, key=DEVICE_KEY, device_id=version.story["device_id"])


def settled(world: Field, version: Kept) -> dict[str, str]:
    """The server's verdict on each change of the version that it has."""
    ids = [c["change"]["change_id"] for c in version.changes]
    with world.server.database.read() as connection:
        found = connection.execute(
            select(CHANGE_LOG.c.change_id, CHANGE_LOG.c.verdict).where(
                CHANGE_LOG.c.change_id.in_(ids)
            )
        )
        return {row.change_id: row.verdict for row in found}


def expected(version: Kept) -> dict[str, str]:
    return {c["change"]["change_id"]: c["becomes"] for c in version.changes}
